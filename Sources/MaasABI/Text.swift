import CMaas
import MaasCore

/// A text that C can read as long as this object lives.
final class Text {
  let pointer: UnsafePointer<CChar>

  init(_ string: String) { pointer = UnsafePointer(copied(string)) }

  init(_ bytes: [UInt8]) { pointer = bytes.withUnsafeBytes { UnsafePointer(copied($0)) } }

  deinit { pointer.deallocate() }
}

/// A copy of `string` that ends with a zero byte, to be deallocated by its owner.
func copied(_ string: String) -> UnsafeMutablePointer<CChar> {
  var string = string
  return string.withUTF8 { copied(UnsafeRawBufferPointer($0)) }
}

private func copied(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<CChar> {
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
  for (i, byte) in bytes.enumerated() { (text + i).initialize(to: CChar(bitPattern: byte)) }
  (text + bytes.count).initialize(to: 0)
  return text
}

/// The text of a C argument; invalid UTF-8 is repaired.
func string(_ text: UnsafePointer<CChar>?, _ argument: StaticString) throws(MaasError) -> String {
  String(cString: try required(text, argument))
}

/// Gives a text that the object behind a handle owns, or NULL.
func giveText<Owner: AnyObject>(
  of handle: OpaquePointer?, _ argument: StaticString,
  to result: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ name: StaticString, _ text: (Owner) throws(MaasError) -> Text?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let owner = try object(Owner.self, handle, argument)
    try required(result, name).pointee = try text(owner)?.pointer
  }
}

@c @implementation
package func maas_text_free(_ text: UnsafeMutablePointer<CChar>?) {
  text?.deallocate()
}
