/// Size arithmetic on numbers from outside: nil or an error instead of a trap.

/// `a * b`, or nil on overflow.
package func product(_ a: Int, _ b: Int) -> Int? {
  let (value, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow ? nil : value
}

/// `a + b`, or nil on overflow.
package func sum(_ a: Int, _ b: Int) -> Int? {
  let (value, overflow) = a.addingReportingOverflow(b)
  return overflow ? nil : value
}

/// More than any machine has; far enough from overflow that sizes may be multiplied by small factors.
package let maximumBytes = 1 << 46

/// More dimensions than any tensor has, NumPy's limit too.
package let maximumRank = 64

/// The product of all dimensions, or nil when one is negative, or those that are not zero multiply to more than
/// `maximumBytes`: strides are made of them, even where there is no element.
package func elementCount(_ shape: [Int]) -> Int? {
  var count = 1
  var isEmpty = false
  for dimension in shape {
    if dimension < 0 { return nil }
    if dimension == 0 { isEmpty = true }
    guard let next = product(count, max(1, dimension)), next <= maximumBytes else { return nil }
    count = next
  }
  return isEmpty ? 0 : count
}

/// Bytes that `count` elements of `dtype` take, sub-byte types packed; nil on overflow.
package func byteCount(_ count: Int, _ dtype: DType) -> Int? {
  guard let bits = product(count, dtype.bitWidth), let padded = sum(bits, 7) else { return nil }
  return padded / 8
}

/// Bytes of a whole tensor, or the error that says why there is no such number.
package func byteCount(_ shape: [Int], _ dtype: DType, tensor: String? = nil) throws(MaasError) -> Int {
  try checkRank(shape.count, tensor: tensor)
  if let count = elementCount(shape), let bytes = byteCount(count, dtype), bytes <= maximumBytes {
    return bytes
  }
  throw MaasError(
    .invalidModel, "the size of shape \(describe(shape)) is not possible", tensor: tensor,
    hint: "dimensions must be non-negative and the tensor smaller than \(maximumBytes) bytes")
}

package func checkRank(_ rank: Int, tensor: String? = nil) throws(MaasError) {
  guard rank > maximumRank else { return }
  throw MaasError(
    .unsupported, "the tensor has too many dimensions", tensor: tensor, expected: "at most \(maximumRank)",
    found: "\(rank)")
}

extension Array {
  /// The element, or nil outside the array: for indices that come from a model or a caller.
  package subscript(at index: Int) -> Element? {
    index >= 0 && index < count ? self[index] : nil
  }
}

/// `[1, 2, 3]`
package func describe(_ shape: [Int]) -> String { Shape(shape).text }
