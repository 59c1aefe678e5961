import MaasCore

/// What stands before the elements of a .npy file.
///
/// Source of the format: numpy.lib.format, versions 1.0, 2.0 and 3.0.
struct NpyHeader {
  let element: NpyElement
  let isFortranOrder: Bool
  let shape: [Int]
  /// Where the elements begin, and how many bytes they take.
  let dataOffset: Int
  let dataSize: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own headers are below 200 bytes, those of structured types aside.
  private static let longest = 65536
  /// As in NumPy.
  private static let mostDimensions = 64

  init(_ file: UnsafeRawBufferPointer) throws(MaasError) {
    let (start, length) = try NpyHeader.place(file)
    guard let text = file.range(start, length) else {
      throw MaasError(
        .invalidArgument, "the .npy header is truncated", expected: "\(length) bytes",
        found: "\(file.count - start)")
    }
    let fields = try NpyHeader.fields(text)
    element = try NpyElement(descr: fields.descr)
    isFortranOrder = try NpyHeader.isFortranOrder(fields.order)
    shape = try NpyHeader.shape(fields.shape)
    dataOffset = start + length
    dataSize = try NpyHeader.byteCount(shape, element.dtype)
  }

  /// Where the header's text begins and how long it is.
  private static func place(_ file: UnsafeRawBufferPointer) throws(MaasError) -> (start: Int, length: Int) {
    guard file.count >= magic.count, file.prefix(magic.count).elementsEqual(magic) else {
      throw MaasError(
        .invalidArgument, "this is not a .npy file", expected: "\\x93NUMPY in the first 6 bytes",
        found: described(file.prefix(magic.count)))
    }
    guard let major: UInt8 = file.little(6), let minor: UInt8 = file.little(7) else {
      throw MaasError(.invalidArgument, "the .npy file ends after its magic number")
    }
    guard (1...3).contains(major), minor == 0 else {
      throw MaasError(
        .unsupported, "the .npy format version is not known", expected: "1.0, 2.0 or 3.0",
        found: "\(major).\(minor)")
    }
    let start = major == 1 ? 10 : 12
    let length =
      major == 1
      ? file.little(8, as: UInt16.self).map(Int.init) : file.little(8, as: UInt32.self).map(Int.init)
    guard let length else { throw MaasError(.invalidArgument, "the .npy header is truncated") }
    if length > longest {
      throw MaasError(
        .limitExceeded, "the .npy header is too long", expected: "at most \(longest) bytes",
        found: "\(length)")
    }
    return (start, length)
  }
}

extension NpyHeader {
  private struct Fields {
    var descr, order, shape: PythonLiteral
  }

  private static func fields(_ text: UnsafeRawBufferPointer) throws(MaasError) -> Fields {
    let literal: PythonLiteral
    do {
      literal = try PythonLiteral.parse(text)
    } catch {
      throw MaasError(
        .invalidArgument, "the .npy header cannot be read at its byte \(error.offset)",
        expected: error.expected,
        found: error.offset < text.count ? described(text[error.offset...].prefix(16)) : "the end")
    }
    guard case .dictionary(let entries) = literal else { throw unlike(described(text.prefix(32))) }
    guard entries.count == 3, let descr = value("descr", entries),
      let order = value("fortran_order", entries),
      let shape = value("shape", entries)
    else { throw unlike("keys " + joined(entries.map { name($0.key) }, ", ")) }
    return Fields(descr: descr, order: order, shape: shape)
  }

  private static func value(_ key: String, _ entries: [PythonLiteral.Entry]) -> PythonLiteral? {
    entries.first { $0.key == .string(key) }?.value
  }

  private static func name(_ key: PythonLiteral) -> String {
    if case .string(let text) = key { "'\(text)'" } else { "that are no strings" }
  }

  private static func unlike(_ found: String) -> MaasError {
    MaasError(
      .invalidArgument, "the .npy header does not describe an array",
      expected: "a dictionary with the keys 'descr', 'fortran_order', 'shape'", found: found)
  }

  private static func isFortranOrder(_ value: PythonLiteral) throws(MaasError) -> Bool {
    if case .bool(let flag) = value { return flag }
    throw MaasError(
      .invalidArgument, "the .npy header's fortran_order cannot be read", expected: "True or False")
  }

  private static func shape(_ value: PythonLiteral) throws(MaasError) -> [Int] {
    var shape: [Int] = []
    if case .tuple(let dimensions) = value {
      for case .integer(let dimension) in dimensions { shape.append(dimension) }
      if dimensions.count > mostDimensions {
        throw MaasError(
          .limitExceeded, "the array has too many dimensions", expected: "at most \(mostDimensions)",
          found: "\(dimensions.count)")
      }
      if shape.count == dimensions.count, shape.allSatisfy({ $0 >= 0 }) { return shape }
    }
    throw MaasError(
      .invalidArgument, "the .npy header's shape cannot be read",
      expected: "a tuple of non-negative integers such as (2, 3)",
      found: shape.isEmpty ? nil : describe(shape))
  }

  private static func byteCount(_ shape: [Int], _ dtype: DType) throws(MaasError) -> Int {
    if let count = elementCount(shape), let bytes = MaasCore.byteCount(count, dtype) { return bytes }
    throw MaasError(
      .limitExceeded, "the size of the array in the .npy header is not representable",
      found: "\(dtype.name) \(describe(shape))")
  }
}

/// Bytes of a file as text for an error message: printable ASCII as it is, the rest as `\xNN`.
func described(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for byte in bytes {
    let digits = String(byte, radix: 16)
    text +=
      byte >= 32 && byte < 127
      ? String(Unicode.Scalar(byte)) : "\\x" + (digits.count < 2 ? "0" : "") + digits
  }
  return text.isEmpty ? "nothing" : "'\(text)'"
}
