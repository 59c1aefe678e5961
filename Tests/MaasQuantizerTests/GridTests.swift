import Testing

@testable import MaasQuantizer

@Suite struct GridTests {
  @Test func decimals() {
    #expect(decimal(3.14159, 2) == "3.14")
    #expect(decimal(-0.004, 2) == "0.00")
    #expect(decimal(12, 0) == "12")
    #expect(decimal(0.05, 1) == "0.1")
    #expect(decimal(.infinity, 1) == "inf")
  }
}
