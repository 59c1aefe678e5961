import CMaasKernels
import MaasCore

/// What one of Unicode's full case mappings makes of scalars, as UTF-8 in the form of `maas_case_map`.
struct CaseTable: Sendable {
  private var blocks: [UInt16] = []
  private var mapped = [UInt64](repeating: 0, count: 64)

  /// Beyond the planes of letters nothing has case.
  static let end: UInt32 = 0x1f000

  static let lower = CaseTable { $0.lowercaseMapping }
  static let upper = CaseTable { $0.uppercaseMapping }

  private init(_ mapping: (Unicode.Scalar.Properties) -> String) {
    for first in stride(from: 0, to: CaseTable.end, by: 64) {
      var (block, isEmpty) = ([UInt64](repeating: 0, count: 64), true)
      for i in 0..<64 {
        guard let scalar = Unicode.Scalar(first + UInt32(i)), scalar.properties.mayHaveCase else { continue }
        let bytes = caseBytes(mapping(scalar.properties))
        if bytes == caseBytes(String(scalar)) { continue }
        (block[i], isEmpty) = (bytes, false)
      }
      blocks.append(isEmpty ? 0 : UInt16(truncatingIfNeeded: mapped.count / 64))
      if !isEmpty { mapped += block }
    }
  }

  /// What a scalar becomes; 0 where it stays.
  subscript(_ scalar: UInt32) -> UInt64 {
    get { scalar < CaseTable.end ? mapped[place(scalar)] : 0 }
    set { mapped[place(scalar)] = newValue }
  }

  private func place(_ scalar: UInt32) -> Int { Int(blocks[Int(scalar >> 6)]) * 64 + Int(scalar & 63) }

  /// The scalar that one becomes, itself where it stays; nil where it becomes several.
  func single(_ scalar: UInt32) -> UInt32? {
    let bytes = self[scalar]
    if bytes == 0 { return scalar }
    return withUnsafeBytes(of: bytes) { bytes in
      guard let base = bytes.baseAddress else { return nil }
      let count = Int(bytes[7])
      var scalars = Scalars(StringElement(base, count: count))
      let first = scalars.next()
      return scalars.offset == count ? first : nil
    }
  }

  /// The table as C reads it. `first` as in `maas_case_map`.
  func withMap<R>(first: UInt8, _ body: (UnsafePointer<maas_case_map>) throws(MaasError) -> R)
    throws(MaasError) -> R
  {
    try blocks.withUnsafeBufferPointer { (blocks) throws(MaasError) in
      try mapped.withUnsafeBufferPointer { (mapped) throws(MaasError) in
        var map = maas_case_map(
          blocks: blocks.baseAddress, block_count: Int64(blocks.count), mapped: mapped.baseAddress,
          first: first)
        return try withUnsafePointer(to: &map) { (map) throws(MaasError) in try body(map) }
      }
    }
  }
}

extension Unicode.Scalar.Properties {
  /// Most of what there is has not, and is quickly passed over.
  fileprivate var mayHaveCase: Bool { generalCategory != .otherLetter && generalCategory != .unassigned }
}

/// UTF-8 from the lowest byte on, and how many bytes in the highest. No mapping makes more than six.
func caseBytes(_ text: String) -> UInt64 {
  var (bytes, count): (UInt64, UInt64) = (0, 0)
  for byte in text.utf8 {
    bytes |= UInt64(byte) << (8 * count)
    count += 1
  }
  return bytes | count << 56
}

// Folding: the same for scalars that differ in case only.

/// Unicode's simple folding, by way of the upper case: its lower case where it is one scalar; else the first scalar
/// that has the same. The dotless i is a letter of its own.
private let foldings: [UInt32: UInt32] = {
  var (foldings, firsts): ([UInt32: UInt32], [UInt64: UInt32]) = ([:], [:])
  for scalar in UInt32(128)..<CaseTable.end where scalar != 0x131 {
    guard CaseTable.upper[scalar] != 0 || CaseTable.lower[scalar] != 0 else { continue }
    var folded = scalar
    if let upper = CaseTable.upper.single(scalar) {
      folded = CaseTable.lower.single(upper) ?? upper
    } else {
      folded = firsts[CaseTable.upper[scalar]] ?? scalar
      firsts[CaseTable.upper[scalar]] = folded
    }
    if folded != scalar { foldings[scalar] = folded }
  }
  return foldings
}()

/// What a scalar folds to.
@inline(__always)
func folded(_ scalar: UInt32) -> UInt32 {
  if scalar >= 128 { return foldings[scalar] ?? scalar }
  return scalar >= 65 && scalar <= 90 ? scalar + 32 : scalar
}

/// Every scalar beyond ASCII that folds to another.
let wideFoldings: [(from: UInt32, to: UInt32)] = foldings.map { ($0.key, $0.value) }
