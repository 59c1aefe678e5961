import CMaas
import MaasCore

/// A text that C can read as long as this object lives.
final class Text {
  let pointer: UnsafePointer<CChar>

  init(_ string: String) { pointer = UnsafePointer(copied(string)) }

  deinit { pointer.deallocate() }
}

/// A copy of `string` that ends with a zero byte, to be deallocated by its owner.
func copied(_ string: String) -> UnsafeMutablePointer<CChar> {
  var string = string
  return string.withUTF8 { utf8 in
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count + 1)
    for (i, byte) in utf8.enumerated() { (text + i).initialize(to: CChar(bitPattern: byte)) }
    (text + utf8.count).initialize(to: 0)
    return text
  }
}

/// The text of a C argument; invalid UTF-8 is repaired.
func string(_ text: UnsafePointer<CChar>?, _ argument: StaticString) throws(MaasError) -> String {
  String(cString: try required(text, argument))
}

@c @implementation
package func maas_text_free(_ text: UnsafeMutablePointer<CChar>?) {
  text?.deallocate()
}
