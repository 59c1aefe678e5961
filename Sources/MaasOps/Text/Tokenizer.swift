import MaasCore
import MaasGraph

/// com.microsoft's Tokenizer: the parts of each string that an expression takes, the longest at each place, or those
/// between separators, in a new last axis that is filled up.
package final class Tokenizer: ReadableOperator, HostOperator {
  package let name = "Tokenizer"
  private let programs: [RegexProgram]
  private let separates: Bool
  /// The scalars of the shortest token.
  private let least: Int
  private let marks: Bool
  /// What fills up, and what stands before and after the tokens of a string where these are marked.
  private let filling: Tensor

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let (separators, expression) = (try reader.strings("separators"), try reader.string("tokenexp"))
    guard let patterns = separators ?? expression.map({ [$0] }), separators == nil || expression == nil else {
      throw MaasError(.invalidModel, "one of the attributes 'tokenexp' and 'separators' must be there")
    }
    guard let least = try reader.int("mincharnum"), least > 0, let pad = try reader.bytes("pad_value") else {
      throw MaasError(.invalidModel, "attributes 'pad_value' and 'mincharnum', above 0, must be there")
    }
    let everyScalar = separators == [""] || expression == "."
    separates = separators != nil && !everyScalar
    var programs: [RegexProgram] = []
    for pattern in everyScalar ? ["(?s)."] : patterns { programs.append(try RegexParser.program(pattern)) }
    (self.programs, self.least) = (programs, least)
    marks = try reader.int("mark") ?? 0 != 0
    filling = try Tensor([3], strings: [pad, [2], [3]])
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    node.setOutput(0, .string, try node.shape(0).map { $0 + [node.unknownDim()] })
  }

  package var ownsResults: Bool { true }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    var rows = x.stringElements.map { [$0] }
    for program in programs {
      try program.withMatcher { matcher in
        for i in rows.indices where !call.isStopped {
          rows[i] = rows[i].flatMap { parts($0, &matcher) { call.isStopped } }
        }
      }
      try call.checkInterruption()
    }
    return [.tensor(try table(rows, x.shape))]
  }

  /// The tokens of a text, or of a token that another separator left; no longer of interest when `pause` is true.
  private func parts(
    _ text: StringElement, _ matcher: inout RegexMatcher, pause: () -> Bool
  ) -> [StringElement] {
    var (result, start, before): ([StringElement], Int, UInt32) = ([], 0, Scalars.end)
    var scalars = Scalars(text)
    while scalars.offset < text.count, !matcher.isStopped {
      let at = scalars.offset
      if let end = matcher.longest(text, from: at, after: before, pause: pause), end > at {
        result.append(text.part(separates ? start..<at : at..<end))
        start = end
        while scalars.offset < end { before = scalars.next() }
      } else {
        before = scalars.next()
      }
    }
    if separates { result.append(text.part(start..<text.count)) }
    return result.filter { isLongEnough($0) }
  }

  private func isLongEnough(_ token: StringElement) -> Bool {
    var (scalars, count) = (Scalars(token), 0)
    while count < least, scalars.next() != Scalars.end { count += 1 }
    return count == least
  }

  private func table(_ rows: [[StringElement]], _ shape: [Int]) throws(MaasError) -> Tensor {
    let (longest, extra) = (rows.reduce(0) { max($0, $1.count) }, marks ? 1 : 0)
    let width = longest == 0 ? 0 : longest + 2 * extra
    let shape = shape + [width]
    let words = filling.stringElements
    guard let count = elementCount(shape) else {
      throw MaasError(.limitExceeded, "there are too many tokens", found: describe(shape))
    }
    func element(_ i: Int) -> StringElement {
      let (row, column) = (rows[i / width], i % width - extra)
      if column < 0 { return words[1] }
      return column < row.count ? row[column] : words[marks && column == row.count ? 2 : 0]
    }
    let total = (0..<count).reduce(0) { $0 + element($1).count }
    return try Tensor(shape, count: count, total: total) { at, i in element(i).copy(to: at) }
  }
}
