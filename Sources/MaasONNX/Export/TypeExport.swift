import MaasCore
import MaasGraph

extension ExportContext {
  /// What a file says of a value: its name, and its type as far as it is known.
  func declaration(_ name: String, _ value: Value) -> ValueInfoProto {
    var proto = ValueInfoProto()
    proto.name = Blob(name)
    if let dtype = value.dtype {
      proto.type = Box(type(Fact(dtype, value.shape, container: value.container)))
    }
    return proto
  }

  func type(_ fact: Fact) -> TypeProto {
    var proto = TypeProto()
    switch fact.container {
    case nil: proto.kinds.tensor = Box(tensorType(fact))
    case .sequence(let inner): proto.kinds.sequence = Box(wrapping(fact, inner))
    case .optional(let inner): proto.kinds.optional = Box(wrapping(fact, inner))
    case .map(let key):
      var map = MapTypeProto()
      map.keyType = key.rawValue
      map.valueType = Box(type(Fact(fact.dtype, fact.shape)))
      proto.kinds.map = Box(map)
    }
    return proto
  }

  private func wrapping(_ fact: Fact, _ inner: Container?) -> SequenceTypeProto {
    var proto = SequenceTypeProto()
    proto.elemType = Box(type(Fact(fact.dtype, fact.shape, container: inner)))
    return proto
  }

  private func tensorType(_ fact: Fact) -> TensorTypeProto {
    var proto = TensorTypeProto()
    proto.elemType = fact.dtype.rawValue
    if let shape = fact.shape {
      var dims = TensorShapeProto()
      dims.dims = shape.dims.map(dimension)
      proto.shape = Box(dims)
    }
    return proto
  }

  private func dimension(_ dim: Dim) -> DimensionProto {
    var proto = DimensionProto()
    if let value = dim.value {
      proto.value = Int64(value)
    } else if let name = parameter(dim) {
      proto.param = Blob(name)
    }
    return proto
  }
}
