import MaasCore
import Testing

@testable import MaasONNX

@Suite struct SymbolNamesTests {
  private func names(_ declared: String...) throws -> SymbolNames {
    let source = try ModelSource(storage: .allocate(1), folder: nil)
    let inputs = declared.enumerated().map { value("in\($0)", .float, [DimensionProto(stringLiteral: $1)]) }
    var model = ModelProto()
    model.graph = Box(graph([], inputs: inputs, outputs: []))
    return SymbolNames(model, source)
  }

  @Test func equalNamesAreNumberedAndPassOverThoseOfTheModel() throws {
    var names = try names("x[0]'2", "n")
    let found = (0..<5).map { _ in names.symbol("x", 0).text }
    #expect(found == ["x[0]", "x[0]'1", "x[0]'3", "x[0]'4", "x[0]'5"])
    #expect(names.symbol("x", 1).text == "x[1]")
  }

  /// Each name is looked for once, however many are taken.
  @Test func aNameThatOftenComesAgainGoesOnFromItsLastNumber() throws {
    var names = try names("n")
    let count = 2000
    let found = Set((0..<count).map { _ in names.symbol("x", 0) })
    #expect(found.count == count)
    #expect(names.unnamed.count == count)
    #expect(found.contains(.symbol("x[0]'\(count - 1)")))
  }
}
