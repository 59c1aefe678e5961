import MaasCore
import MaasGraph
import MaasONNX

/// A node with constant float weights that can be quantized.
struct Layer {
  /// The place of the node in its graph.
  let index: Int
  let node: Node
  /// ONNX's op_type.
  let type: String
  let x: ValueID
  let y: ValueID
  let weightID: ValueID
  let weights: Tensor
  var bias: ValueID?
  /// The dimension of the weights that counts what is made.
  let columnAxis: Int

  var name: String { node.name }
  var isConvolution: Bool { type == "Conv" }
  /// What is made, and what each of that is made of.
  var columns: Int { weights.shape[columnAxis] }
  var rows: Int { columns > 0 ? weights.count / columns : 0 }
}

/// A node that could have been a layer, and why it is none.
struct Refusal {
  let name: String
  let type: String
  let reason: String
}

/// The layers of a graph in the order of its nodes.
struct LayerList {
  private(set) var layers: [Layer] = []
  private(set) var refused: [Refusal] = []

  init(_ graph: Graph, _ options: QuantizationOptions) {
    let excluded = Set(options.excluded.map { Name($0) })
    for (i, node) in graph.nodes.enumerated() {
      guard let form = graph.forms[node.op], form.domain.isEmpty,
        LayerList.types(options.mode).contains(form.name)
      else { continue }
      // A product of two computed values has no weights.
      guard let weights = node.inputs[at: 1] ?? nil, graph[weights].constant != nil else { continue }
      let found =
        excluded.contains(Name(node.name)) ? .refused("excluded") : LayerList.layer(node, form, graph, i)
      switch found {
      case .layer(let layer): layers.append(layer)
      case .refused(let reason): refused.append(Refusal(name: node.name, type: form.name, reason: reason))
      }
    }
  }

  private enum Finding {
    case layer(Layer)
    case refused(String)
  }

  private static func types(_ mode: QuantizationOptions.Mode) -> [String] {
    mode == .static ? ["MatMul", "Gemm", "Conv"] : ["MatMul", "Gemm"]
  }

  /// Refuses names that no node has.
  static func check(_ excluded: [String], _ graph: Graph) throws(MaasError) {
    let names = graph.nodes.map { $0.name }
    let known = Set(names.map { Name($0) })
    for name in excluded where !known.contains(Name(name)) {
      throw MaasError(
        .notFound, "the model has no node '\(name)' to exclude",
        hint: didYouMean(name, names) ?? "maas-model inspect lists the nodes")
    }
  }

  private static func layer(_ node: Node, _ form: OperatorForm, _ graph: Graph, _ i: Int) -> Finding {
    guard let x = node.inputs[at: 0] ?? nil, let weightID = node.inputs[at: 1] ?? nil,
      let y = node.outputs[at: 0] ?? nil, let weights = graph[weightID].constant, graph[x].constant == nil
    else { return .refused("its input is constant") }
    guard weights.dtype == .float else { return .refused("its weights are \(weights.dtype.name)") }
    guard let axis = columnAxis(form, weights) else {
      return .refused("it is more than a plain \(form.name)")
    }
    guard weights.count > 0, weights.isFinite else { return .refused("its weights are empty or not finite") }
    return .layer(
      Layer(
        index: i, node: node, type: form.name, x: x, y: y, weightID: weightID, weights: weights,
        bias: node.inputs[at: 2] ?? nil, columnAxis: axis))
  }

  private static func columnAxis(_ form: OperatorForm, _ weights: Tensor) -> Int? {
    if form.name == "Conv" { return weights.shape.count > 2 ? 0 : nil }
    guard weights.shape.count == 2 else { return nil }
    if form.name == "MatMul" { return 1 }
    guard form.float("alpha") ?? 1 == 1, form.float("beta") ?? 1 == 1, form.int("transA") ?? 0 == 0 else {
      return nil
    }
    return form.int("transB") ?? 0 == 0 ? 1 : 0
  }
}

extension OperatorForm {
  func int(_ name: String) -> Int? {
    guard case .int(let value) = attributes.first(where: { $0.name == name })?.value else { return nil }
    return value
  }

  func float(_ name: String) -> Float? {
    guard case .float(let value) = attributes.first(where: { $0.name == name })?.value else { return nil }
    return value
  }
}

extension Tensor {
  /// The elements of a float tensor that is aligned.
  var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

  /// Whether no float is NaN or infinite.
  var isFinite: Bool { firstOddity == nil }

  /// The first float that is NaN or infinite; the tensor may be at any address.
  var firstOddity: Int? {
    for i in 0..<count {
      // All ones in the exponent: x - x is 0 for every other number.
      let value = bytes.loadUnaligned(fromByteOffset: i * 4, as: Float.self)
      if value - value != 0 { return i }
    }
    return nil
  }
}
