import MaasCore
import MaasGraph

/// Reads the attributes of one node; `importBody` makes graphs of the graphs among them.
struct AttributeImporter {
  let context: ImportContext
  let importBody: (GraphProto) throws(MaasError) -> Graph

  private var source: ModelSource { context.source }

  /// Nil for an attribute that refers to one of the function around it which the call leaves out.
  func attribute(_ proto: AttributeProto) throws(MaasError) -> Attribute? {
    let name = source.text(proto.name)
    guard let proto = try context.resolved(proto) else { return nil }
    return Attribute(name, try value(proto, name))
  }

  private func value(_ proto: AttributeProto, _ name: String) throws(MaasError) -> AttributeValue {
    switch proto.storedKind {
    case .float: return .float(proto.float ?? 0)
    case .int: return .int(Int(proto.int ?? 0))
    case .string: return .string(source.data(proto.string))
    case .tensor: return .tensor(try tensor(proto.tensor.value ?? TensorProto(), name))
    case .graph: return .graph(try importBody(proto.graph.value ?? GraphProto()))
    case .floats: return .floats(proto.floats)
    case .ints: return .ints(proto.ints.map { Int($0) })
    case .strings: return .strings(proto.strings.map { source.data($0) })
    case .tensors: return .tensors(try each(proto.tensors) { (t) throws(MaasError) in try tensor(t, name) })
    case .graphs: return .graphs(try each(proto.graphs) { (g) throws(MaasError) in try importBody(g) })
    case .undefined: throw MaasError(.invalidModel, "attribute '\(name)' has no value")
    case .type: return .type(try type(proto.type.value ?? TypeProto(), name))
    case .sparseTensor, .sparseTensors, .types:
      throw MaasError(.unsupported, "attribute '\(name)' has a type that is not supported")
    }
  }

  private func tensor(_ proto: TensorProto, _ attribute: String) throws(MaasError) -> Tensor {
    try context.decoder.tensor(proto, fallbackName: attribute)
  }

  private func type(_ proto: TypeProto, _ attribute: String) throws(MaasError) -> Fact {
    let declared = try proto.declared(attribute, source, &context.symbols)
    if let declared, let dtype = declared.dtype {
      return Fact(dtype, declared.shape, container: declared.container)
    }
    throw MaasError(.invalidModel, "attribute '\(attribute)' names no complete type")
  }

  private func each<A, B>(_ items: [A], _ body: (A) throws(MaasError) -> B) throws(MaasError) -> [B] {
    var results: [B] = []
    for item in items { results.append(try body(item)) }
    return results
  }
}

extension AttributeProto {
  /// What the attribute holds; files older than the field `type` leave it to be seen from the fields.
  fileprivate var storedKind: Kind {
    if let kind = kind.flatMap({ Kind(rawValue: $0) }), kind != .undefined { return kind }
    let present: [(Bool, Kind)] = [
      (float != nil, .float), (int != nil, .int), (string != nil, .string), (tensor.value != nil, .tensor),
      (graph.value != nil, .graph), (!floats.isEmpty, .floats), (!ints.isEmpty, .ints),
      (!strings.isEmpty, .strings), (!tensors.isEmpty, .tensors), (!graphs.isEmpty, .graphs),
      (sparseTensor.value != nil, .sparseTensor), (!sparseTensors.isEmpty, .sparseTensors),
      (type.value != nil, .type), (!types.isEmpty, .types),
    ]
    return present.first { $0.0 }?.1 ?? .undefined
  }
}
