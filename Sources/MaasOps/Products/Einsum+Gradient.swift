import MaasCore
import MaasGraph

extension Einsum {
  /// The equation with an input and the result in each other's place. Labels that neither the result nor another input
  /// has come from ones in the input's shape, which also tell how long its dimensions are that were broadcast.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    for i in 0..<node.inputCount where node.wants(i) {
      let term = terms[i]
      guard Set(term).count == term.count else {
        throw MaasError(
          .unsupported, "the operator has no gradient of a term that has a label twice",
          found: String(decoding: term, as: UTF8.self))
      }
      var inputs: [ValueID?] = [dy]
      var sources = [result ?? implicitResult]
      for j in 0..<node.inputCount where j != i {
        inputs.append(try node.input(j))
        sources.append(terms[j])
      }
      if !Set(term).isSubset(of: sources.joined()) {
        inputs.append(node.add(FillLike(1), [try node.input(i)]))
        sources.append(term)
      }
      try node.contributeBroadcast(node.add(try Einsum(sources, term), inputs), to: i)
    }
  }

  private convenience init(_ terms: [[UInt8]], _ result: [UInt8]) throws(MaasError) {
    func text(_ term: [UInt8]) -> String {
      joined(term.map { $0 == UInt8(ascii: ".") ? "..." : String(decoding: [$0], as: UTF8.self) }, "")
    }
    let equation = "\(joined(terms.map(text), ","))->\(text(result))"
    var reader = AttributeReader(inputs: terms.count, ("equation", .string(equation)))
    try self.init(&reader)
  }

  /// What the ellipses stand for, then the letters that occur once, in order.
  private var implicitResult: [UInt8] {
    let all = terms.flatMap { $0 }
    let dots = UInt8(ascii: ".")
    return (all.contains(dots) ? [dots] : [])
      + all.filter { l in l != dots && all.filter { $0 == l }.count == 1 }.sorted()
  }
}
