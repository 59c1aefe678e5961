import MaasCore
import MaasGraph

/// The indices of the elements that are not zero, a column each, in row-major order.
package final class NonZero: ReadableOperator, HostOperator {
  package let name = "NonZero"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, Self.types)
    let rank = try node.shape(0)?.count
    node.setOutput(0, .int64, [rank.map { .known($0) } ?? node.unknownDim(), node.unknownDim()])
  }

  private static let types = DType.numbers + [.bool, .string, .complex64, .complex128]

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let places = try flags(x).enumerated().compactMap { $1 ? $0 : nil }
    let strides = contiguousStrides(x.shape)
    var indices: [Int64] = []
    indices.reserveCapacity(places.count * x.shape.count)
    for d in x.shape.indices { indices += places.map { Int64($0 / strides[d] % x.shape[d]) } }
    return [.tensor(try Tensor(.int64, [x.shape.count, places.count], indices))]
  }

  /// Whether each element is not zero, false or the empty string.
  private func flags(_ x: Tensor) throws(MaasError) -> [Bool] {
    if x.dtype == .string { return x.stringElements.map { $0.count != 0 } }
    if let parts = try x.complexParts() {
      let flags = try flags(parts)
      return (0..<x.count).map { flags[2 * $0] || flags[2 * $0 + 1] }
    }
    return try cast(x, to: .bool).elements(as: UInt8.self).map { $0 != 0 }
  }
}

/// The elements or slices along an axis for which input 1 is true. What lies beyond its length is left out.
package final class Compress: ReadableOperator, HostOperator {
  package let name = "Compress"
  private let axis: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectDType(1, [.bool])
    try node.expectRank(1, 1)
    let dtype = try node.dtype(0)
    guard let axis else { return node.setOutput(0, dtype, [node.unknownDim()]) }
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    shape[try normalized(axis: axis, rank: shape.count)] = node.unknownDim()
    node.setOutput(0, dtype, shape)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let whole = axis == nil ? try x.reshaped([x.count]) : x
    let chosen = try call.tensor(1).elements(as: UInt8.self).enumerated().compactMap { $1 != 0 ? $0 : nil }
    return [.tensor(try gathered(whole, chosen, axis: axis ?? 0))]
  }
}

/// The slices of the tensor at `indices` along an axis, computed now.
func gathered(_ x: Tensor, _ indices: [Int], axis: Int) throws(MaasError) -> Tensor {
  let table = try Tensor(.int64, [indices.count], indices.map { Int64($0) })
  guard let result = try evaluate(Gather(axis: axis), [x, table], outputs: [true])?.first ?? nil else {
    throw MaasError(.internal, "slices could not be gathered")
  }
  return result
}

extension Tensor {
  /// The real and imaginary parts of a complex tensor in a last dimension of 2; nil for other types.
  func complexParts() throws(MaasError) -> Tensor? {
    switch dtype {
    case .complex64: try Tensor(.float, shape + [2], storage: storage)
    case .complex128: try Tensor(.double, shape + [2], storage: storage)
    default: nil
    }
  }
}
