import MaasCore
import MaasGraph

/// Writes the attributes of one node; `exportBody` writes the graphs among them.
struct AttributeExporter {
  let context: ExportContext
  let exportBody: (Graph) throws(MaasError) -> GraphProto

  func attribute(_ attribute: Attribute) throws(MaasError) -> AttributeProto {
    var proto = AttributeProto()
    proto.name = Blob(attribute.name)
    proto.kind = try fill(&proto, attribute.value).rawValue
    return proto
  }

  private func fill(_ proto: inout AttributeProto, _ value: AttributeValue) throws(MaasError)
    -> AttributeProto.Kind
  {
    switch value {
    case .float(let value):
      proto.float = value
      return .float
    case .int(let value):
      proto.int = Int64(value)
      return .int
    case .string(let value):
      proto.string = .made(value)
      return .string
    case .floats(let values):
      proto.floats = values
      return .floats
    case .ints(let values):
      proto.ints = values.map { Int64($0) }
      return .ints
    case .strings(let values):
      proto.strings = values.map { .made($0) }
      return .strings
    case .tensor(let tensor):
      proto.tensor = Box(try context.tensor(tensor, ""))
      return .tensor
    case .tensors(let tensors):
      for tensor in tensors { proto.tensors.append(try context.tensor(tensor, "")) }
      return .tensors
    case .graph(let graph):
      proto.graph = Box(try exportBody(graph))
      return .graph
    case .graphs(let graphs):
      for graph in graphs { proto.graphs.append(try exportBody(graph)) }
      return .graphs
    case .type(let fact):
      proto.type = Box(context.type(fact))
      return .type
    }
  }
}
