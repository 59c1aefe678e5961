import MaasCommand
import MaasCore
import MaasGraph
import MaasONNX

/// A model with what maas's inference finds of every value from the declared inputs alone.
struct InspectedModel {
  let path: String
  let info: ModelInfo
  let graph: Graph
  /// What the file says about each node.
  let attributes: [[Attribute]]
  let facts: [Fact?]
  let initializers: Set<Name>
  /// The symbols of the inputs that have no number.
  let symbols: [Name]

  /// Dimensions that follow from nothing known have names that begin with this.
  static let unknown = "?"

  init(path: String, sizes: [DimensionArgument] = []) throws(MaasError) {
    do {
      let model = try ONNXModel(path: path)
      self.path = path
      info = try model.info()
      var graph = try model.graph(keepsForms: true)
      try graph.bindInputs(sizes)
      attributes = graph.nodes.map { graph.forms[$0.op]?.attributes ?? [] }
      initializers = model.initializerNames
      symbols = graph.inputSymbols
      var count = 0
      facts = try graph.inferredFacts { _ in
        count += 1
        return .symbol("\(Self.unknown)\(count)")
      }
      self.graph = graph
    } catch {
      throw error.inFile(path)
    }
  }

  func fact(_ id: ValueID?) -> Fact? { id.flatMap { facts[$0.index] } }

  /// The values that nodes make, in their order.
  var made: [ValueID] { graph.nodes.flatMap { $0.outputs.compactMap { $0 } } }
}

extension Fact {
  /// Whether every dimension is a number or follows from the inputs' symbols.
  var isComplete: Bool { shape.map { !$0.text.contains(InspectedModel.unknown) } ?? false }

  /// `float [batch, 3]`, `seq(tensor(float)) of [?, 3]`
  var text: String {
    let shape = shape?.text ?? "[…]"
    return container == nil ? "\(dtype.name) \(shape)" : "\(typeText) of \(shape)"
  }
}

extension ONNXModel {
  fileprivate var initializerNames: Set<Name> {
    guard let graph = proto.graph.value else { return [] }
    return Set(
      graph.initializers.map { Name(source.text($0.name)) }
        + graph.sparseInitializers.map { Name(source.text($0.values.value?.name)) })
  }
}

extension Graph {
  /// The symbols of the inputs' dimensions, each once.
  var inputSymbols: [Name] {
    var symbols: [Name] = []
    for dim in inputs.flatMap({ self[$0].shape?.dims ?? [] }) where dim.value == nil {
      if !symbols.contains(Name(dim.text)) { symbols.append(Name(dim.text)) }
    }
    return symbols
  }

  /// Puts numbers in the place of symbols of the inputs.
  fileprivate mutating func bindInputs(_ sizes: [DimensionArgument]) throws(MaasError) {
    let symbols = inputSymbols
    for size in sizes where !symbols.contains(size.name) {
      throw DimensionArgument.unknown(size.name, symbols)
    }
    let numbers = Dictionary(sizes.map { ($0.name, $0.size) }) { first, _ in first }
    for id in inputs {
      guard let shape = self[id].shape else { continue }
      self[id].shape = Shape(shape.dims.map { dim in numbers[dim.text].map { .known($0) } ?? dim })
    }
  }
}
