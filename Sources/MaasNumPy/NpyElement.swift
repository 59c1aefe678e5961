import MaasCore

/// The element type as .npy headers name it: a byte order and a type code such as `<f4`.
struct NpyElement {
  let dtype: DType
  let isBigEndian: Bool

  private static let codes: [(code: String, dtype: DType)] = [
    ("b1", .bool), ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("u1", .uint8),
    ("u2", .uint16),
    ("u4", .uint32), ("u8", .uint64), ("f2", .float16), ("f4", .float), ("f8", .double), ("c8", .complex64),
    ("c16", .complex128),
  ]

  /// Kinds of NumPy arrays whose elements are no numbers a tensor can hold.
  private static let refused: [(kind: Character, name: String)] = [
    ("O", "object"), ("S", "bytes"), ("a", "bytes"), ("U", "str"), ("V", "void"), ("M", "datetime64"),
    ("m", "timedelta64"), ("f", "longdouble"), ("c", "clongdouble"),
  ]

  init(descr: PythonLiteral) throws(MaasError) {
    guard case .string(let text) = descr else { throw NpyElement.unsupported("structured") }
    var code = Substring(text)
    let order = code.first.flatMap { "<>|=".contains($0) ? $0 : nil }
    if order != nil { code.removeFirst() }
    guard let dtype = NpyElement.codes.first(where: { $0.code == code })?.dtype else {
      let name = NpyElement.refused.first { $0.kind == code.first }?.name
      throw NpyElement.unsupported(name.map { "\($0) ('\(text)')" } ?? "'\(text)'")
    }
    self.dtype = dtype
    isBigEndian = order == ">"
  }

  /// The header's word for `dtype`, or the error that NumPy has no such type.
  static func descr(_ dtype: DType) throws(MaasError) -> String {
    guard let code = codes.first(where: { $0.dtype == dtype })?.code else {
      throw MaasError(.unsupported, "NumPy has no element type \(dtype.name), so it cannot be saved as .npy")
    }
    return (dtype.byteWidth > 1 ? "<" : "|") + code
  }

  /// Bytes that byte order reverses: the parts of a complex number are numbers of their own.
  var swappedWidth: Int {
    dtype == .complex64 || dtype == .complex128 ? dtype.byteWidth / 2 : dtype.byteWidth
  }

  private static func unsupported(_ name: String) -> MaasError {
    MaasError(
      .unsupported, "arrays of dtype \(name) are not supported",
      expected: "a number type such as float32 or int64",
      hint: "convert the array in NumPy, for example with array.astype(numpy.float32)")
  }
}
