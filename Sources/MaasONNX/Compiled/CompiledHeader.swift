import MaasCore

/// The first bytes of a compiled model: little-endian numbers that say where what is.
struct CompiledHeader {
  /// Begins no ONNX model, and shows when a program took the file for a text.
  static let magic: [UInt8] = [0x89, 0x4d, 0x41, 0x41, 0x53, 0x0d, 0x0a, 0x1a]
  /// Raised when this file's form changes. What operators pack weights into is told by `CompiledModel.layouts`.
  static let format = 1
  static let byteCount = 64
  /// The weights begin at a page.
  static let alignment = 4096

  private enum Field: Int {
    case checksum = 8
    case format = 16
    case fileBytes = 24
    case messageBytes = 32
    case dataOffset = 40
    case dataBytes = 48
    case dataChecksum = 56
  }

  /// Of all that follows it up to the end of the message.
  let checksum: UInt64
  let message: Range<Int>
  let data: Range<Int>
  let dataChecksum: UInt64

  static func begins(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: magic) }

  init(_ bytes: UnsafeRawBufferPointer) throws(MaasError) {
    guard bytes.count >= Self.byteCount else { throw damaged("its header is cut off") }
    func number(_ field: Field) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: field.rawValue, as: UInt64.self))
    }
    let format = number(.format)
    guard format == Self.format else {
      throw MaasError(
        .unsupported, "the compiled model has another format", expected: "\(Self.format)",
        found: "\(Int(truncatingIfNeeded: format))",
        hint: compileAgain)
    }
    let numbers = [Field.fileBytes, .messageBytes, .dataOffset, .dataBytes].map { Int(exactly: number($0)) }
    guard numbers[0] == bytes.count else { throw damaged("its length is not what its header says") }
    guard let message = Self.range(Self.byteCount, numbers[1], in: bytes),
      let data = numbers[2].flatMap({ Self.range($0, numbers[3], in: bytes) })
    else { throw damaged("its header is wrong") }
    (self.message, self.data) = (message, data)
    (checksum, dataChecksum) = (number(.checksum), number(.dataChecksum))
  }

  private static func range(_ start: Int, _ count: Int?, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
    guard let count, let end = sum(start, count), end <= bytes.count else { return nil }
    return start..<end
  }

  /// The bytes of a header, for a message and weights that follow it.
  static func bytes(message: TensorStorage, dataOffset: Int, dataBytes: Int, dataChecksum: UInt64) -> [UInt8]
  {
    var bytes = magic + [UInt8](repeating: 0, count: byteCount - magic.count)
    func put(_ field: Field, _ value: UInt64) {
      for i in 0..<8 { bytes[field.rawValue + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i)) }
    }
    put(.format, UInt64(format))
    put(.fileBytes, UInt64(dataOffset + dataBytes))
    put(.messageBytes, UInt64(message.byteCount))
    put(.dataOffset, UInt64(dataOffset))
    put(.dataBytes, UInt64(dataBytes))
    put(.dataChecksum, dataChecksum)
    put(
      .checksum,
      bytes.withUnsafeBytes { header in
        checksum(header, UnsafeRawBufferPointer(start: message.base, count: message.byteCount))
      })
    return bytes
  }

  static func checksum(_ header: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer) -> UInt64 {
    var checksum = Checksum()
    checksum.add(UnsafeRawBufferPointer(rebasing: header[Field.format.rawValue..<byteCount]))
    checksum.add(message)
    return checksum.finished()
  }
}

let compileAgain = "compile the ONNX model again with maas-model compile"

func damaged(_ how: String) -> MaasError {
  MaasError(.invalidModel, "the compiled model is damaged: \(how)", hint: compileAgain)
}
