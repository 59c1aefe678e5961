import MaasCore

/// Refuses bytes of a file that are no text, with the coding they seem to have.
package func refusal(ofText bytes: UnsafeRawBufferPointer, _ place: String = "") -> MaasError {
  let coding = wideCoding(bytes)
  return MaasError(
    .invalidArgument, "\(place)the \(place.isEmpty ? "file is no text" : "text cannot be read")",
    expected: "UTF-8",
    found: coding.map { "\($0)" } ?? "other bytes",
    hint: "convert it, for instance with iconv -f \(coding ?? "WINDOWS-1252") -t UTF-8")
}

/// The coding of two or four bytes a character that a text begins in, by its mark or, without one, by the zeros that
/// its Latin letters have.
package func wideCoding(_ bytes: UnsafeRawBufferPointer) -> String? {
  let marks: [([UInt8], String)] = [
    ([0xff, 0xfe, 0, 0], "UTF-32"), ([0, 0, 0xfe, 0xff], "UTF-32"), ([0xff, 0xfe], "UTF-16"),
    ([0xfe, 0xff], "UTF-16"),
  ]
  if let mark = marks.first(where: { bytes.starts(with: $0.0) }) { return mark.1 }
  let pairs = bytes.prefix(64)
  let zeros = [0, 1].map { odd in pairs.enumerated().count { $0.offset % 2 == odd && $0.element == 0 } }
  if pairs.count >= 4, zeros[0] == 0, zeros[1] * 2 == pairs.count { return "UTF-16LE" }
  return pairs.count >= 4 && zeros[1] == 0 && zeros[0] * 2 == pairs.count ? "UTF-16BE" : nil
}
