import MaasCore
import Testing

/// Fails the test where `found` is not `expected`: floats within the tolerance, all else exactly.
func expectEqual(_ found: Tensor?, _ expected: Tensor?, _ tolerance: Tolerance, _ what: String) {
  guard let expected else { return }
  guard let found, found.dtype == expected.dtype, found.shape == expected.shape else {
    let text = found.map { "\($0.dtype.name)\(describe($0.shape))" } ?? "nothing"
    Issue.record("\(what): expected \(expected.dtype.name)\(describe(expected.shape)), found \(text)")
    return
  }
  if expected.dtype == .string {
    #expect(found.strings == expected.strings, "\(what)")
    return
  }
  guard let a = found.floats, let b = expected.floats else {
    #expect(found.elements == expected.elements, "\(what)")
    return
  }
  for i in b.indices where !isClose(a[i], b[i], tolerance) {
    Issue.record("\(what): element \(i) of \(b.count): expected \(b[i]), found \(a[i])")
    return
  }
}

private func isClose(_ a: Double, _ b: Double, _ tolerance: Tolerance) -> Bool {
  if a == b || (a.isNaN && b.isNaN) { return true }
  return abs(a - b) <= tolerance.absolute + tolerance.relative * abs(b) && b.isFinite
}

extension Tensor {
  /// The bytes of the elements; of strings, their texts'.
  var elements: [UInt8] {
    if dtype == .string { return Array(strings.joined(separator: "\0").utf8) }
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: byteCount))
  }

  /// The elements of a float tensor, nil for other types.
  fileprivate var floats: [Double]? {
    switch dtype {
    case .float: elements(as: Float.self).map { Double($0) }
    case .double: elements(as: Double.self)
    case .float16: elements(as: Float16.self).map { Double($0) }
    case .bfloat16: elements(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    default: nil
    }
  }
}
