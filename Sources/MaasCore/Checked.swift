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

/// The product of all dimensions, or nil when one is negative or the product overflows.
/// A zero makes the product zero whatever the others are.
package func elementCount(_ shape: [Int]) -> Int? {
  var count = 1
  var overflow = false
  for dimension in shape {
    if dimension < 0 { return nil }
    if dimension == 0 { return 0 }
    if let next = product(count, dimension) { count = next } else { overflow = true }
  }
  return overflow ? nil : count
}

/// Bytes that `count` elements of `dtype` take, sub-byte types packed; nil on overflow.
package func byteCount(_ count: Int, _ dtype: DType) -> Int? {
  guard let bits = product(count, dtype.bitWidth), let padded = sum(bits, 7) else { return nil }
  return padded / 8
}

/// Bytes of a whole tensor, or the error that says why there is no such number.
package func byteCount(_ shape: [Int], _ dtype: DType, tensor: String? = nil) throws(MaasError) -> Int {
  if let count = elementCount(shape), let bytes = byteCount(count, dtype) { return bytes }
  throw MaasError(
    .invalidModel, "the size of shape \(describe(shape)) is not representable", tensor: tensor,
    hint: "dimensions must be non-negative and their product must fit in 63 bits")
}

extension Array {
  /// The element, or nil outside the array: for indices that come from a model or a caller.
  package subscript(at index: Int) -> Element? {
    index >= 0 && index < count ? self[index] : nil
  }
}

/// `[1, 2, 3]`
package func describe(_ shape: [Int]) -> String {
  var text = "["
  for (i, dimension) in shape.enumerated() { text += i == 0 ? "\(dimension)" : ", \(dimension)" }
  return text + "]"
}
