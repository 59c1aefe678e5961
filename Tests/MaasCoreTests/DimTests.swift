import MaasCore
import Testing

@Suite struct DimTests {
  private let n = Dim.symbol("n")
  private let m = Dim.symbol("m")

  @Test func equalExpressionsAreEqual() {
    #expect(n + m == m + n)
    #expect(n * (m + .known(1)) == n * m + n)
    #expect((n + .known(2)) * (n - .known(2)) == n * n - .known(4))
    #expect(n - n == .known(0))
    #expect(n * .known(0) == .known(0))
  }

  @Test func textReadsLikeAFormula() {
    #expect(n.text == "n")
    #expect((.known(2) * n + .known(1)).text == "2*n + 1")
    #expect((n * m - n - .known(3)).text == "m*n - n - 3")
    #expect((.known(-1) * n).text == "-n")
  }

  @Test func divisionFloors() {
    #expect(Dim.known(7).floorDivided(by: 2) == .known(3))
    #expect(Dim.known(-7).floorDivided(by: 2) == .known(-4))
    #expect((.known(4) * n + .known(2)).floorDivided(by: 2) == .known(2) * n + .known(1))
    #expect((n + .known(1)).floorDivided(by: 2).text == "floor((n + 1)/2)")
  }

  /// Each round would double the terms, the factors, or the text.
  @Test func expressionsStaySmall() {
    var (square, sum, halves) = (n + m, n, n)
    for i in 0..<100 {
      square = square * square
      sum = sum + .symbol("s\(i)") * n
      halves = halves + halves.floorDivided(by: 2)
    }
    for dim in [square, sum, halves] { #expect(dim.text.utf8.count < 4000) }
    #expect(square == (0..<100).reduce(n + m) { square, _ in square * square })
  }

  @Test func quotientsThatDoNotFitAreUnknown() {
    #expect((.known(.min) * n).exactlyDivided(by: .known(-1) * n) == nil)
    #expect(Dim.known(.min).exactlyDivided(by: .known(-1)) == nil)
    #expect(Dim.known(0).exactlyDivided(by: .known(0)) == nil)
  }

  @Test func exactDivisionCancelsFactors() {
    #expect((.known(6) * n * m).exactlyDivided(by: .known(2) * n) == .known(3) * m)
    #expect((n * m + n).exactlyDivided(by: n) == m + .known(1))
    #expect((n + .known(1)).exactlyDivided(by: n) == nil)
    #expect(Dim.known(7).exactlyDivided(by: .known(2)) == nil)
    #expect(Dim.known(7).exactlyDivided(by: .known(0)) == nil)
  }

  @Test func sizesBeyondTheMachineSaturate() {
    #expect(Dim.known(.max) + .known(1) == .known(.max))
    #expect(Dim.known(1 << 40) * .known(1 << 40) == .known(.max))
    #expect(Dim.known(-(1 << 40)) * .known(1 << 40) == .known(-.max))
  }
}
