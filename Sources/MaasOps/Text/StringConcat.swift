import MaasCore
import MaasGraph

/// Each string of the first input followed by one of the second, with broadcasting.
package final class StringConcat: ReadableOperator, HostOperator {
  package let name = "StringConcat"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    for i in 0..<2 { try node.expectDType(i, [.string]) }
    node.setOutput(0, .string, try node.broadcastShape(0..<2))
  }

  package var ownsResults: Bool { true }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let (a, b) = (try call.tensor(0), try call.tensor(1))
    let dims = try broadcast(a.shape.map { .known($0) }, b.shape.map { .known($0) })
    let shape = dims.compactMap { $0.value }
    guard let count = elementCount(shape), let size = sum(repeated(a, count), repeated(b, count)) else {
      throw MaasError(.limitExceeded, "the strings are too large", found: describe(shape))
    }
    let walk = WalkParams(try Walk(broadcasting: [a.shape, b.shape], to: shape))
    let (prefixes, suffixes) = (a.stringElements, b.stringElements)
    let result = try Tensor(shape, count: count, total: size) { at, i in
      let piece = walk.piece(i, i + 1)
      let length = prefixes[piece.a].copy(to: at)
      return length + suffixes[piece.b].copy(to: at + length)
    }
    return [.tensor(result)]
  }

  /// The bytes of all strings when they are repeated to `count`; saturates.
  private func repeated(_ x: Tensor, _ count: Int) -> Int {
    let bytes = x.stringElements.reduce(0) { $0 + $1.count }
    return product(bytes, count / max(1, x.count)) ?? .max
  }
}
