import MaasCore
import MaasTrainer
import Testing

/// y = 2 a - 3 b + 0.5 on a grid of points.
func plane(_ count: Int) throws -> TensorData {
  var (x, y): ([Float], [Float]) = ([], [])
  for i in 0..<count {
    let (a, b) = (Float(i % 7) / 7, Float(i % 11) / 11)
    x += [a, b]
    y.append(2 * a - 3 * b + 0.5)
  }
  return try TensorData(features: [Tensor(.float, [count, 2], x)], targets: Tensor(.float, [count], y))
}

func floats(_ tensor: Tensor) -> [Float] { tensor.elements(as: Float.self) }

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
  }

  @Test(arguments: UpdateMethod.Rule.allCases) func everyRuleMakesTheLossSmaller(rule: UpdateMethod.Rule)
    throws
  {
    var options = TrainerOptions()
    options.update = UpdateMethod(rule)
    (options.learningRate, options.epochs) = (0.01, 30)
    let trainer = try Trainer(Network(text: "input 2\ndense 16 activation=relu\ndense 1"), options: options)
    let reports = try trainer.fit(try plane(100))
    #expect(reports[29].loss < reports[0].loss / 2)
  }
}
