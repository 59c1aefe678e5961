/// A JSON string. Safe inside an HTML script element too: `<` is escaped.
package func quoted(_ text: String) -> String {
  let hex = Array("0123456789abcdef".utf8)
  var bytes: [UInt8] = [34]
  for byte in text.utf8 {
    switch byte {
    case 34, 92: bytes += [92, byte]
    case 10: bytes += [92, 110]
    case 0..<32, 60, 127: bytes += [92, 117, 48, 48, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
    default: bytes.append(byte)
    }
  }
  bytes.append(34)
  return String(decoding: bytes, as: UTF8.self)
}
