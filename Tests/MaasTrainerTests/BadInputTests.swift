import Foundation
import MaasCore
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

  @Test(arguments: [
    ("warm_up", "-9223372036854775808", "at least 0"),
    ("warm_up", "9223372036854775807", "at most 1073741824"),
    ("epsilon", "0", "a number above 0"), ("epsilon", "-1e-8", "a number above 0"),
    ("lora_alpha", "0", "a number above 0"), ("lora_rank", "16777216", "at most 65536"),
    ("schedule_factor", "-0.5", "a number above 0"), ("schedule_period", "-1", "at least 0"),
    ("schedule_end", "-1", "a number, at least 0"), ("huber_delta", "0", "a number above 0"),
    ("class_weights", "1,-1", "numbers, at least 0"), ("class_weights", "0,0", "some more than 0"),
    ("label_smoothing", "1", "below 1"), ("momentum", "-0.1", "at least 0 and below 1"),
    ("ema", "1.5", "at least 0 and below 1"), ("validation_split", "1", "below 1"),
    ("threads", "-1", "at least 0"),
    ("batch_size", "0", "at least 1"), ("learning_rate", "-1", "a number, at least 0"),
    ("learning_rate", "1e999", "a number, at least 0"),
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
      #expect(found.contains("weight") && found.contains("a number, at least 0, found \(weight)"), "\(found)")
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
    #expect(found.contains("no probability") && found.contains("found -1"), "\(found)")
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
