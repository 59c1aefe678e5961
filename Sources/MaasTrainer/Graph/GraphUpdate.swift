import MaasGraph
import MaasOps

/// The step of all parameters of a graph.
struct GraphUpdate {
  let settings: UpdateSettings
  let rate, step, guarded: ValueID
  /// Of all gradients.
  var factor: ValueID?
  /// Of the processes that train together, where they share large weights.
  var shared: SharedWeights?

  init(_ settings: UpdateSettings, rate: ValueID, step: ValueID, guarded: ValueID) {
    (self.settings, self.rate, self.step, self.guarded) = (settings, rate, step, guarded)
  }
}

/// A gradient of weights in panels that nothing else needs: Aᵀ dY.
struct WeightProduct {
  let dy, a: ValueID
}

extension Graph {
  /// Which of the gradients are such products, where batches have `size` samples.
  func weightProducts(
    _ gradients: [ValueID], of parameters: [Parameter], batch size: Int
  ) -> [Int: WeightProduct] {
    let numbers = Dictionary(zip(gradients, gradients.indices), uniquingKeysWith: { first, _ in first })
    var products: [Int: WeightProduct] = [:]
    for node in nodes where node.op is PanelProductWeightGradient {
      guard let i = node.outputs[0].flatMap({ numbers[$0] }), parameters[i].stepsWithProduct(batch: size),
        let dy = node.inputs[0], let a = node.inputs[1]
      else { continue }
      products[i] = WeightProduct(dy: dy, a: a)
    }
    for case .some(let read) in nodes.flatMap({ $0.inputs }) { numbers[read].map { products[$0] = nil } }
    return products
  }

  /// Adds the step of parameters, each of which comes first among its `values` and its states behind it; returns their
  /// new values.
  mutating func add(
    _ update: GraphUpdate, to values: [[ValueID]], _ gradients: [ValueID], _ products: [Int: WeightProduct]
  ) -> [[ValueID]] {
    var results = values
    for (i, product) in products.sorted(by: { $0.key < $1.key }) {
      let along = PanelProductUpdate(update.settings, update.shared?.part(i))
      let inputs = [update.rate, update.step, update.guarded, product.dy, product.a] + values[i]
      results[i] = add(along, inputs, name: "update/\(self[values[i][0]].name)", outputs: values[i].count)
    }
    let others = values.indices.filter { products[$0] == nil }
    let together = addTogether(update, others.map { values[$0] }, others.map { gradients[$0] })
    for (i, result) in zip(others, together) { results[i] = result }
    return results
  }

  /// Leaves the gradients that are `products` to the processes whose part of weights they are for; returns numbers that
  /// are there once that is done.
  mutating func addShares(of products: [Int: WeightProduct], _ shared: SharedWeights) -> [ValueID] {
    products.sorted { $0.key < $1.key }.flatMap { i, product in
      shared.part(i).map { add(GradientShare($0), [product.dy, product.a], name: "share/\(i)") } ?? []
    }
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

extension Parameter {
  /// Whether the step is worth taking with the product that gives the gradient: of weights that no second-level cache
  /// holds beside all else, as smaller gradients are there anyway when the step along them comes; and unless what the
  /// product is of, which then has to stay until the last step, takes more memory than the gradient.
  fileprivate func stepsWithProduct(batch size: Int) -> Bool {
    guard PanelProductUpdate.isFaster, let panels else { return false }
    return tensor.count >= 1 << 16 && size <= panels.rows
  }
}

extension TrainableModel {
  /// How those parameters lie that processes may share, by their numbers.
  func sharedShapes(batch size: Int) -> [Int: [Int]] {
    var shapes: [Int: [Int]] = [:]
    for (i, parameter) in parameters.enumerated() where parameter.stepsWithProduct(batch: size) {
      shapes[i] = parameter.panels?.shape
    }
    return shapes
  }
}
