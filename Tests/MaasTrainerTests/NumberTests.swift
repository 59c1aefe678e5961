import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasTrainer

/// Losses, metrics and schedules against PyTorch's and scikit-learn's numbers.
@Suite struct NumberTests {
  private static let x = pattern(30, 23, 9).map { 4 * $0 }
  private static let t = pattern(30, 19, 2).map { $0 + 0.5 }
  private static let weights: [Float] = [1, 2, 0.5, 1, 3, 0.25]
  private static let classWeights: [Float] = [1, 0.5, 2, 1, 0.75]

  private struct Case: Sendable {
    let name: String
    let op: Objective
    var targets = Targets.numbers
    var isWeighted = false
    enum Targets { case numbers, classes, soft, signs }
  }

  private static let cases: [Case] = [
    Case(name: "mse", op: Objective(.squared)),
    Case(name: "mse weights", op: Objective(.squared), isWeighted: true),
    Case(name: "mae", op: Objective(.absolute)), Case(name: "huber", op: Objective(.huber, delta: 0.7)),
    Case(name: "bce", op: Objective(.binary)), Case(name: "hinge", op: Objective(.hinge), targets: .signs),
    Case(name: "cross-entropy", op: Objective(.crossEntropy), targets: .classes),
    Case(name: "cross-entropy smoothing", op: Objective(.crossEntropy, smoothing: 0.1), targets: .classes),
    Case(
      name: "cross-entropy classes", op: Objective(.crossEntropy, classWeights: classWeights),
      targets: .classes),
    Case(
      name: "cross-entropy classes smoothing",
      op: Objective(.crossEntropy, smoothing: 0.1, classWeights: classWeights), targets: .classes),
    Case(name: "cross-entropy weights", op: Objective(.crossEntropy), targets: .classes, isWeighted: true),
    Case(name: "cross-entropy soft", op: Objective(.crossEntropy), targets: .soft),
    Case(name: "cross-entropy soft smoothing", op: Objective(.crossEntropy, smoothing: 0.1), targets: .soft),
    Case(name: "kl", op: Objective(.divergence), targets: .soft),
  ]

  private func targets(_ kind: Case.Targets) throws -> Tensor {
    switch kind {
    case .numbers: return try Tensor(.float, [6, 5], Self.t)
    case .classes: return try Tensor(.int64, [6], [0, 4, 2, 2, 1, 3].map { Int64($0) })
    case .signs: return try Tensor(.float, [6, 5], Self.t.map { $0 > 0.5 ? Float(1) : -1 })
    case .soft:
      let rows = (0..<6).map { Array(Self.t[$0 * 5..<($0 + 1) * 5]) }
      return try Tensor(.float, [6, 5], rows.flatMap { row in row.map { $0 / row.reduce(0, +) } })
    }
  }

  @Test(arguments: 0..<14) func lossesAndTheirGradientsArePyTorchs(index: Int) throws {
    let own = Self.cases[index]
    let weights = own.isWeighted ? try Tensor(.float, [6], Self.weights) : nil
    let inputs: [Tensor?] = [try Tensor(.float, [6, 5], Self.x), try targets(own.targets), weights]
    let outputs = try #require(try evaluate(own.op, inputs, outputs: [true, true, true, true]))
    let loss = try #require(outputs[0].map { Double(floats($0)[0]) })
    #expect(abs(loss - (try fixture("losses.tsv", own.name)[0])) < 1e-6)
    let (weight, sum) = (
      outputs[2]?.elements(as: Double.self)[0] ?? 0, outputs[3]?.elements(as: Double.self)[0] ?? 0
    )
    #expect(abs(sum / weight - loss) < 1e-6 && weight > 1)
    let gradient = try #require(outputs[1].map(floats))
    for (a, b) in zip(gradient, try fixture("losses.tsv", own.name, column: 2)) {
      #expect(abs(Double(a) - b) < 1e-7)
    }
  }

  /// Scores far apart make neither infinities nor NaN.
  @Test func crossEntropyOfFarScoresIsExact() throws {
    let x = try Tensor(.float, [2, 3], [Float(1000), 0, -1000, -1000, 0, 0])
    let outputs = try #require(
      try evaluate(
        Objective(.crossEntropy), [x, try Tensor(.int64, [2], [Int64(2), 0]), nil], outputs: [true, true]))
    #expect(outputs[0].map(floats) == [Float((2000 + 1000.6931471805599) / 2)])
    #expect(outputs[1].map(floats) == [0.5, 0, -0.5, -0.5, 0.25, 0.25])
  }

  @Test func schedulesArePyTorchs() throws {
    var cosine = Schedule(.cosine)
    cosine.end = 0.1
    var step = Schedule(.step)
    (step.factor, step.period) = (0.3, 2)
    for (name, schedule) in [("cosine", cosine), ("one-cycle", Schedule(.oneCycle)), ("step", step)] {
      for (i, expected) in try fixture("schedules.tsv", name).enumerated() {
        let place = SchedulePlace(step: i, steps: 40, stepsPerEpoch: 10, falls: 0)
        #expect(abs(schedule.scale(place) - expected) < 1e-6, "\(name) \(i)")
      }
    }
  }

  @Test func warmUpExponentialAndPlateauAreTheirFormulas() {
    var schedule = Schedule(.exponential)
    (schedule.factor, schedule.warmUp) = (0.5, 4)
    let scales = [0, 1, 3, 4, 10, 25].map {
      schedule.scale(SchedulePlace(step: $0, steps: 40, stepsPerEpoch: 10, falls: 0))
    }
    #expect(scales == [0.25, 0.5, 1, 1, 0.5, 0.25])
    let plateau = SchedulePlace(step: 5, steps: 40, stepsPerEpoch: 10, falls: 2)
    #expect(abs(Schedule(.plateau).scale(plateau) - 0.01) < 1e-15)
  }

  @Test func metricsAreScikitLearns() throws {
    func numbers(_ name: String) throws -> [Double] { try fixture("metrics.tsv", name) }
    let p = try numbers("probabilities").map { Float($0) }
    let classes = try numbers("classes").map { Int($0) }
    var metrics = ClassMetrics(classes: 4)
    var binary = ClassMetrics(classes: 2)
    for i in 0..<60 {
      metrics.add(Array(p[4 * i..<4 * i + 4]), target: classes[i])
      binary.add([1 - p[4 * i + 1], p[4 * i + 1]], target: classes[i] > 1 ? 1 : 0)
    }
    func expect(_ found: [Double], _ name: String) throws {
      let expected = try numbers(name)
      #expect(
        found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-8 }, "\(name)")
    }
    try expect(metrics.confusion.flatMap { $0.map { Double($0) } }, "confusion")
    try expect([metrics.accuracy], "accuracy")
    let each = (0..<4).map(metrics.precision) + (0..<4).map(metrics.recall) + (0..<4).map(metrics.f1)
    try expect(each, "each")
    try expect([metrics.macroPrecision, metrics.macroRecall, metrics.macroF1], "macro")
    try expect([metrics.topAccuracy(2)], "top2")
    try expect([metrics.rocAUC ?? 0], "auc")
    try expect([binary.rocAUC ?? 0], "binary-auc")
    var other = NumberMetrics(outputs: 2)
    let (a, b) = (pattern(120, 61, 3).map { 5 + $0 }, pattern(120, 67, 5).map { 5 + $0 })
    for i in 0..<60 { other.add(Array(b[2 * i..<2 * i + 2]), targets: Array(a[2 * i..<2 * i + 2])) }
    let found = [other.mse, other.mae, other.r2]
    #expect(zip(found, try numbers("numbers")).allSatisfy { abs($0 - $1) < 1e-5 })
  }
}
