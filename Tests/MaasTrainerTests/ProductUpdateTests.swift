import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime
import Testing

@testable import MaasTrainer

/// Large weights whose step is taken with the product that gives their gradient.
@Suite struct ProductUpdateTests {
  private func options(_ rule: UpdateMethod.Rule) -> TrainerOptions {
    var options = TrainerOptions()
    (options.loss, options.epochs, options.update) = (.crossEntropy, 2, UpdateMethod(rule))
    (options.learningRate, options.seed) = (rule == .sgd ? 0.1 : 0.002, 5)
    return options
  }

  /// The nodes that take such steps; what they change is written where it is.
  private func updates(_ options: TrainerOptions) throws -> Int {
    let (trainer, data) = (
      try Trainer(Network(text: LargeLayers.text), options: options), try LargeLayers.data(40)
    )
    try trainer.step(data)
    let graph = try trainer.bound(.whole, BatchTypes(data), size: 40)
    #expect(graph.copiedOutputs == 0)
    return graph.training.graph.nodes.count { $0.op is PanelProductUpdate }
  }

  /// All tensors after a fit, as bits.
  private func fitted(_ options: TrainerOptions, _ count: Int) throws -> [[UInt32]] {
    let trainer = try Trainer(Network(text: LargeLayers.text), options: options)
    try trainer.fit(try LargeLayers.data(count))
    return (trainer.memory.parameters + trainer.memory.states + trainer.memory.averages).map {
      floats($0).map { $0.bitPattern }
    }
  }

  /// A limit of the norm that nothing reaches keeps gradients and steps apart.
  private func apart(_ options: TrainerOptions) -> TrainerOptions {
    var options = options
    options.clipNorm = 1e30
    return options
  }

  @Test(arguments: UpdateMethod.Rule.allCases) func stepsAreThoseAlongWrittenGradients(
    rule: UpdateMethod.Rule
  ) throws {
    var own = options(rule)
    (own.batchSize, own.ema) = (40, 0.9)
    #expect(try fitted(own, 100) == fitted(apart(own), 100))
  }

  @Test func decayAndPenaltiesBelongToThem() throws {
    var own = options(.adamw)
    (own.batchSize, own.weightDecay, own.l1, own.l2, own.clipValue) = (40, 0.1, 1e-4, 1e-3, 0.01)
    #expect(try fitted(own, 100) == fitted(apart(own), 100))
  }

  @Test(arguments: [1, 3, 600]) func batchesOfAnySizeTakeThem(size: Int) throws {
    var own = options(.adam)
    (own.batchSize, own.epochs) = (size, 1)
    let count = size == 600 ? 1200 : 5
    #expect(try fitted(own, count) == fitted(apart(own), count))
  }

  @Test func threadsDoNotChangeThem() throws {
    var own = options(.adam)
    own.batchSize = 128
    var results: [[[UInt32]]] = []
    for threads in [1, 2, 5] {
      own.threads = threads
      results.append(try fitted(own, 300))
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func onlyLargeWeightsTakeThem() throws {
    for (rule, clip, count) in [(UpdateMethod.Rule.adam, 0.0, 2), (.sgd, 0, 2), (.adam, 1, 0), (.lamb, 0, 0)]
    {
      var own = options(rule)
      own.clipNorm = clip
      #expect(try updates(own) == (PanelProductUpdate.isFaster ? count : 0))
    }
    var frozen = options(.adam)
    frozen.frozen = ["dense_1/*"]
    #expect(try updates(frozen) == (PanelProductUpdate.isFaster ? 1 : 0))
  }

  /// Where anything of a step is not finite, no weights move.
  @Test func stepsThatAreNotFiniteMoveNothing() throws {
    let trainer = try Trainer(Network(text: LargeLayers.text), options: options(.adam))
    let before = trainer.memory.parameters.map { floats($0) }
    let odd = try LargeLayers.data(40, infinite: 39)
    #expect(throws: MaasError.self) { try trainer.step(odd) }
    #expect(trainer.memory.parameters.map { floats($0) } == before)
    #expect(trainer.memory.states.allSatisfy { floats($0).allSatisfy { $0 == 0 } })
  }

  /// Three rows of greatest |a| and |dy| 2 and 5, of 3e20 and 2e18, of NaN and 0, of what rounding could make infinite, of 0
  /// and infinity.
  @Test func boundsAreFiniteWhereProductsMustBe() throws {
    let pairs: [(a: [Float], dy: [Float])] = [
      ([1, -2, 0, 0, 1, 2], [5, 0, -4]), ([3e20, 0, 0, 0, 0, 0], [0, 2e18, 1]),
      ([0, 0, 0, 0, .nan, 0], [0, 0, 0]),
      ([0x1p64, 0, 0, 0, 0, 0], [.greatestFiniteMagnitude / 0x1.8p65, 0, 0]),
      ([0, 0, 0, 0, 0, 0], [0, 0, -.infinity]),
    ]
    var graph = Graph("bounds")
    let inputs = pairs.indices.flatMap { i in
      [
        graph.addInput("dy\(i)", .float, Shape([.known(3), .known(1)])),
        graph.addInput("a\(i)", .float, Shape([.known(3), .known(2)])),
      ]
    }
    graph.outputs = graph.add(ProductBound(), inputs, name: "bounds")
    try graph.inferValues()
    let executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(threads: 1, memoryLimit: 1 << 30, planCacheLimit: 1))
    let tensors = try pairs.flatMap {
      [try Tensor(.float, [3, 1], $0.dy), try Tensor(.float, [3, 2], $0.a)]
    }
    let found = floats(try #require(try executable.run(tensors, [.allocated(keep: false)])[0]))
    #expect(abs(found[0] - 30) < 1e-4)
    #expect(found.dropFirst().allSatisfy { !$0.isFinite })
  }
}
