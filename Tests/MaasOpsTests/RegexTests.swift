import MaasCore
import MaasGraph
import Testing

@testable import MaasOps

@Suite struct RegexTests {
  /// The operator follows a program way by way only where the table would be large; here every case does.
  @Test(arguments: operatorCases.filter { $0.op == "RegexFullMatch" })
  func program(_ given: OperatorCase) throws {
    guard case .string(let bytes)? = given.attributes.first?.value else { return }
    let pattern = String(decoding: bytes, as: UTF8.self)
    let (x, y) = (try #require(given.inputs[0]), try #require(given.expected[0]))
    let expected = y.elements(as: UInt8.self)
    try RegexParser.program(pattern).withMatcher { matcher in
      for (i, text) in x.stringElements.enumerated() {
        #expect(matcher.matches(text) == (expected[i] != 0), "element \(i)")
      }
    }
  }

  @Test func tablesAreForSmallExpressions() throws {
    for pattern in ["[\\w.+-]+@[\\w-]+\\.(com|org)", "(?i)straße|\\bä+\\b", "a{1000}", "(a*)*"] {
      #expect(RegexAutomaton(try RegexParser.program(pattern)) != nil, "\(pattern)")
    }
    for pattern in ["(a|b)*a(a|b){20}", "(a?){900}a{900}"] {
      #expect(RegexAutomaton(try RegexParser.program(pattern)) == nil, "\(pattern)")
    }
  }

  @Test func bytesThatAreNoUTF8MatchNothingButSurrogates() throws {
    let table = try #require(RegexAutomaton(try RegexParser.program("(?s).*")))
    let texts = try Tensor([4], strings: [[97, 0xff], [0xc3], [0xed, 0xa0, 0x80], Array("é".utf8)])
    let found = table.rows.withUnsafeBufferPointer { rows in
      table.ascii.withUnsafeBufferPointer { ascii in
        table.runs.withUnsafeBufferPointer { runs -> [Bool] in
          guard let r = rows.baseAddress, let a = ascii.baseAddress, let u = runs.baseAddress else {
            return []
          }
          let memory = RegexTable(rows: r, ascii: a, runs: u, runCount: runs.count, first: table.first)
          return texts.stringElements.map { memory.matches($0) }
        }
      }
    }
    #expect(found == [false, false, true, true])
  }
}
