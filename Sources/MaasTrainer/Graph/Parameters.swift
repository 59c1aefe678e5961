import MaasCore
import MaasGraph

/// A tensor that training changes.
struct Parameter {
  let id: ValueID
  let name: String
  /// As the model has it.
  let shape: [Int]
  /// How it lies while it is trained, where that is not row by row.
  let panels: WeightPanels?
  /// Its memory.
  let tensor: Tensor

  /// Copies its values.
  init(_ id: ValueID, _ name: String, _ values: Tensor, _ panels: WeightPanels? = nil) throws(MaasError) {
    (self.id, self.name, self.panels) = (id, name, panels)
    shape = values.shape
    if let panels { tensor = try panels.laid(values) } else { tensor = try values.copied() }
  }

  /// A copy in the model's order of `own`: of `tensor`, or of an average or state that lies as it does.
  func plainCopy(of own: Tensor) throws(MaasError) -> Tensor {
    if let panels { return try panels.plain(own) }
    return try own.copied()
  }

  /// Sets `own` to what has the model's order.
  func set(_ own: Tensor, to plain: Tensor) {
    if let panels { panels.lay(plain, into: own) } else { own.assign(plain) }
  }
}

/// The inputs of layers that are learned, where they are constants: a row for each op_type.
private let layerInputs: [(type: String, inputs: Range<Int>)] = [
  ("BatchNormalization", 1..<3), ("Conv", 1..<3), ("ConvTranspose", 1..<3), ("GRU", 1..<4), ("Gather", 0..<1),
  ("Gemm", 0..<3), ("GroupNormalization", 1..<3), ("InstanceNormalization", 1..<3), ("LSTM", 1..<4),
  ("LayerNormalization", 1..<3), ("MatMul", 0..<2), ("PRelu", 1..<2), ("RMSNormalization", 1..<2),
  ("RNN", 1..<4),
]

/// What is learned where it stands between layers: biases, scales, tables of positions.
private let elementwise = ["Add", "Sub", "Mul", "Div"]

/// What a bias may be behind, apart from its layer: its elements only move.
private let movers = ["Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]

extension Graph {
  /// The constants that training may change: float weights of layers, and what stands between two layers or is the bias
  /// of the last. So what prepares features or scales answers stays; as do scalars, masks, and tables that other
  /// operators read.
  package func learnedConstants() -> [ValueID] {
    let weights = Set(
      values.indices.lazy.filter { values[$0].constant?.isWeight ?? false }.map { ValueID($0) })
    let (behind, ahead) = (behindLayers(weights), aheadOfLayers(weights))
    let unbiased = withoutBias(weights)
    var (learned, others): ([ValueID], Set<ValueID>) = ([], [])
    for node in nodes {
      let inputs = weightInputs(node)
      let isBetween = isElementwise(node) && node.outputs.contains { $0.map(ahead.contains) ?? false }
      let isBias = isElementwise(node, ["Add"]) && node.inputs.contains { $0.map(unbiased.contains) ?? false }
      let follows = node.inputs.contains { $0.map(behind.contains) ?? false }
      for (i, id) in node.inputs.enumerated() {
        guard let id, let tensor = self[id].constant else { continue }
        let stands = isBetween && follows && tensor.count > 1
        let isLearned = inputs.contains(i) || isBias || (stands && weights.contains(id) && !tensor.isMask)
        if isLearned, weights.contains(id) {
          if !learned.contains(id) { learned.append(id) }
        } else {
          others.insert(id)
        }
      }
    }
    return learned.filter { !others.contains($0) }
  }

  private func isElementwise(_ node: Node, _ types: [String] = elementwise) -> Bool {
    types.contains(forms[node.op]?.name ?? "")
  }

  private func weightInputs(_ node: Node) -> Range<Int> {
    layerInputs.first { $0.type == forms[node.op]?.name }?.inputs ?? 0..<0
  }

  private func isLayer(_ node: Node, _ weights: Set<ValueID>) -> Bool {
    let inputs = weightInputs(node)
    return node.inputs.enumerated().contains { inputs.contains($0) && ($1.map(weights.contains) ?? false) }
  }

  /// The values that depend on what a layer gives.
  private func behindLayers(_ weights: Set<ValueID>) -> Set<ValueID> {
    var found: Set<ValueID> = []
    for node in nodes
    where isLayer(node, weights) || node.inputs.contains(where: { $0.map(found.contains) ?? false }) {
      found.formUnion(node.outputs.compactMap { $0 })
    }
    return found
  }

  /// The values that what a layer reads depends on.
  private func aheadOfLayers(_ weights: Set<ValueID>) -> Set<ValueID> {
    var found: Set<ValueID> = []
    for node in nodes.reversed()
    where isLayer(node, weights) || node.outputs.contains(where: { $0.map(found.contains) ?? false }) {
      found.formUnion(node.inputs.compactMap { $0 })
    }
    return found
  }

  /// What products and convolutions give that have no bias of their own.
  private func withoutBias(_ weights: Set<ValueID>) -> Set<ValueID> {
    var found: Set<ValueID> = []
    for node in nodes {
      let type = forms[node.op]?.name ?? ""
      let isProduct = ["Conv", "ConvTranspose", "Gemm", "MatMul"].contains(type)
      let moves = movers.contains(type) && (node.inputs.first ?? nil).map(found.contains) ?? false
      if moves || (isProduct && isLayer(node, weights) && (node.inputs[at: 2] ?? nil) == nil) {
        found.formUnion(node.outputs.compactMap { $0 })
      }
    }
    return found
  }

  /// The running statistics of BatchNormalization nodes.
  func statistics() -> [ValueID] {
    var found: [ValueID] = []
    for node in nodes where forms[node.op]?.name == "BatchNormalization" {
      for case .some(let id) in node.inputs.dropFirst(3) where self[id].constant != nil && !found.contains(id)
      {
        found.append(id)
      }
    }
    return found
  }
}

extension Tensor {
  /// Whether this may be what a layer has learned: numbers of a mask are too large.
  fileprivate var isWeight: Bool {
    guard dtype == .float, !shape.isEmpty else { return false }
    return count > 0 && floats.allSatisfy { $0.magnitude < 1e6 }
  }

  /// Of floats: whether there is nothing but zeros, which let scores through, and large numbers, which hide them.
  fileprivate var isMask: Bool {
    var seen = (zeros: false, large: false)
    for x in floats {
      if x == 0 { seen.zeros = true } else if x.magnitude >= 1000 { seen.large = true } else { return false }
    }
    return seen.zeros && seen.large
  }

  private var floats: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: Float.self), count: count)
  }
}

/// Whether a name is like one of the patterns, in which `*` stands for anything.
func matches(_ name: String, _ patterns: [String]) -> Bool {
  patterns.contains { matches(Array(name.utf8)[...], Array($0.utf8)[...]) }
}

private func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
  // The last star, and how much of the name it stands for, is all that ever needs another try.
  var (n, p) = (name.startIndex, pattern.startIndex)
  var star: (pattern: Int, name: Int)?
  while n < name.endIndex {
    if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
      star = (p + 1, n)
      p += 1
    } else if p < pattern.endIndex, pattern[p] == name[n] {
      (n, p) = (n + 1, p + 1)
    } else if let last = star {
      star = (last.pattern, last.name + 1)
      (n, p) = (last.name + 1, last.pattern)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
}
