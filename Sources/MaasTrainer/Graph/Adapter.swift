import MaasCore
import MaasGraph
import MaasOps

/// Two narrow matrices whose product, times a scale, is added to a weight that stays as it is.
struct Adapter {
  let weight: ValueID
  /// [rows, rank] and [rank, columns] of the weight's shape.
  let a, b: Parameter
  let scale: Float
}

extension Graph {
  /// Makes adapters for the matrices of MatMul and Gemm that the options name and do not freeze. They change nothing
  /// before training: b is 0.
  mutating func addAdapters(_ options: TrainerOptions) throws(MaasError) -> [Adapter] {
    let rank = options.lora.rank
    var adapters: [Adapter] = []
    for id in matrices() where matches(self[id].name, options.lora.patterns) {
      guard !matches(self[id].name, options.frozen), let shape = self[id].constant?.shape else { continue }
      let stream = UInt32(2 * adapters.count + 1) + RandomUse.adapters
      // Uniform with the limit 1 / √rows, as its authors have it.
      let a = try addAdapter(
        self[id].name / "lora_a",
        Initializer.limited(1 / Double(shape[0]).squareRoot())
          .tensor([shape[0], rank], seed: options.seed, stream: stream))
      let b = try addAdapter(self[id].name / "lora_b", Tensor.zeros([rank, shape[1]]))
      adapters.append(Adapter(weight: id, a: a, b: b, scale: Float(options.lora.alpha / Double(rank))))
    }
    return adapters
  }

  private mutating func addAdapter(_ name: String, _ tensor: Tensor) throws(MaasError) -> Parameter {
    let parameter = try Parameter(addConstant(name, tensor), name, tensor)
    self[parameter.id].constant = nil
    return parameter
  }

  private func matrices() -> [ValueID] {
    var found: [ValueID] = []
    for node in nodes where ["Gemm", "MatMul"].contains(forms[node.op]?.name) {
      guard let id = node.inputs[at: 1] ?? nil, let tensor = self[id].constant, tensor.dtype == .float,
        tensor.shape.count == 2, !found.contains(id)
      else { continue }
      found.append(id)
    }
    return found
  }

  /// Lets readers of the weight read its sum with the product.
  mutating func insert(_ adapter: Adapter) {
    var added = Graph("")
    swap(&added.nodes, &nodes)
    let name = self[adapter.weight].name / "lora"
    let product = add(MatMul(), [adapter.a.id, adapter.b.id], name: name / "product")[0]
    let scaled = add(Unary(.affine, alpha: adapter.scale), [product], name: name / "scaled")[0]
    let sum = add(Binary(.add), [adapter.weight, scaled], name: name)[0]
    for i in added.nodes.indices {
      added.nodes[i].inputs = added.nodes[i].inputs.map { $0 == adapter.weight ? sum : $0 }
    }
    nodes += added.nodes
    for id in [product, scaled, sum] {
      self[id].dtype = .float
      self[id].shape = self[adapter.weight].shape
    }
  }
}
