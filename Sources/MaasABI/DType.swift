import CMaas
import MaasCore

/// The names as C reads them, by ONNX's number; made once and kept.
nonisolated(unsafe) private let names: [UnsafePointer<CChar>] = {
  var names: [UnsafePointer<CChar>] = []
  for number in 0...DType.allCases.reduce(0, { max($0, $1.rawValue) }) {
    names.append(UnsafePointer(copied(DType(rawValue: number)?.name ?? "undefined")))
  }
  return names
}()

@c @implementation
package func maas_dtype_name(_ dtype: maas_dtype) -> UnsafePointer<CChar>! {
  names[at: Int(dtype.rawValue)] ?? names[0]
}

@c @implementation
package func maas_dtype_bits(_ dtype: maas_dtype) -> Int {
  known(dtype).map { $0 == .string ? 0 : $0.bitWidth } ?? 0
}

private func known(_ dtype: maas_dtype) -> DType? {
  Int32(exactly: dtype.rawValue).flatMap { DType(rawValue: $0) }
}

/// The element type that C names for memory of its own, which cannot hold strings.
func elementType(_ dtype: maas_dtype) throws(MaasError) -> DType {
  if known(dtype) == .string {
    throw MaasError(
      .typeMismatch, "a tensor of strings cannot be made of plain memory",
      hint: "use maas_tensor_create_strings()")
  }
  return try anyElementType(dtype)
}

func anyElementType(_ dtype: maas_dtype) throws(MaasError) -> DType {
  if let known = known(dtype) { return known }
  throw MaasError(
    .typeMismatch, "there is no such element type", expected: "a maas_dtype", found: "\(dtype.rawValue)")
}

/// How C names an element type; nil is what a model left open.
func code(_ dtype: DType?) -> maas_dtype {
  maas_dtype(rawValue: UInt32(dtype?.rawValue ?? 0))
}

/// A shape as C passes it, for a tensor of this type.
func sizes(_ shape: UnsafePointer<Int64>?, _ rank: Int, _ dtype: DType) throws(MaasError) -> [Int] {
  guard rank >= 0, rank <= maximumRank else {
    throw MaasError(
      .shapeMismatch, "the rank is not possible", expected: "0..\(maximumRank)",
      found: "\(UInt(bitPattern: rank))")
  }
  if rank == 0 { return [] }
  let shape = try required(shape, "shape")
  let sizes = (0..<rank).map { Int(shape[$0]) }
  if let count = elementCount(sizes), let bytes = byteCount(count, dtype), bytes <= maximumBytes {
    return sizes
  }
  throw MaasError(
    .shapeMismatch, "a size in shape \(describe(sizes)) is negative or their product too large")
}
