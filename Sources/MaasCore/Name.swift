/// A name as ONNX compares it, byte by byte: strings of Swift are equal already when they look the same.
package struct Name: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: Name, b: Name) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension Dictionary where Key == Name {
  package subscript(_ name: String) -> Value? {
    get { self[Name(name)] }
    set { self[Name(name)] = newValue }
  }
}
