import MaasCore

/// Makes tensors of TensorProtos. Little-endian bytes of the model are used where they are; other encodings are
/// decoded into memory of the tensor's own.
struct TensorDecoder {
  let source: ModelSource
  private let external: ExternalData

  init(_ source: ModelSource) {
    self.source = source
    external = ExternalData(source)
  }

  /// `name` stands for the tensor in errors when it has none itself.
  func tensor(_ proto: TensorProto, fallbackName: String = "?") throws(MaasError) -> Tensor {
    let ownName = source.text(proto.name)
    let name = ownName.isEmpty ? fallbackName : ownName
    let dtype = try elementType(proto, name)
    let shape = try sizes(proto.dims, name)
    if proto.segment.value != nil {
      throw MaasError(.unsupported, "tensors in segments are not supported", tensor: name)
    }
    if dtype == .string { return try strings(proto, name, shape) }
    if proto.dataLocation == 1 { return try external.tensor(proto, name, dtype, shape) }
    let typed = TypedField(proto, dtype)
    if let raw = proto.rawData, raw.count > 0 || typed.numbers.isEmpty {
      return try rawTensor(raw, name, dtype, shape)
    }
    return try typedTensor(typed, name, dtype, shape)
  }

  private func elementType(_ proto: TensorProto, _ name: String) throws(MaasError) -> DType {
    let number = proto.dataType ?? 0
    guard number != 0 else { throw MaasError(.invalidModel, "the element type is missing", tensor: name) }
    guard let dtype = DType(rawValue: number) else {
      throw MaasError(.unsupported, "element type \(number) is not known", tensor: name)
    }
    return dtype
  }

  private func strings(_ proto: TensorProto, _ name: String, _ shape: [Int]) throws(MaasError) -> Tensor {
    guard elementCount(shape) == proto.stringData.count else {
      throw MaasError(
        .invalidModel, "string_data does not fit string \(describe(shape))", tensor: name,
        expected: "\(elementCount(shape) ?? 0) strings", found: "\(proto.stringData.count)")
    }
    return try Tensor(shape, strings: proto.stringData.map { source.data($0) })
  }

  /// Dimensions that are non-negative and whose product is a possible size.
  private func sizes(_ dims: [Int64], _ name: String) throws(MaasError) -> [Int] {
    try checkRank(dims.count, tensor: name)
    let shape = dims.map { Int($0) }
    guard let negative = shape.first(where: { $0 < 0 }) else { return shape }
    throw MaasError(
      .invalidModel, "the shape \(describe(shape)) has a negative dimension", tensor: name,
      expected: "0 or more", found: "\(negative)")
  }

  private func rawTensor(_ raw: Blob, _ name: String, _ dtype: DType, _ shape: [Int]) throws(MaasError)
    -> Tensor
  {
    let needed = try byteCount(shape, dtype, tensor: name)
    guard raw.count == needed else {
      throw MaasError(
        .invalidModel, "raw_data does not fit \(dtype.name) \(describe(shape))", tensor: name,
        expected: "\(needed) bytes", found: "\(raw.count)")
    }
    return try Tensor(dtype, shape, storage: try storage(raw))
  }

  private func storage(_ blob: Blob) throws(MaasError) -> TensorStorage {
    switch blob {
    case .source(let range):
      guard let slice = source.storage.slice(range.lowerBound, range.count) else { throw elsewhere() }
      return slice
    case .stored(let storage): return storage
    case .made(let bytes):
      let copy = try TensorStorage.allocateLasting(bytes.count)
      UnsafeMutableRawBufferPointer(start: copy.base, count: bytes.count).copyBytes(from: bytes)
      return copy
    }
  }

  private func elsewhere() -> MaasError {
    MaasError(.internal, "the message belongs to another model's bytes")
  }

  private func typedTensor(_ field: TypedField, _ name: String, _ dtype: DType, _ shape: [Int])
    throws(MaasError) -> Tensor
  {
    let bytes = try byteCount(shape, dtype, tensor: name)
    let needed = bytes / field.bytesPerNumber
    guard field.numbers.count == needed else {
      throw MaasError(
        .invalidModel, "\(field.name) does not fit \(dtype.name) \(describe(shape))", tensor: name,
        expected: "\(needed) numbers", found: "\(field.numbers.count)")
    }
    // A packed run of fixed-width numbers is what raw_data would be.
    if field.encoding != .varint, field.numbers.pieces.count == 1, let run = field.numbers.pieces.first {
      return try Tensor(dtype, shape, storage: try storage(.source(run)))
    }
    let tensor = try Tensor(dtype, shape)
    try field.decode(
      from: source.bytes, into: UnsafeMutableRawBufferPointer(start: tensor.bytes, count: bytes))
    return tensor
  }
}

/// The field of TensorProto that holds numbers of one element type.
private struct TypedField {
  let name: String
  let numbers: NumberList
  let encoding: NumberEncoding
  /// Bytes of the tensor that one number stands for.
  let bytesPerNumber: Int
  private let isBool: Bool

  init(_ proto: TensorProto, _ dtype: DType) {
    isBool = dtype == .bool
    switch dtype {
    case .float, .complex64:
      (name, numbers, encoding, bytesPerNumber) = ("float_data", proto.floatData, .fixed32, 4)
    case .double, .complex128:
      (name, numbers, encoding, bytesPerNumber) = ("double_data", proto.doubleData, .fixed64, 8)
    case .int64:
      (name, numbers, encoding, bytesPerNumber) = ("int64_data", proto.int64Data, .varint, 8)
    case .uint32, .uint64:
      (name, numbers, encoding, bytesPerNumber) = ("uint64_data", proto.uint64Data, .varint, dtype.byteWidth)
    default:
      // Types below a byte come packed: a number holds one byte of them.
      (name, numbers, encoding, bytesPerNumber) =
        ("int32_data", proto.int32Data, .varint, max(1, dtype.byteWidth))
    }
  }

  func decode(from bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    throws(MaasError)
  {
    var offset = 0
    for piece in numbers.pieces {
      var cursor = WireCursor(bytes)
      _ = cursor.enter(piece)
      while !cursor.isAtEnd, offset + bytesPerNumber <= target.count {
        store(try cursor.bits(encoding), into: target, at: offset)
        offset += bytesPerNumber
      }
    }
  }

  private func store(_ bits: UInt64, into target: UnsafeMutableRawBufferPointer, at offset: Int) {
    let bits = isBool && bits != 0 ? 1 : bits
    switch bytesPerNumber {
    case 1: target.storeBytes(of: UInt8(truncatingIfNeeded: bits), toByteOffset: offset, as: UInt8.self)
    case 2: target.storeBytes(of: UInt16(truncatingIfNeeded: bits), toByteOffset: offset, as: UInt16.self)
    case 4: target.storeBytes(of: UInt32(truncatingIfNeeded: bits), toByteOffset: offset, as: UInt32.self)
    default: target.storeBytes(of: bits, toByteOffset: offset, as: UInt64.self)
    }
  }
}
