import MaasCore

extension ExportContext {
  /// An initializer, which may have its bytes elsewhere.
  func initializer(_ tensor: Tensor, _ name: String) throws(MaasError) -> TensorProto {
    guard let weights, let offset = try weights.place(tensor) else { return try self.tensor(tensor, name) }
    var proto = described(tensor, name)
    proto.dataLocation = 1
    proto.externalData = [
      entry("location", weights.location), entry("offset", "\(offset)"),
      entry("length", "\(tensor.byteCount)"),
    ]
    return proto
  }

  func tensor(_ tensor: Tensor, _ name: String) throws(MaasError) -> TensorProto {
    var proto = described(tensor, name)
    if tensor.dtype == .string {
      proto.stringData = tensor.stringElements.map { .made(Array($0.bytes)) }
    } else if let bytes = tensor.storage.slice(0, tensor.byteCount) {
      proto.rawData = .stored(bytes)
    }
    return proto
  }

  private func described(_ tensor: Tensor, _ name: String) -> TensorProto {
    var proto = TensorProto()
    proto.dims = tensor.shape.map { Int64($0) }
    proto.dataType = tensor.dtype.rawValue
    proto.name = Blob(name)
    return proto
  }
}

func entry(_ key: String, _ value: String) -> StringStringEntryProto {
  var proto = StringStringEntryProto()
  (proto.key, proto.value) = (Blob(key), Blob(value))
  return proto
}
