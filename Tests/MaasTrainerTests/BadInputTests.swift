import Foundation
import MaasCore
import MaasGraph
import MaasONNX
import Testing

@testable import MaasTrainer

/// What is refused, and that all is as before then.
@Suite struct BadInputTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch let error as MaasError { return error.message } catch { return "\(error)" }
    return ""
  }

  private func bits(_ trainer: Trainer) -> [[UInt32]] {
    let memory = trainer.memory
    return (memory.parameters + memory.statistics + memory.states + memory.sums + memory.averages).map {
      floats($0).map { $0.bitPattern }
    }
  }

  /// A trainer that was never given the batch has the same numbers in the end.
  @Test(arguments: [1, 3]) func aBatchWithoutALossChangesNothing(accumulate: Int) throws {
    var options = TrainerOptions()
    (options.accumulate, options.ema, options.update) = (accumulate, 0.9, UpdateMethod(.adam))
    let network = try Network(text: "input 2\ndense 4\nbatch-norm\nactivation tanh\ndense 1")
    let trainers = [try Trainer(network, options: options), try Trainer(network, options: options)]
    for batch in 0..<5 {
      let x = pattern(12, 7 + batch, 3)
      let targets = try Tensor(.float, [6], pattern(6, 5, batch))
      if batch == 2 {
        var odd = x
        odd[7] = .nan
        let before = bits(trainers[0])
        #expect(throws: MaasError.self) {
          try trainers[0].step(features: [Tensor(.float, [6, 2], odd)], targets: targets)
        }
        #expect(bits(trainers[0]) == before && before.joined().contains { $0 != 0 })
      }
      for trainer in trainers { try trainer.step(features: [Tensor(.float, [6, 2], x)], targets: targets) }
    }
    #expect(bits(trainers[0]) == bits(trainers[1]))
    #expect(trainers[0].place == trainers[1].place)
  }

  /// y = √(x w) + BatchNormalization(x) v + b, of which the root has no finite slope where x is 0.
  private func rooted(_ options: TrainerOptions) throws -> Trainer {
    var graph = Graph("rooted")
    let x = graph.addInput("x", .float, Shape([.symbol("batch"), .known(2)]))
    func add(_ type: String, _ name: String, _ inputs: [ValueID], _ numbers: [(String, [Int], Float)]) throws
      -> ValueID
    {
      let constants = try numbers.map { (name, shape, value) in
        graph.addConstant(name, try Tensor(.float, shape, Array(repeating: value, count: shape.reduce(1, *))))
      }
      let y = graph.add(Value(name))
      try graph.add(type, opset: 17, inputs + constants, name, outputs: [y])
      return y
    }
    let product = try add("MatMul", "layer", [x], [("w", [2, 1], 1)])
    let root = try add("Sqrt", "root", [product], [])
    let normal = try add(
      "BatchNormalization", "norm", [x],
      [("scale", [2], 1), ("bias", [2], 0), ("mean", [2], 0), ("variance", [2], 1)])
    let other = try add("Gemm", "other", [normal], [("v", [2, 1], 0.5), ("b", [1], 0)])
    graph.outputs = [try add("Add", "sum", [root, other], [])]
    try graph.inferValues()
    return try Trainer(graph, ModelInfo(producerName: "test", opset: 17, graphName: "rooted"), options)
  }

  /// The loss is finite; a trainer that was never given the batch has the same numbers in the end.
  @Test(arguments: [1, 2, 5], [1, 3]) func aBatchWithoutAGradientChangesNothing(
    threads: Int, accumulate: Int
  ) throws {
    for rule in UpdateMethod.Rule.allCases {
      var options = TrainerOptions()
      (options.accumulate, options.ema, options.clipNorm) = (accumulate, 0.9, accumulate == 1 ? 0 : 1)
      (options.update, options.threads) = (UpdateMethod(rule), threads)
      let trainers = [try rooted(options), try rooted(options)]
      for batch in 0..<5 {
        var x = pattern(12, 7 + batch, 3).map { $0 + 1 }
        let targets = try Tensor(.float, [6], pattern(6, 5, batch))
        for trainer in trainers { try trainer.step(features: [Tensor(.float, [6, 2], x)], targets: targets) }
        guard batch == 2 else { continue }
        (x[4], x[5]) = (0, 0)
        let before = bits(trainers[0])
        let found = message {
          try trainers[0].step(features: [Tensor(.float, [6, 2], x)], targets: targets)
        }
        #expect(found.contains("a gradient is NaN or infinite in step \(trainers[0].place.step)"), "\(found)")
        #expect(found.contains("node 'root/gradient") && found.contains("lower learning_rate"), "\(found)")
        #expect(bits(trainers[0]) == before)
      }
      #expect(bits(trainers[0]) == bits(trainers[1]))
      #expect(trainers[0].place == trainers[1].place)
    }
  }

  /// Each gradient is finite, their sum is not: the step of none is taken, and the next ones begin anew.
  @Test func sumsOfGradientsThatOverflowAreForgotten() throws {
    var options = TrainerOptions()
    (options.accumulate, options.update, options.learningRate) = (2, .sgd(), 1e-3)
    let trainer = try Trainer(Network(text: "input 1\ndense 1 bias=false"), options: options)
    try trainer.setParameter("dense_1/weight", Tensor(.float, [1, 1], [Float(1)]))
    // The slope is 2 (1.2e19)² = 2.9e38; twice that is more than a float holds.
    let (x, y) = (try Tensor(.float, [1, 1], [Float(1.2e19)]), try Tensor(.float, [1, 1], [Float(0)]))
    let before = bits(trainer)[0]
    try trainer.step(features: [x], targets: y)
    let found = message { try trainer.step(features: [x], targets: y) }
    #expect(found.contains("a gradient is NaN or infinite"), "\(found)")
    #expect(bits(trainer)[0] == before && trainer.place.step == 0 && trainer.place.batches == 0)
    let small = try Tensor(.float, [1, 1], [Float(1)])
    for _ in 0..<2 { try trainer.step(features: [small], targets: y) }
    // Twice the slope 2, averaged.
    #expect(abs(floats(try trainer.parameter("dense_1/weight"))[0] - 0.998) < 1e-7)
  }

  @Test(arguments: [
    ("warm_up", "-9223372036854775808", "at least 0"),
    ("warm_up", "9223372036854775807", "at most 1073741824"),
    ("epsilon", "0", "a number from 1.2e-38 to 3.4e38"),
    ("epsilon", "-1e-8", "a number from 1.2e-38 to 3.4e38"),
    ("lora_alpha", "0", "a number from 1.2e-38 to 3.4e38"), ("lora_rank", "16777216", "at most 65536"),
    ("schedule_factor", "-0.5", "a number from 1.2e-38 to 3.4e38"), ("schedule_period", "-1", "at least 0"),
    ("schedule_end", "-1", "0, or a number from 1.2e-38"),
    ("huber_delta", "0", "a number from 1.2e-38 to 3.4e38"),
    ("class_weights", "1,-1", "each 0, or a number"), ("class_weights", "0,0", "and one above 0"),
    ("label_smoothing", "1", "below 1"), ("momentum", "-0.1", "from 1.2e-38 to below 1"),
    ("ema", "1.5", "from 1.2e-38 to below 1"), ("validation_split", "1", "below 1"),
    ("threads", "-1", "at least 0"),
    ("batch_size", "0", "at least 1"), ("learning_rate", "-1", "0, or a number from 1.2e-38"),
    ("learning_rate", "1e999", "0, or a number from 1.2e-38"),
    // What a float of 32 bits does not hold.
    ("huber_delta", "1e-39", "a number from 1.2e-38"), ("epsilon", "1e-50", "a number from 1.2e-38"),
    ("epsilon", "1e39", "to 3.4e38"), ("l1", "1e-40", "0, or a number from 1.2e-38"),
    ("beta2", "0.999999999999", "below 1, as a 32-bit float"), ("class_weights", "1,1e-50", "from 1.2e-38"),
  ]) func optionsHaveRanges(name: String, value: String, expected: String) throws {
    var options = TrainerOptions()
    try options.set(name, value)
    let found = message { _ = try Trainer(Network(text: "input 2\ndense 1"), options: options) }
    #expect(found.contains("'\(name)'") && found.contains(expected) && found.contains("found"), "\(found)")
  }

  @Test(arguments: [
    ("class_weights", "1,,2"), ("class_weights", "1,2,"), ("class_weights", "0x10"),
    ("learning_rate", "0x10"),
    ("learning_rate", "nan"), ("learning_rate", "inf"), ("learning_rate", " 1"), ("freeze", "a,,b"),
    ("epochs", "0x10"), ("epochs", "99999999999999999999"),
  ]) func textThatIsNoValueIsRefused(name: String, value: String) {
    var options = TrainerOptions()
    let found = message { try options.set(name, value) }
    #expect(found.contains("'\(name)'") && found.contains("'\(value)'"), "\(found)")
    #expect(options == TrainerOptions())
  }

  @Test func weightsOfSamplesAreNotNegative() throws {
    let trainer = try Trainer(Network(text: "input 2\ndense 1"))
    let (x, y) = (try Tensor(.float, [2, 2], pattern(4, 3, 1)), try Tensor(.float, [2], pattern(2, 3, 1)))
    for weight: Float in [-1, .nan, .infinity] {
      let weights = try Tensor(.float, [2], [1, weight])
      let found = message { try trainer.step(features: [x], targets: y, weights: weights) }
      #expect(found.contains("weight") && found.contains("to 3.4e38, found \(weight)"), "\(found)")
    }
    let none = try TensorData(features: [x], targets: y, weights: Tensor(.float, [2], [Float(0), 0]))
    #expect(message { _ = try trainer.evaluate(none) }.contains("the weights of all samples are 0"))
  }

  @Test(arguments: [LossFunction.binaryCrossEntropy, .crossEntropy, .divergence])
  func targetsAreProbabilities(loss: LossFunction) throws {
    var options = TrainerOptions()
    options.loss = loss
    let trainer = try Trainer(Network(text: "input 2\ndense 2"), options: options)
    let x = try Tensor(.float, [1, 2], pattern(2, 3, 1))
    #expect(try trainer.step(features: [x], targets: Tensor(.float, [1, 2], [Float(0.25), 0.75])).isFinite)
    let found = message { try trainer.step(features: [x], targets: Tensor(.float, [1, 2], [Float(-1), 2])) }
    #expect(found.contains("the target of sample 0") && found.contains("0 to 1, found -1"), "\(found)")
  }

  /// By the place of the sample in the data, in a fit as in an evaluation.
  @Test(arguments: [
    (LossFunction.binaryCrossEntropy, [Int64(0), 1, 1, 7], "0 or 1, found 7.0"),
    (.binaryCrossEntropy, [0, 1, 1, -1], "0 or 1, found -1.0"),
    (.hinge, [-1, 0, 1, 2], "-1, 0 or 1, found 2.0"),
  ]) func targetsAreAnswers(loss: LossFunction, classes: [Int64], problem: String) throws {
    let x = try Tensor(.float, [4, 2], pattern(8, 3, 1))
    for targets in [try Tensor(.int64, [4], classes), try Tensor(.float, [4], classes.map { Float($0) })] {
      var options = TrainerOptions()
      (options.loss, options.batchSize, options.shuffles) = (loss, 3, false)
      let trainer = try Trainer(Network(text: "input 2\ndense 1"), options: options)
      let data = try TensorData(features: [x], targets: targets)
      let bodies: [() throws -> Void] = [{ _ = try trainer.fit(data) }, { _ = try trainer.evaluate(data) }]
      for body in bodies {
        let found = message(body)
        let expected = targets.dtype == .int64 ? problem : "found \(Float(classes[3]))"
        #expect(found.contains("sample 3") && found.contains(expected), "\(found)")
      }
    }
  }

  @Test(arguments: LossFunction.allCases) func targetsThatAreNoNumbersAreRefused(loss: LossFunction) throws {
    var options = TrainerOptions()
    options.loss = loss
    let trainer = try Trainer(Network(text: "input 2\ndense 2"), options: options)
    let targets = try Tensor(.float, [2, 2], [Float(1), 0, .nan, 1])
    let data = try TensorData(features: [Tensor(.float, [2, 2], pattern(4, 3, 1))], targets: targets)
    let bodies: [() throws -> Void] = [{ _ = try trainer.step(data) }, { _ = try trainer.evaluate(data) }]
    for body in bodies {
      let found = message(body)
      #expect(found.contains("data have NaN") || found.contains("the target of sample 1"), "\(found)")
    }
  }

  @Test(arguments: [LossFunction.crossEntropy, .divergence])
  func rowsOfProbabilitiesAreNotEmpty(loss: LossFunction) throws {
    var options = TrainerOptions()
    options.loss = loss
    let trainer = try Trainer(Network(text: "input 2 3\ndense 3"), options: options)
    // Two classes at three places; the second place of sample 1 has none.
    let targets = try Tensor(.float, [2, 2, 3], [Float(1), 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1])
    let data = try TensorData(features: [Tensor(.float, [2, 2, 3], pattern(12, 3, 1))], targets: targets)
    let found = message { _ = try trainer.step(data) }
    #expect(
      found.contains("the target of sample 1: expected probabilities whose sum is 1, found 0"), "\(found)")
  }

  @Test func stepsOfNothingAreRefused() throws {
    let trainer = try Trainer(Network(text: "input 2\ndense 1"))
    let found = message {
      try trainer.step(features: [Tensor.zeros([0, 2])], targets: Tensor.zeros([0, 1]))
    }
    #expect(found.contains("no samples"), "\(found)")
  }

  @Test func callbacksDoNotTrain() throws {
    let trainer = try Trainer(Network(text: "input 2\ndense 1"))
    trainer.options.epochs = 2
    let (data, path) = (try plane(20), temporaryPath("callback"))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var refused = 0
    func refuse(_ body: () throws -> Void) {
      let error = #expect(throws: MaasError.self) { try body() }
      if error?.code == .busy { refused += 1 }
    }
    try trainer.fit(
      data,
      onStep: { _ in
        refuse { try trainer.fit(data) }
        return true
      },
      onEpoch: { _ in
        refuse { try trainer.fit(data) }
        refuse { try trainer.step(data) }
        refuse { try trainer.restore(from: path) }
        refuse { try trainer.set("learning_rate", "9") }
        refuse { try trainer.setParameter("dense_1/bias", Tensor.zeros([1])) }
        #expect((try? trainer.evaluate(data)) != nil)
        #expect((try? trainer.checkpoint(to: path)) != nil)
        return true
      })
    #expect(refused == 12)
    try trainer.step(data)
    #expect(try trainer.fit(data).count == 2)
  }
}
