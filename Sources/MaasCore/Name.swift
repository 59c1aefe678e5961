import CMaasSystem

/// A name as ONNX compares it, byte by byte: strings of Swift are equal already when they look the same.
package struct Name: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: Name, b: Name) -> Bool {
    var (a, b) = (a.text, b.text)
    return a.withUTF8 { a in b.withUTF8 { b in a.count == b.count && equal(a, b) } }
  }

  private static func equal(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return true }
    return maas_sys_equal(first, second, a.count)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  package static func precedes(_ a: Name, _ b: Name) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }
}

extension Dictionary where Key == Name {
  package subscript(_ name: String) -> Value? {
    get { self[Name(name)] }
    set { self[Name(name)] = newValue }
  }
}

extension String {
  /// The text that bytes are; nil where they are no UTF-8.
  package init?(utf8 bytes: UnsafeRawBufferPointer) {
    self.init(decoding: bytes, as: UTF8.self)
    guard utf8.elementsEqual(bytes) else { return nil }
  }

  /// The text with everything but ASCII's visible characters as escapes of Swift's: `e\u{301}`.
  package var escaped: String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar.value > 32, scalar.value < 127 {
        text.unicodeScalars.append(scalar)
      } else {
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      }
    }
    return text
  }
}
