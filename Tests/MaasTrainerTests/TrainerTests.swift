import Foundation
import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasTrainer

@Suite struct TrainerTests {
  @Test func findsThePlaneThatTheSamplesLieOn() throws {
    var options = TrainerOptions()
    (options.update, options.learningRate, options.epochs) = (.sgd(momentum: 0.9), 0.1, 100)
    let trainer = try Trainer(Network(text: "input 2\ndense 1"), options: options)
    let reports = try trainer.fit(try plane(100))
    #expect(reports.count == 100)
    #expect(reports[99].loss < 1e-9)
    let weight = floats(try trainer.parameter("dense_1/weight"))
    #expect(abs(weight[0] - 2) < 1e-3 && abs(weight[1] + 3) < 1e-3)
    #expect(abs(floats(try trainer.parameter("dense_1/bias"))[0] - 0.5) < 1e-3)
    let predicted = try trainer.predict([try Tensor(.float, [2, 2], [Float(0), 0, 1, 1])])
    #expect(predicted.shape == [2, 1])
    #expect(abs(floats(predicted)[1] + 0.5) < 1e-3)
  }

  static let rules: [(name: String, set: @Sendable (inout TrainerOptions) -> Void)] = [
    ("sgd", { ($0.update, $0.learningRate) = (.sgd(), 0.1) }),
    ("momentum", { ($0.update, $0.learningRate, $0.weightDecay) = (.sgd(momentum: 0.9), 0.05, 0.01) }),
    ("nesterov", { ($0.update, $0.learningRate) = (.sgd(momentum: 0.9, isNesterov: true), 0.05) }),
    ("adam", { ($0.update, $0.learningRate, $0.weightDecay) = (.adam, 0.01, 0.01) }),
    ("adamw", { ($0.update, $0.learningRate, $0.weightDecay) = (UpdateMethod(.adamw), 0.01, 0.1) }),
    ("adagrad", { ($0.update, $0.learningRate) = (UpdateMethod(.adagrad), 0.1) }),
    ("rmsprop", { ($0.update, $0.learningRate) = (UpdateMethod(.rmsprop), 0.01) }),
    (
      "rmsprop-momentum",
      {
        ($0.update, $0.learningRate) = (UpdateMethod(.rmsprop), 0.01)
        $0.update.momentum = 0.5
      }
    ),
    ("lion", { ($0.update, $0.learningRate, $0.weightDecay) = (UpdateMethod(.lion), 0.01, 0.1) }),
    ("lamb", { ($0.update, $0.learningRate, $0.weightDecay) = (UpdateMethod(.lamb), 0.02, 0.1) }),
  ]

  /// 50 steps of a network with PyTorch's losses, or NumPy's where PyTorch has no such rule.
  @Test(arguments: 0..<10) func losesWhatOthersLose(rule: Int) throws {
    let (name, set) = Self.rules[rule]
    var options = TrainerOptions()
    set(&options)
    #expect(try losses(options, steps: 50).count == 50)
    for (own, other) in zip(try losses(options, steps: 50), try fixture("curves.tsv", name)) {
      #expect(abs(own - other) < 1e-4)
    }
  }

  private func losses(_ options: TrainerOptions, steps: Int) throws -> [Double] {
    let trainer = try Trainer(Network(text: "input 4\ndense 8 activation=tanh\ndense 3"), options: options)
    for (name, shape, numbers) in [
      ("dense_1/weight", [4, 8], (29, 5)), ("dense_1/bias", [8], (31, 7)),
      ("dense_2/weight", [8, 3], (37, 11)),
      ("dense_2/bias", [3], (41, 13)),
    ] {
      try trainer.setParameter(
        name, Tensor(.float, shape, pattern(shape.reduce(1, *), numbers.0, numbers.1)))
    }
    let x = pattern(256, 17, 3).map { 2 * $0 }
    return try (0..<steps).map { step in
      let rows = (0..<16).map { Array(x[(step % 4 * 16 + $0) * 4..<(step % 4 * 16 + $0 + 1) * 4]) }
      let y = rows.flatMap { r in [sin(3 * r[0]) + r[1], r[2] * r[3], r.reduce(0, +)] }
      return try trainer.step(
        features: [Tensor(.float, [16, 4], rows.flatMap { $0 })], targets: Tensor(.float, [16, 3], y))
    }
  }

  /// Four batches of four with their gradients added up are one of sixteen.
  @Test func accumulatedBatchesTakeTheStepOfOne() throws {
    var options = TrainerOptions()
    (options.shuffles, options.epochs, options.batchSize) = (false, 3, 16)
    let whole = try Trainer(Network(text: "input 2\ndense 4 activation=tanh\ndense 1"), options: options)
    try whole.fit(try plane(32))
    (options.batchSize, options.accumulate) = (4, 4)
    let parts = try Trainer(Network(text: "input 2\ndense 4 activation=tanh\ndense 1"), options: options)
    try parts.fit(try plane(32))
    for name in whole.parameterNames {
      for (a, b) in zip(floats(try whole.parameter(name)), floats(try parts.parameter(name))) {
        #expect(abs(a - b) < 1e-5)
      }
    }
  }

  @Test func learnsAnExclusiveOr() throws {
    var options = TrainerOptions()
    (options.loss, options.learningRate, options.epochs) = (.crossEntropy, 0.02, 60)
    let trainer = try Trainer(Network(text: "input 2\ndense 16 activation=tanh\ndense 2"), options: options)
    try trainer.fit(try corners(200))
    let evaluation = try trainer.evaluate(try corners(200))
    #expect(evaluation.accuracy == 1)
    #expect(evaluation.classes?.rocAUC == 1)
    #expect(evaluation.loss < 0.1)
  }

  /// A fit is the same, bit by bit, whatever the number of threads; also with steps that are split.
  @Test func resultsDoNotDependOnThreads() throws {
    let count = 300
    let data = try TensorData(
      features: [Tensor(.float, [count, 64], pattern(count * 64, 31, 1))],
      targets: Tensor(.int64, [count], (0..<count).map { Int64($0 * 7 % 10) }))
    var results: [[[UInt32]]] = []
    for threads in [1, 2, 5] {
      var options = TrainerOptions()
      (options.loss, options.epochs, options.batchSize, options.threads) = (.crossEntropy, 2, 128, threads)
      (options.clipNorm, options.ema) = (1, 0.9)
      let text = "input 64\ndense 256 activation=relu\ndropout 0.2\ndense 256 activation=gelu\ndense 10"
      let trainer = try Trainer(Network(text: text), options: options)
      try trainer.fit(data)
      results.append(trainer.memory.evaluated.map { floats($0).map { $0.bitPattern } })
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  /// Nothing is copied: parameters and states are written where they are, after their last reader.
  @Test func stepsUpdateInPlace() throws {
    for rule in UpdateMethod.Rule.allCases {
      var options = TrainerOptions()
      options.update = UpdateMethod(rule)
      (options.clipNorm, options.ema) = (1, 0.99)
      let trainer = try Trainer(Network(text: "input 2\ndense 4 activation=tanh\ndense 1"), options: options)
      let data = try plane(8)
      try trainer.step(
        features: [Tensor(.float, [8, 2], pattern(16, 3, 1))],
        targets: Tensor(.float, [8, 1], pattern(8, 5, 1)))
      let graph = try trainer.bound(.whole, BatchTypes(data), size: 8)
      try graph.run()
      #expect(graph.copiedOutputs == 0)
      #expect(graph.training.updated.count >= 8)
    }
  }

  @Test func stopsEarlyWithTheBestParameters() throws {
    var options = TrainerOptions()
    (options.patience, options.epochs, options.learningRate) = (3, 1000, 0.5)
    let trainer = try Trainer(Network(text: "input 2\ndense 8 activation=tanh\ndense 1"), options: options)
    let held = try plane(50)
    let reports = try trainer.fit(try plane(77), validation: held)
    #expect(reports.count < 1000)
    let best = reports.compactMap { $0.validation?.loss }.min()
    #expect(best == (try trainer.evaluate(held)).loss)
    #expect(reports.suffix(3).allSatisfy { !$0.isBest } && reports[reports.count - 4].isBest)
  }

  @Test func callbacksEndTraining() throws {
    let trainer = try Trainer(Network(text: "input 2\ndense 1"))
    var steps: [Int] = []
    let reports = try trainer.fit(
      try plane(100),
      onStep: {
        steps.append($0.step)
        return $0.epoch < 2
      })
    #expect(reports.count == 2)
    #expect(steps == [0, 1, 2, 3, 0, 1, 2, 3, 0])
  }

  @Test func anotherThreadEndsTraining() throws {
    var options = TrainerOptions()
    options.epochs = 1 << 30
    let trainer = try Trainer(Network(text: "input 2\ndense 1"), options: options)
    nonisolated(unsafe) let shared = trainer
    var steps = 0
    let reports = try trainer.fit(
      try plane(100),
      onStep: { _ in
        steps += 1
        if steps == 9 {
          let thread = Thread { shared.cancel() }
          thread.start()
          while !thread.isFinished { usleep(100) }
        }
        return true
      })
    #expect(steps == 9 && reports.count == 2)
    options.epochs = 1
    #expect(try Trainer(Network(text: "input 2\ndense 1"), options: options).fit(try plane(100)).count == 1)
  }

  @Test func aLossThatIsNoNumberSaysWhere() throws {
    var options = TrainerOptions()
    (options.update, options.learningRate) = (.sgd(), 1e30)
    let trainer = try Trainer(Network(text: "input 2\ndense 4\ndense 1"), options: options)
    let error = #expect(throws: MaasError.self) { try trainer.fit(try plane(100)) }
    let message = error?.message ?? ""
    #expect(message.contains("in step ") && message.contains("lower learning_rate"), "\(message)")
    #expect(message.contains("dense_"), "\(message)")
    var x = pattern(8, 3, 1)
    x[3] = .nan
    let other = try Trainer(Network(text: "input 2\ndense 1"))
    let dataError = #expect(throws: MaasError.self) {
      try other.step(features: [Tensor(.float, [4, 2], x)], targets: Tensor(.float, [4], pattern(4, 3, 1)))
    }
    #expect(dataError?.message.contains("tensor 'input': the loss is nan in step 0") ?? false)
    // The step was not taken.
    #expect(floats(try other.parameter("dense_1/weight")).allSatisfy { $0.isFinite })
  }

  @Test func frozenParametersStay() throws {
    var options = TrainerOptions()
    (options.frozen, options.epochs) = (["dense_1/*"], 3)
    let network = try Network(text: "input 2\ndense 8 activation=relu\ndense 1")
    let trainer = try Trainer(network, options: options)
    #expect(trainer.parameterNames == ["dense_2/weight", "dense_2/bias"])
    try trainer.fit(try plane(40))
    let (before, after) = (try network.graph(seed: 0), try trainer.inferenceGraph())
    func weight(_ graph: Graph, _ name: String) -> [Float] {
      graph.values.first { $0.name == name }?.constant.map(floats) ?? []
    }
    #expect(weight(before, "dense_1/weight") == weight(after, "dense_1/weight"))
    #expect(weight(before, "dense_2/weight") != weight(after, "dense_2/weight"))
  }

  @Test func frozenMatricesGetNoAdapters() throws {
    var options = TrainerOptions()
    (options.lora, options.frozen) = (LoRAOptions(rank: 2), ["dense_1/*"])
    let network = try Network(text: "input 2\ndense 8 activation=relu\ndense 1")
    #expect(
      try Trainer(network, options: options).parameterNames == [
        "dense_2/weight/lora_a", "dense_2/weight/lora_b",
      ])
    options.frozen = ["*"]
    let error = #expect(throws: MaasError.self) { try Trainer(network, options: options) }
    #expect(error?.message.contains("there is nothing to train") ?? false)
  }

  /// Features become what they are in a fit.
  @Test func predictionsTakeTheTypesOfAFit() throws {
    let trainer = try Trainer(Network(text: "input 2\ndense 3"))
    let numbers = pattern(8, 7, 3)
    let expected = floats(try trainer.predict([try Tensor(.float, [4, 2], numbers)]))
    let found = try trainer.predict([try Tensor(.double, [4, 2], numbers.map { Double($0) })])
    #expect(floats(found) == expected)
    let words = try Trainer(Network(text: "input 3 type=int64\nembedding 9 4\nflatten\ndense 2"))
    let tokens = try words.predict([try Tensor(.int64, [1, 3], [Int64(1), 8, 3])])
    #expect(floats(try words.predict([try Tensor(.int32, [1, 3], [Int32(1), 8, 3])])) == floats(tokens))
  }

  @Test func adaptersAreAddedUpInTheExportedModel() throws {
    var options = TrainerOptions()
    (options.lora, options.epochs, options.learningRate) = (LoRAOptions(rank: 2, alpha: 4), 20, 0.01)
    let trainer = try Trainer(Network(text: "input 2\ndense 8 activation=relu\ndense 1"), options: options)
    let reports = try trainer.fit(try plane(40))
    #expect(reports[19].loss < reports[0].loss)
    let x = [try Tensor(.float, [5, 2], pattern(10, 7, 3))]
    let expected = floats(try trainer.predict(x))
    let path = temporaryPath("lora.onnx")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer.export(to: path)
    for (a, b) in zip(floats(try Trainer(path: path).predict(x)), expected) { #expect(abs(a - b) < 1e-5) }
  }
}
