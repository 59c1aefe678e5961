import CMaasSystem
import Foundation
import MaasCore
import MaasGraph
import MaasONNX
import MaasOps
import Testing

@testable import MaasTrainer

/// Trainers on threads of this process, in the place of the processes of a job.
private final class Room: @unchecked Sendable {
  let ranks: Int
  private let condition = NSCondition()
  private var (waiting, meetings) = (0, 0)
  private var sums: [Int32: [UnsafeMutableBufferPointer<Float>?]] = [:]
  private var areas: [[UnsafeMutablePointer<Float>]] = []

  init(ranks: Int) { self.ranks = ranks }

  deinit { for area in areas.joined() { area.deallocate() } }

  func meet() {
    condition.withLock {
      let number = meetings
      waiting += 1
      if waiting == ranks {
        (waiting, meetings) = (0, meetings + 1)
        condition.broadcast()
      }
      while number == meetings { condition.wait() }
    }
  }

  func start(_ slot: Int32, _ rank: Int, _ values: UnsafeMutableBufferPointer<Float>) {
    condition.withLock { sums[slot, default: Array(repeating: nil, count: ranks)][rank] = values }
  }

  func finish(_ slot: Int32, _ rank: Int) {
    meet()
    let all = condition.withLock { sums[slot] ?? [] }.compactMap { $0 }
    let sum = all[0].indices.map { i in all.reduce(Float(0)) { $0 + $1[i] } }
    meet()
    for (i, value) in sum.enumerated() { all[rank][i] = value }
  }

  /// `turn` counts the areas of a rank.
  func open(_ count: Int, _ turn: Int) -> [UnsafeMutablePointer<Float>] {
    condition.withLock {
      if areas.count == turn {
        areas.append((0..<ranks).map { _ in .allocate(capacity: count) })
        for floats in areas[turn] { floats.initialize(repeating: .nan, count: count) }
      }
      return areas[turn]
    }
  }
}

private final class Seat {
  let room: Room
  let rank: Int
  private var opened = 0
  private let calls: UnsafeMutablePointer<maas_collective>

  init(_ room: Room, _ rank: Int) {
    (self.room, self.rank) = (room, rank)
    calls = .allocate(capacity: 1)
    calls.initialize(
      to: maas_collective(
        context: nil, rank: Int32(rank), ranks: Int32(room.ranks),
        start: { context, data, count, slot in
          let seat = Seat.of(context)
          seat.room.start(slot, seat.rank, UnsafeMutableBufferPointer(start: data, count: Int(count)))
          return 0
        },
        finish: { context, slot in
          let seat = Seat.of(context)
          seat.room.finish(slot, seat.rank)
          return 0
        },
        open_area: { context, count, area in
          let seat = Seat.of(context)
          let floats = seat.room.open(Int(count), seat.opened)
          seat.opened += 1
          withUnsafeMutableBytes(of: &area!.pointee.floats) { bytes in
            for (i, own) in floats.enumerated() {
              bytes.storeBytes(of: own, toByteOffset: i * MemoryLayout.size(ofValue: own), as: type(of: own))
            }
          }
          return 0
        },
        close_area: { _, _ in },
        meet: { context, _ in
          Seat.of(context).room.meet()
          return 0
        }))
    calls.pointee.context = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { calls.deallocate() }

  var collective: Collective { Collective(calls) }

  private static func of(_ context: UnsafeMutableRawPointer?) -> Seat {
    Unmanaged.fromOpaque(context!).takeUnretainedValue()
  }
}

private final class Results<Value>: @unchecked Sendable {
  var all: [Int: Result<Value, any Error>] = [:]
}

/// What each rank's `body` returns, on a thread for each.
private func job<Value: Sendable>(
  _ ranks: Int, _ body: @escaping @Sendable (Collective) throws -> Value
) throws -> [Value] {
  let (room, results, done) = (Room(ranks: ranks), Results<Value>(), NSCondition())
  for rank in 0..<ranks {
    Thread.detachNewThread {
      let seat = Seat(room, rank)
      let result = Result { try body(seat.collective) }
      withExtendedLifetime(seat) {
        done.withLock {
          results.all[rank] = result
          done.signal()
        }
      }
    }
  }
  return try done.withLock {
    while results.all.count < ranks { done.wait() }
    return try (0..<ranks).map { try results.all[$0]!.get() }
  }
}

/// Processes that share large weights, each of which takes the steps of a part.
@Suite struct SharedWeightsTests {
  private static func options(_ rule: UpdateMethod.Rule, batch: Int) -> TrainerOptions {
    var options = TrainerOptions()
    (options.loss, options.epochs, options.update) = (.crossEntropy, 3, UpdateMethod(rule))
    (options.learningRate, options.seed, options.batchSize) = (rule == .sgd ? 0.1 : 0.002, 5, batch)
    (options.threads, options.validationSplit, options.patience) = (1, 0.2, 2)
    return options
  }

  private struct Fitted: Sendable {
    var tensors: [[Float]] = []
    var losses: [Double] = []
    var shares = 0

    var bits: [[UInt32]] { tensors.map { $0.map { $0.bitPattern } } }
  }

  private static func fitted(_ options: TrainerOptions, _ collective: Collective?) throws -> Fitted {
    let trainer = try Trainer(Network(text: LargeLayers.text), options: options)
    if let collective { try trainer.join(collective) }
    let data = try LargeLayers.data(125)
    var fitted = Fitted()
    fitted.losses = try trainer.fit(data).map { $0.loss }
    let graph = try trainer.bound(.whole, BatchTypes(data), size: options.batchSize)
    fitted.shares = graph.training.graph.nodes.count { $0.op is GradientShare }
    fitted.tensors = (trainer.memory.parameters + trainer.memory.states).map { floats($0) }
    return fitted
  }

  @Test(arguments: [2, 4], [UpdateMethod.Rule.sgd, .adam])
  func processesTakeTheStepsOfOne(ranks: Int, rule: UpdateMethod.Rule) throws {
    let one = try Self.fitted(Self.options(rule, batch: 40), nil)
    let all = try job(ranks) { try Self.fitted(Self.options(rule, batch: 40 / ranks), $0) }
    for own in all {
      #expect(own.shares == (PanelProductUpdate.isFaster ? 2 : 0))
      #expect(own.bits == all[0].bits)
      for (loss, expected) in zip(own.losses, one.losses) { #expect(abs(loss - expected) < 1e-5) }
      for (tensor, expected) in zip(own.tensors, one.tensors) {
        #expect(zip(tensor, expected).allSatisfy { abs($0 - $1) < 2e-5 })
      }
    }
  }

  /// Of eight panels eight ranks have one each; where there are more of either, parts differ in size.
  @Test(arguments: [3, 8]) func partsDivideAllPanels(ranks: Int) throws {
    let one = try Self.fitted(Self.options(.sgd, batch: 48), nil)
    for own in try job(ranks, { try Self.fitted(Self.options(.sgd, batch: 48 / ranks), $0) }) {
      for (tensor, expected) in zip(own.tensors, one.tensors) {
        #expect(zip(tensor, expected).allSatisfy { abs($0 - $1) < 2e-5 })
      }
    }
  }

  /// Norms and averages go by all of a gradient or all new weights: gradients are added up.
  @Test func whatNeedsAllOfThemSharesNothing() throws {
    var (clipped, averaged) = (Self.options(.adam, batch: 20), Self.options(.adam, batch: 20))
    (clipped.clipNorm, averaged.ema) = (0.5, 0.9)
    for options in [clipped, averaged] {
      var alone = options
      alone.batchSize = 40
      let one = try Self.fitted(alone, nil)
      for own in try job(2, { try Self.fitted(options, $0) }) {
        #expect(own.shares == 0)
        for (tensor, expected) in zip(own.tensors, one.tensors) {
          #expect(zip(tensor, expected).allSatisfy { abs($0 - $1) < 2e-5 })
        }
      }
    }
  }

  /// The gradient of weights that two products read is a sum, which all processes have; other weights are shared.
  @Test func weightsOfTwoProductsAreNotShared() throws {
    @Sendable func fitted(_ batch: Int, _ collective: Collective?) throws -> [[Float]] {
      var graph = Graph("tied")
      let x = graph.addInput("x", .float, Shape([.symbol("N"), .known(288)]))
      let names = ["tied", "own"]
      let weights = try names.map { name in
        graph.addConstant(
          name, try Tensor(.float, [288, 288], pattern(288 * 288, name.count, 7).map { $0 / 9 }))
      }
      var y = x
      for (i, weights) in [weights[0], weights[1], weights[0]].enumerated() {
        let result = graph.add(Value("product \(i)"))
        try graph.add("MatMul", opset: 17, [y, weights], "\(i)", [], outputs: [result])
        y = result
      }
      graph.outputs = [y]
      try graph.inferValues()
      var options = TrainerOptions()
      (options.epochs, options.update, options.learningRate) = (2, UpdateMethod(.sgd), 20)
      (options.batchSize, options.threads) = (batch, 1)
      let trainer = try Trainer(graph, ModelInfo(producerName: "test", opset: 17, graphName: "g"), options)
      if let collective { try trainer.join(collective) }
      let numbers = try Tensor(.float, [40, 288], pattern(40 * 288, 31, 1))
      try trainer.fit(TensorData(features: [numbers], targets: numbers))
      return try names.map { floats(try trainer.parameter($0)) }
    }
    let one = try fitted(40, nil)
    for (i, tensor) in one.enumerated() {
      let before = pattern(288 * 288, [4, 3][i], 7)
      #expect(zip(tensor, before).contains { abs($0 - $1 / 9) > 1e-3 })
    }
    for own in try job(2, { try fitted(20, $0) }) {
      for (tensor, expected) in zip(own, one) {
        #expect(zip(tensor, expected).allSatisfy { abs($0 - $1) < 2e-5 })
      }
    }
  }

  /// What only one process meets stops all, and moves nothing.
  @Test func aStepThatIsNotFiniteIsTakenByNone() throws {
    let moved = try job(2) { collective in
      let trainer = try Trainer(Network(text: LargeLayers.text), options: Self.options(.adam, batch: 20))
      try trainer.join(collective)
      let before = trainer.memory.parameters.map { floats($0) }
      let odd = try LargeLayers.data(40, infinite: 3)
      #expect(throws: MaasError.self) { try trainer.fit(odd) }
      return trainer.memory.parameters.map { floats($0) } != before
    }
    #expect(moved == [false, false])
  }
}
