import MaasGraph
import MaasOps

/// The step of all parameters of a graph.
struct GraphUpdate {
  let settings: UpdateSettings
  let rate, step, guarded: ValueID
  /// Of all gradients.
  var factor: ValueID?

  init(_ settings: UpdateSettings, rate: ValueID, step: ValueID, guarded: ValueID) {
    (self.settings, self.rate, self.step, self.guarded) = (settings, rate, step, guarded)
  }
}

/// A gradient of weights in panels that nothing else needs: Aᵀ dY.
struct WeightProduct {
  let dy, a: ValueID
}

extension Graph {
  /// Which of the gradients are such products, of weights that no second-level cache holds beside all else: smaller
  /// gradients are there anyway when the step along them comes.
  func weightProducts(_ gradients: [ValueID], of parameters: [ValueID]) -> [Int: WeightProduct] {
    var products: [Int: WeightProduct] = [:]
    guard PanelProductUpdate.isFaster else { return products }
    for (i, gradient) in gradients.enumerated() {
      guard let node = nodes.last(where: { $0.outputs.contains(gradient) }),
        node.op is PanelProductWeightGradient, let dy = node.inputs[0], let a = node.inputs[1],
        self[parameters[i]].shape?.count.value ?? 0 >= Self.mostNear,
        !nodes.contains(where: { $0.inputs.contains(gradient) })
      else { continue }
      products[i] = WeightProduct(dy: dy, a: a)
    }
    return products
  }
  private static var mostNear: Int { 1 << 16 }

  /// Adds the step of parameters, each of which comes first among its `values` and its states behind it; returns their
  /// new values.
  mutating func add(
    _ update: GraphUpdate, to values: [[ValueID]], _ gradients: [ValueID], _ products: [Int: WeightProduct]
  ) -> [[ValueID]] {
    var results = values
    for (i, product) in products.sorted(by: { $0.key < $1.key }) {
      let inputs = [update.rate, update.step, update.guarded, product.dy, product.a] + values[i]
      let name = "update/\(self[values[i][0]].name)"
      results[i] = add(PanelProductUpdate(update.settings), inputs, name: name, outputs: values[i].count)
    }
    let others = values.indices.filter { products[$0] == nil }
    let together = addTogether(update, others.map { values[$0] }, others.map { gradients[$0] })
    for (i, result) in zip(others, together) { results[i] = result }
    return results
  }

  private mutating func addTogether(
    _ update: GraphUpdate, _ values: [[ValueID]], _ gradients: [ValueID]
  ) -> [[ValueID]] {
    guard let kinds = values.first?.count else { return [] }
    var inputs = [update.rate, update.step, update.factor, update.guarded]
    inputs += values.map { $0[0] } + gradients
    for kind in 1..<kinds { inputs += values.map { $0[kind] } }
    let results = add(
      ParameterUpdate(update.settings), inputs, name: "update", outputs: kinds * values.count)
    return values.indices.map { i in (0..<kinds).map { results[$0 * values.count + i] } }
  }
}
