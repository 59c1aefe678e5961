import MaasCore
import MaasGraph

/// Shape and Size: numbers that the plan knows. They become constants.
package final class ShapeOf: ReadableOperator {
  package let name = "Shape"
  private let start: Int
  private let end: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    start = try reader.int("start") ?? 0
    end = try reader.int("end") ?? .max
    try reader.finish()
  }

  private func part<D>(_ shape: [D]) -> [D] {
    let (low, high) = (clamped(start, shape.count), clamped(end, shape.count))
    return low < high ? Array(shape[low..<high]) : []
  }

  private func clamped(_ index: Int, _ rank: Int) -> Int {
    max(0, min(rank, index < 0 ? index &+ rank : index))
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    guard let shape = try node.shape(0) else { return node.setOutput(0, .int64, node.unknownShape(rank: 1)) }
    let dims = part(shape)
    node.setOutput(0, .int64, [.known(dims.count)], dims: dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.emitNumbers(part(try node.input(0).shape))
  }
}

package final class Size: ReadableOperator {
  package let name = "Size"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let count = try node.shape(0).map { Shape($0).count }
    node.setOutput(0, .int64, [], dims: count.map { [$0] })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.emitNumbers([try node.input(0).count])
  }
}

extension Lowering {
  /// Fills output 0 with int64 numbers known now.
  mutating func emitNumbers(_ numbers: [Int]) throws(MaasError) {
    let y = try output()
    try emitBroadcast(try constant(try Tensor(.int64, y.shape, numbers.map { Int64($0) })), y)
  }
}
