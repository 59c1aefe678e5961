import CMaasSystem

/// An element of a string tensor as it lies in memory: UTF-8 bytes somewhere else. All zero is the empty string, and
/// moving an element never touches the bytes.
package struct StringElement: BitwiseCopyable {
  private let address: UInt
  package let count: Int

  package init(_ bytes: UnsafeRawPointer, count: Int) {
    address = UInt(bitPattern: bytes)
    self.count = count
  }

  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
  }

  /// Puts the bytes at `address` and says how many they are.
  package func copy(to address: UnsafeMutableRawPointer) -> Int {
    if let base = bytes.baseAddress { maas_sys_copy(address, base, count) }
    return count
  }

  package static func == (a: StringElement, b: StringElement) -> Bool {
    guard a.count == b.count else { return false }
    guard a.count > 0, let x = a.bytes.baseAddress, let y = b.bytes.baseAddress else { return true }
    return maas_sys_equal(x, y, a.count)
  }
}

extension Tensor {
  /// Copies of strings that are somewhere else.
  package convenience init(_ shape: [Int], copying elements: [StringElement]) throws(MaasError) {
    try self.init(shape, count: elements.count, total: elements.reduce(0) { sum($0, $1.count) ?? .max }) {
      at, i in
      elements[i].copy(to: at)
    }
  }

  /// A tensor of strings that owns their bytes.
  package convenience init(_ shape: [Int], strings: [[UInt8]]) throws(MaasError) {
    try self.init(shape, count: strings.count, total: strings.reduce(0) { $0 + $1.count }) { at, i in
      strings[i].withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { maas_sys_copy(at, base, bytes.count) }
        return bytes.count
      }
    }
  }

  package convenience init(_ shape: [Int], strings: [String]) throws(MaasError) {
    try self.init(shape, strings: strings.map { Array($0.utf8) })
  }

  /// Strings that are made in place, in order: `write` puts the bytes of string i at an address and says how many they
  /// are, `total` in all.
  package convenience init(
    _ shape: [Int], count: Int, total: Int, _ write: (UnsafeMutableRawPointer, Int) -> Int
  ) throws(MaasError) {
    guard elementCount(shape) == count, let header = MaasCore.byteCount(count, .string),
      let size = sum(header, total)
    else {
      throw MaasError(
        .shapeMismatch, "the strings do not fit the shape \(describe(shape))", found: "\(count)")
    }
    let storage = try TensorStorage.allocate(size)
    let elements = storage.base.bindMemory(to: StringElement.self, capacity: count)
    var at = storage.base + header
    for i in 0..<count {
      let length = write(at, i)
      (elements + i).initialize(to: StringElement(at, count: length))
      at += length
    }
    try self.init(.string, shape, storage: storage)
  }

  /// The elements of a string tensor. The tensor keeps their bytes alive.
  package var stringElements: UnsafeBufferPointer<StringElement> {
    guard dtype == .string else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: StringElement.self), count: count)
  }

  /// The elements of a string tensor; bytes that are no UTF-8 are repaired.
  public var strings: [String] { stringElements.map { String(decoding: $0.bytes, as: UTF8.self) } }

  /// This tensor, or a copy with memory of its own where the bytes are somebody else's.
  package func owned() throws(MaasError) -> Tensor {
    dtype != .string && storage.isOwned ? self : try copied()
  }

  /// A copy with memory of its own, the bytes of strings included.
  package func copied() throws(MaasError) -> Tensor {
    if dtype == .string { return try Tensor(shape, copying: Array(stringElements)) }
    let copy = try Tensor(dtype, shape)
    maas_sys_copy(copy.bytes, bytes, byteCount)
    return copy
  }

}
