import MaasCore

/// Gives each unnamed dimension a symbol of its own, which is no name that the model has.
struct SymbolNames {
  private(set) var unnamed: Set<Name> = []
  private var declared: Set<Name> = []
  /// The last number behind a name.
  private var repeats: [Name: Int] = [:]
  private let source: ModelSource

  init(_ model: ModelProto, _ source: ModelSource) {
    self.source = source
    if let graph = model.graph.value { declare(graph) }
    for function in model.functions { declare(function.nodes) }
  }

  /// `x[0]`: the size of dimension 0 of value x. Equal names in different bodies are told apart by a number.
  mutating func symbol(_ value: String, _ axis: Int) -> Dim {
    let base = "\(value)[\(axis)]"
    var (name, count) = (base, repeats[base] ?? 0)
    if count > 0 { name = "\(base)'\(count)" }
    while declared.contains(Name(name)) || !unnamed.insert(Name(name)).inserted {
      count += 1
      name = "\(base)'\(count)"
    }
    repeats[base] = count
    return .symbol(name)
  }

  private mutating func declare(_ graph: GraphProto) {
    for value in graph.inputs + graph.outputs + graph.valueInfos { declare(value.type.value) }
    declare(graph.nodes)
  }

  private mutating func declare(_ nodes: [NodeProto]) {
    for node in nodes {
      for attribute in node.attributes {
        if let body = attribute.graph.value { declare(body) }
        for body in attribute.graphs { declare(body) }
        declare(attribute.type.value)
      }
    }
  }

  private mutating func declare(_ type: TypeProto?) {
    guard let kinds = type?.kinds else { return }
    for dim in kinds.tensor.value?.shape.value?.dims ?? [] { declared.insert(Name(source.text(dim.param))) }
    declare(kinds.sequence.value?.elemType.value)
    declare(kinds.optional.value?.elemType.value)
    declare(kinds.map.value?.valueType.value)
  }
}
