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
    maas_text_copy(address.assumingMemoryBound(to: UInt8.self), text)
    return count
  }

  /// The element as C has it.
  package var text: maas_text { maas_text(bytes: UnsafePointer(bitPattern: address), count: Int64(count)) }

  package static func == (a: StringElement, b: StringElement) -> Bool { maas_text_equal(a.text, b.text) }
}

extension UnsafeBufferPointer<StringElement> {
  /// The elements as C has them; nil where there are none.
  package var texts: UnsafePointer<maas_text>? {
    baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: maas_text.self) }
  }
}

extension Tensor {
  /// Copies of strings that are somewhere else.
  package convenience init(_ shape: [Int], copying elements: UnsafeBufferPointer<StringElement>)
    throws(MaasError)
  {
    let (texts, count) = (elements.texts, Int64(elements.count))
    try self.init(shape, count: elements.count, bytes: Int(maas_texts_size(texts, count))) { copies, bytes in
      maas_texts_copy(copies, bytes, texts, count)
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
    try self.init(shape, count: count, bytes: total) { elements, at in
      var at = at
      for i in 0..<count {
        let length = write(at, i)
        elements[i] = maas_text(bytes: at, count: Int64(length))
        at += length
      }
    }
  }

  /// Strings that `fill` makes: their elements, and the bytes where these find them.
  package convenience init(
    _ shape: [Int], count: Int, bytes total: Int,
    _ fill: (UnsafeMutablePointer<maas_text>, UnsafeMutablePointer<UInt8>) throws(MaasError) -> Void
  ) throws(MaasError) {
    guard elementCount(shape) == count, let header = MaasCore.byteCount(count, .string),
      let size = sum(header, total)
    else {
      throw MaasError(
        .shapeMismatch, "the strings do not fit the shape \(describe(shape))", found: "\(count)")
    }
    let storage = try TensorStorage.allocate(size)
    try fill(
      storage.base.assumingMemoryBound(to: maas_text.self),
      (storage.base + header).assumingMemoryBound(to: UInt8.self))
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
    if dtype == .string { return try Tensor(shape, copying: stringElements) }
    let copy = try Tensor(dtype, shape)
    maas_sys_copy(copy.bytes, bytes, byteCount)
    return copy
  }

}
