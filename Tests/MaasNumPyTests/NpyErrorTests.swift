import MaasCore
import Testing

@testable import MaasNumPy

/// The bytes of a .npy file with this header text.
private func file(_ header: String, data: Int = 24, version: UInt8 = 1) throws -> TensorStorage {
  let text = Array(header.utf8) + [10]
  var bytes = [0x93] + Array("NUMPY".utf8) + [version, 0]
  if version == 1 {
    bytes.append(little: UInt16(text.count))
  } else {
    bytes.append(little: UInt32(text.count))
  }
  return try storage(bytes + text + (0..<data).map { UInt8($0) })
}

private func header(_ descr: String = "'<f4'", _ order: String = "False", _ shape: String = "(2, 3)")
  -> String
{
  "{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }"
}

private func failure(_ storage: @autoclosure () throws -> TensorStorage) rethrows -> String {
  let storage = try storage()
  do {
    let tensor = try Npy.decode(storage)
    return "no error: \(tensor.dtype.name) \(tensor.shape)"
  } catch {
    return error.message
  }
}

@Suite struct NpyErrors {
  @Test(arguments: [
    (header("'|O'"), "arrays of dtype object ('|O') are not supported"),
    (header("'<U5'"), "dtype str ('<U5')"),
    (header("'|S3'"), "dtype bytes ('|S3')"),
    (header("'<M8[ns]'"), "dtype datetime64 ('<M8[ns]')"),
    (header("'<f16'"), "dtype longdouble ('<f16')"),
    (header("'|V2'"), "dtype void ('|V2')"),
    (header("'<q9'"), "dtype '<q9'"),
    (header("''"), "dtype ''"),
    (header("[('a', '<f4'), ('b', '<i4', (2,))]"), "dtype structured"),
    (header("'<f4'", "'maybe'"), "fortran_order cannot be read: expected True or False"),
    (header("'<f4'", "0"), "fortran_order cannot be read"),
    (header("'<f4'", "False", "(2, -3)"), "found [2, -3]"),
    (header("'<f4'", "False", "[2, 3]"), "expected a tuple of non-negative integers"),
    (header("'<f4'", "False", "6"), "expected a tuple"),
    (header("'<f4'", "False", "(2, 3.5)"), "expected ',' or ')', found '.5)"),
    (header("'<f4'", "False", "(2, 99999999999999999999)"), "an integer of at most 63 bits, found '9999999"),
    (header("'<f4'", "False", "(4611686018427387904, 4)"), "float [4611686018427387904, 4]"),
    (header("'<f4'", "False", "(4611686018427387904,)"), "not representable"),
    (header("'<f4'", "False", "(2, 4)"), "the array is truncated: float [2, 4]: expected 32 bytes, found 24"),
    (header("'<f4'", "False", "(2, 2)"), "bytes follow the array: float [2, 2]: expected 16 bytes, found 24"),
    (header("'<f4'", "False", "(\(String(repeating: "1, ", count: 65)))"), "at most 64, found 65"),
    ("{'descr': '<f4', 'shape': (2, 3)}", "found keys 'descr', 'shape'"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "'more'"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", "expected ',' or ')', found the end"),
    ("{'descr': '<f4' 'fortran_order': False}", "expected ',' or '}', found ''fortran_order'"),
    ("{'descr", "expected a closing quote, found the end"),
    ("{'descr': '<f4'} x", "expected the end, found 'x"),
    ("", "expected a string, a number, True, False, None or a bracket, found the end"),
    ("(1, 2)", "found '(1, 2)"),
    (String(repeating: "(", count: 5000), "at most 32 nested brackets"),
    (String(repeating: " ", count: 65535), "header"),
  ])
  func isRefused(text: String, message: String) throws {
    let version: UInt8 = text.utf8.count > 65000 ? 2 : 1
    #expect(try failure(file(text, version: version)).contains(message))
  }

  @Test func magicAndVersion() throws {
    #expect(
      try failure(storage([]))
        == "this is not a .npy file: expected \\x93NUMPY in the first 6 bytes, found nothing")
    #expect(try failure(storage(Array("1 2 3 4\n".utf8))).hasSuffix("found '1 2 3 '"))
    #expect(
      try failure(file(NumPyTestHeader.plain, version: 9)).contains("expected 1.0, 2.0 or 3.0, found 9.0"))
    #expect(try failure(storage([0x93] + Array("NUMPY".utf8))).contains("ends after its magic number"))
  }

  @Test func truncatedAnywhere() throws {
    let whole = contents(try file(NumPyTestHeader.plain))
    for length in 0..<whole.count {
      #expect(!(try failure(storage(Array(whole[..<length])))).hasPrefix("no error"), "\(length)")
    }
  }

  @Test func namesTheFile() {
    #expect {
      try Npy.read("/no/such/file.npy")
    } throws: {
      ($0 as? MaasError)?.message
        == "/no/such/file.npy: the file cannot be opened (No such file or directory)"
    }
  }

  @Test func typesWithoutNumPyName() throws {
    let tensor = try Tensor(.bfloat16, [2])
    #expect(throws: MaasError.self) { try Npy.encode(tensor) }
  }
}

private enum NumPyTestHeader {
  static let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
}

@Suite struct UnusualButSoundNpy {
  @Test(arguments: [
    "{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<f4\"}",
    "\t{ 'descr' : 'f4' , 'fortran_order' : False , 'shape' : ( 2L , 3L ) }  \n",
    "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3)}",
  ])
  func isRead(text: String) throws {
    let tensor = try Npy.decode(try file(text))
    #expect(tensor.dtype == .float && tensor.shape == [2, 3])
    #expect(contents(tensor) == (0..<24).map { UInt8($0) })
  }

  @Test func rowMajorElementsAreBorrowed() throws {
    let file = try file(NumPyTestHeader.plain)
    let tensor = try Npy.decode(file)
    #expect(tensor.bytes == file.base + file.byteCount - 24)
  }

  @Test func whatIsNotZeroIsTrue() throws {
    let tensor = try Npy.decode(try file("{'descr': '|b1', 'fortran_order': False, 'shape': (4,)}", data: 4))
    #expect(contents(tensor) == [0, 1, 1, 1])
  }

  /// NumPy refuses it as well: "array is too big".
  @Test func emptyWithHugeDimensions() throws {
    let huge =
      "{'descr': '>f4', 'fortran_order': True, 'shape': (0, 4611686018427387904, 4611686018427387904)}"
    let bytes = try file(huge, data: 0)
    #expect(#expect(throws: MaasError.self) { try Npy.decode(bytes) }?.code == .limitExceeded)
  }
}
