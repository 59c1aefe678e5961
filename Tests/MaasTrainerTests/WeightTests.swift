import Foundation
import MaasCore
import MaasGraph
import MaasONNX
import Testing

@testable import MaasTrainer

/// What weighs how much, and what of a model are weights.
@Suite struct WeightTests {
  private static let classWeights: [Float] = [1, 5, 0.25]

  private func samples(weights: [Float]?) throws -> (data: TensorData, x: Tensor, classes: [Int64]) {
    let x = try Tensor(.float, [23, 4], pattern(92, 17, 3))
    let classes = (0..<23).map { Int64($0 * $0 % 3) }
    let own = try weights.map { try Tensor(.float, [23], $0) }
    return (try TensorData(features: [x], targets: Tensor(.int64, [23], classes), weights: own), x, classes)
  }

  /// Cross-entropy by its formula: a mean by the weights of samples and of their classes.
  private func expected(_ scores: [Float], _ classes: [Int64], _ weights: [Float]?) -> Double {
    var (sum, total) = (0.0, 0.0)
    for (i, c) in classes.enumerated() {
      let row = scores[3 * i..<3 * i + 3].map { Double($0) }
      let weight = Double(Self.classWeights[Int(c)] * (weights?[i] ?? 1))
      sum += weight * (log(row.reduce(0) { $0 + exp($1) }) - row[Int(c)])
      total += weight
    }
    return sum / total
  }

  @Test(arguments: [1, 7, 23, 100]) func lossesDoNotDependOnTheBatchSize(size: Int) throws {
    for weights in [nil, (0..<23).map { Float($0 % 5) }] {
      let (data, x, classes) = try samples(weights: weights)
      var options = TrainerOptions()
      (options.loss, options.classWeights, options.batchSize) = (.crossEntropy, Self.classWeights, size)
      (options.learningRate, options.epochs) = (0, 1)
      let trainer = try Trainer(Network(text: "input 4\ndense 3"), options: options)
      let right = expected(floats(try trainer.predict([x])), classes, weights)
      #expect(abs(try trainer.evaluate(data).loss - right) < 1e-6)
      #expect(abs(try trainer.fit(data)[0].loss - right) < 1e-6)
    }
  }

  /// PyTorch's formula: the sum of what all classes lose by their weights, over the sum of the weights of the targets.
  /// A batch whose targets weigh nothing has a part in it.
  @Test(arguments: [1, 2, 7, 23]) func smoothedLossesOfClassesThatDoNotCountDoNotDependOnTheBatchSize(
    size: Int
  ) throws {
    let (data, x, classes) = try samples(weights: nil)
    let weights = [0.5, 0, 2]
    var options = TrainerOptions()
    (options.loss, options.labelSmoothing, options.batchSize) = (.crossEntropy, 0.1, size)
    (options.learningRate, options.epochs, options.classWeights) = (0, 1, weights.map { Float($0) })
    let trainer = try Trainer(Network(text: "input 4\ndense 3"), options: options)
    let scores = floats(try trainer.predict([x])).map { Double($0) }
    var (sum, total) = (0.0, 0.0)
    for (i, target) in classes.map({ Int($0) }).enumerated() {
      let row = scores[3 * i..<3 * i + 3]
      let losses = row.map { log(row.reduce(0) { $0 + exp($1) }) - $0 }
      sum += 0.9 * weights[target] * losses[target]
      for c in 0..<3 { sum += 0.1 / 3 * weights[c] * losses[c] }
      total += weights[target]
    }
    #expect(abs(try trainer.evaluate(data).loss - sum / total) < 1e-6)
    #expect(abs(try trainer.fit(data)[0].loss - sum / total) < 1e-6)
  }

  /// Momentum 0.9 of what was there, the rest of the batch.
  @Test func runningStatisticsMoveTowardsTheBatch() throws {
    let trainer = try Trainer(Network(text: "input 2\nbatch-norm\ndense 1"))
    let x = pattern(12, 7, 3)
    try trainer.step(features: [Tensor(.float, [6, 2], x)], targets: Tensor(.float, [6], pattern(6, 5, 1)))
    for feature in 0..<2 {
      let column = (0..<6).map { Double(x[2 * $0 + feature]) }
      let mean = column.reduce(0, +) / 6
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6
      #expect(abs(Double(floats(try trainer.parameter("batch-norm_1/mean"))[feature]) - 0.1 * mean) < 1e-6)
      let moved = Double(floats(try trainer.parameter("batch-norm_1/variance"))[feature])
      #expect(abs(moved - (0.9 + 0.1 * variance)) < 1e-6)
    }
  }

  /// x is standardized, goes through two layers with a scale and positions between them, and is scaled back.
  private func prepared() throws -> Graph {
    var graph = Graph("prepared")
    var x = graph.addInput("x", .float, Shape([.symbol("batch"), .known(4)]))
    func apply(_ type: String, _ name: String, _ shapes: [(String, [Int])]) throws {
      let constants = try shapes.map { (name, shape) in
        graph.addConstant(name, try Tensor(.float, shape, pattern(shape.reduce(1, *), 29, 5).map { $0 + 1 }))
      }
      let y = graph.add(Value(name))
      try graph.add(type, opset: 17, [x] + constants.map { $0 }, name, outputs: [y])
      x = y
    }
    try apply("Sub", "centred", [("mean", [4])])
    try apply("Div", "scaled", [("deviation", [4])])
    try apply("Gemm", "first", [("w1", [4, 5]), ("b1", [5])])
    try apply("Mul", "between", [("gain", [5])])
    try apply("Add", "placed", [("places", [1, 5])])
    try apply("Relu", "relu", [])
    try apply("MatMul", "second", [("w2", [5, 1])])
    try apply("Add", "biased", [("b2", [1])])
    try apply("Mul", "answer/scaled", [("answer/scale", [1])])
    try apply("Add", "answer", [("answer/offset", [1])])
    graph.outputs = [x]
    try graph.inferValues()
    return graph
  }

  @Test func whatPreparesAndScalesBackIsNotTrained() throws {
    let info = ModelInfo(producerName: "test", opset: 17, graphName: "prepared")
    let path = temporaryPath("prepared.onnx")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try writeModel(prepared(), info, to: path, externalData: false)
    let trainer = try Trainer(path: path)
    #expect(trainer.parameterNames == ["w1", "b1", "gain", "places", "w2", "b2"])
  }

  /// Scores of 4 queries and keys with `mask` added, between products with weights; the first has a bias that looks
  /// like one.
  private func masked(_ mask: [Float]) throws -> [String] {
    var graph = Graph("masked")
    let x = graph.addInput("x", .float, Shape([.symbol("batch"), .known(4), .known(2)]))
    func apply(_ type: String, _ inputs: [ValueID]) throws -> ValueID {
      let y = graph.add(Value("\(type) of \(graph[inputs[0]].name)"))
      try graph.add(type, opset: 17, inputs.map { $0 }, graph[y].name, outputs: [y])
      return y
    }
    func constant(_ name: String, _ shape: [Int], _ values: [Float]) throws -> ValueID {
      graph.addConstant(name, try Tensor(.float, shape, values))
    }
    let product = try apply("MatMul", [x, constant("w", [2, 2], pattern(4, 7, 1))])
    let h = try apply("Add", [product, constant("bias", [2], [0, -2000])])
    let scores = try apply("MatMul", [h, apply("Transpose", [h])])
    let seen = try apply("Add", [scores, constant("mask", [1, 4, 4], mask)])
    let mixed = try apply("MatMul", [apply("Softmax", [seen]), h])
    graph.outputs = [try apply("MatMul", [mixed, constant("last", [2, 1], [1, 2])])]
    return graph.learnedConstants().map { graph[$0].name }
  }

  @Test(arguments: [-1000, -10000, -1e9, -Float.infinity]) func masksAreNotTrained(hidden: Float) throws {
    let causal = (0..<16).map { $0 % 4 > $0 / 4 ? hidden : 0 }
    #expect(try masked(causal) == ["w", "bias", "last"])
  }

  @Test func whatIsNoMaskIsTrained() throws {
    for scores in [
      [Float](repeating: 0, count: 16), pattern(16, 29, 5), [Float](repeating: -2000, count: 16),
    ] {
      #expect(try masked(scores) == ["w", "bias", "mask", "last"])
    }
  }

  /// The layers of a text know what they learn, also where a rule could not tell.
  @Test func positionsOfFeaturesAreTrained() throws {
    let trainer = try Trainer(Network(text: "input 3 4\npositional\nglobal-average-pool\ndense 1"))
    #expect(trainer.parameterNames == ["positional_1/weight", "dense_1/weight", "dense_1/bias"])
  }
}
