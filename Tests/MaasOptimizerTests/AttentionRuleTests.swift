import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct AttentionRuleTests {
  private let heads = 2, size = 4
  private var width: Int { heads * size }
  private let batch = Dim.symbol("batch"), length = Dim.symbol("length")

  private func rows(_ n: inout Network) -> ValueID { n.input([batch, length, .known(width)]) }

  private func split(_ n: inout Network, _ x: ValueID, _ perm: [Int] = [0, 2, 1, 3]) throws -> ValueID {
    n(Transpose(perm: perm), n.reshaped(x, try n.integers(0, 0, heads, size)))
  }

  private func softmax(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(try made(Softmax.self, .softmax, [Attribute("axis", .int(-1))]), x)
  }

  private func joined(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n.reshaped(n.transposed(x, 0, 2, 1, 3), try n.integers(0, 0, width))
  }

  /// Q, K' and V as heads; `masked` is what is done to the scaled scores.
  private func attention(
    _ n: inout Network, _ q: ValueID, _ k: ValueID, _ v: ValueID,
    _ masked: (inout Network, ValueID) throws -> ValueID = { $1 }
  ) throws -> ValueID {
    let scores = n.div(n.product(q, k), try n.number(2))
    return n.product(try softmax(&n, try masked(&n, scores)), v)
  }

  private func three(_ n: inout Network, _ masked: (inout Network, ValueID) throws -> ValueID = { $1 }) throws
    -> ValueID
  {
    let (q, k, v) = (rows(&n), rows(&n), rows(&n))
    return try attention(
      &n, try split(&n, q), try split(&n, k, [0, 2, 3, 1]), try split(&n, v), masked)
  }

  private func tensors(_ n: inout Network, _ count: Int) throws -> [Tensor] {
    try (0..<count).map { _ in try n.tensor(2, 3, width) }
  }

  @Test func projectionsOfTheirOwn() throws {
    var n = Network()
    n.graph.outputs = [try joined(&n, try three(&n))]
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], try tensors(&n, 3))
  }

  @Test func maskThatIsAdded() throws {
    var n = Network()
    let mask = n.input([batch, .known(1), .known(1), length])
    n.graph.outputs = [try joined(&n, try three(&n) { n, scores in n.add(scores, mask) })]
    let hidden = try Tensor(.float, [2, 1, 1, 3], [0, 0, -10000, 0, -.infinity, 0] as [Float])
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], [hidden] + (try tensors(&n, 3)))
  }

  /// A row that sees nothing is NaN, as the softmax has it.
  @Test func maskThatHidesAll() throws {
    var n = Network()
    let mask = n.input([batch, .known(1), .known(1), length])
    n.graph.outputs = [try joined(&n, try three(&n) { n, scores in n.add(scores, mask) })]
    let hidden = try Tensor(
      .float, [2, 1, 1, 3], [0, 0, 0, -.infinity, -.infinity, -.infinity] as [Float])
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], [hidden] + (try tensors(&n, 3)))
  }

  /// Where nothing is visible, all keys count the same.
  @Test func maskThatReplaces() throws {
    var n = Network()
    let mask = n.input([.known(1), .known(1), length, length], .bool)
    n.graph.outputs = [
      try joined(&n, try three(&n) { n, scores in n(try made(Where.self), mask, scores, try n.number(-1e4)) })
    ]
    let seen = try Tensor(.bool, [1, 1, 3, 3], [1, 0, 0, 0, 0, 0, 1, 1, 1] as [UInt8])
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], [seen] + (try tensors(&n, 3)))
  }

  @Test func scaledKeysAndQueries() throws {
    var n = Network()
    let (q, k, v) = (rows(&n), rows(&n), rows(&n))
    let keys = n.mul(n.transposed(try split(&n, k), 0, 1, 3, 2), try n.number(0.75))
    let queries = n.mul(try split(&n, q), try n.number(0.5))
    let probabilities = try softmax(&n, n.product(queries, keys))
    n.graph.outputs = [try joined(&n, n.product(probabilities, try split(&n, v)))]
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], try tensors(&n, 3))
  }

  @Test func oneProjectionSplitAlongItsRows() throws {
    var n = Network()
    let x = n.input([batch, length, .known(3 * width)])
    let split = try made(Split.self, [Attribute("axis", .int(2))], outputs: 3)
    let parts = n.graph.add(split, [x], name: "split", outputs: 3)
    let keys = try self.split(&n, parts[1], [0, 2, 3, 1])
    let y = try attention(&n, try self.split(&n, parts[0]), keys, try self.split(&n, parts[2]))
    n.graph.outputs = [try joined(&n, y)]
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], [try n.tensor(2, 3, 3 * width)])
  }

  @Test func oneProjectionWithItsPartsInFront() throws {
    var n = Network()
    let x = n.input([batch, length, .known(3 * width)])
    let five = n.reshaped(x, try n.integers(0, 0, 3, heads, size))
    let parts = n.transposed(five, 2, 0, 3, 1, 4)
    let gather = try made(Gather.self)
    let (q, k, v) = (
      n(gather, parts, try n.index(0)), n(gather, parts, try n.index(1)), n(gather, parts, try n.index(-1))
    )
    n.graph.outputs = [try joined(&n, try attention(&n, q, n.transposed(k, 0, 1, 3, 2), v))]
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], [try n.tensor(2, 3, 3 * width)])
  }

  @Test func keysAndValuesOfThePast() throws {
    var n = Network()
    let (q, k, v) = (rows(&n), rows(&n), rows(&n))
    let concat = try made(Concat.self, [Attribute("axis", .int(-2))])
    var presents: [ValueID] = []
    for own in [k, v] {
      let past = n.input([batch, .known(heads), .symbol("past"), .known(size)])
      presents.append(n(concat, past, try split(&n, own)))
    }
    let y = try attention(&n, try split(&n, q), n.transposed(presents[0], 0, 1, 3, 2), presents[1])
    n.graph.outputs = [try joined(&n, y)] + presents
    let past = try (0..<2).map { _ in try n.tensor(2, heads, 5, size) }
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], try tensors(&n, 3) + past)
  }

  @Test func headsThatStayApart() throws {
    var n = Network()
    n.graph.outputs = [try three(&n)]
    try expectFused(
      n.graph, [fuseAttention], into: ["Reshape", "Transpose", "Attention"], try tensors(&n, 3))
  }

  /// Keys and values with fewer heads, each of which is read by several of Q, as Llama's export repeats them.
  private func repeated(_ n: inout Network, _ x: ValueID, _ times: Int) throws -> ValueID {
    let one = n(try made(Unsqueeze.self), x, try n.integers(2))
    let many = n(try made(Expand.self), one, try n.integers(1, 1, times, 1, 1))
    return n.reshaped(many, try n.integers(0, heads * times, -1, size))
  }

  private func rows(_ n: inout Network, heads count: Int) throws -> ValueID {
    let x = n.input([batch, length, .known(count * size)])
    return n.transposed(n.reshaped(x, try n.integers(0, 0, count, size)), 0, 2, 1, 3)
  }

  /// 0 where no key is seen.
  private func tested(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(try made(Where.self), n(try made(ElementTest.self, .isNaN), x), try n.number(0), x)
  }

  private func grouped(_ n: inout Network, values: Int) throws -> ValueID {
    let (q, k, v) = (
      try rows(&n, heads: 2 * heads), try rows(&n, heads: heads), try rows(&n, heads: heads * values)
    )
    let keys = n.transposed(try repeated(&n, k, 2), 0, 1, 3, 2)
    let scores = try softmax(&n, n.product(q, n.mul(keys, try n.number(0.5))))
    let y = n.product(try tested(&n, scores), values == 1 ? try repeated(&n, v, 2) : v)
    return n.reshaped(n.transposed(y, 0, 2, 1, 3), try n.integers(0, 0, 2 * width))
  }

  @Test func headsThatSeveralOfQRead() throws {
    var n = Network()
    n.graph.outputs = [try grouped(&n, values: 1)]
    let inputs = [try n.tensor(2, 3, 2 * width), try n.tensor(2, 3, width), try n.tensor(2, 3, width)]
    try expectFused(n.graph, [fuseAttention], into: ["Attention"], inputs)
  }

  /// What repeats them may have other readers, in front of the attention.
  @Test func thePastOfRepeatedHeadsStaysOutside() throws {
    var n = Network()
    let q = try rows(&n, heads: 2 * heads)
    let concat = try made(Concat.self, [Attribute("axis", .int(2))])
    let past = n.input([batch, .known(heads), .symbol("past"), .known(size)])
    let (k, v) = (n(concat, past, try rows(&n, heads: heads)), n(concat, past, try rows(&n, heads: heads)))
    let keys = n.transposed(try repeated(&n, k, 2), 0, 1, 3, 2)
    let y = n.product(try softmax(&n, n.product(q, keys)), try repeated(&n, v, 2))
    n.graph.outputs = [n.reshaped(n.transposed(y, 0, 2, 1, 3), try n.integers(0, 0, 2 * width)), k, v]
    let inputs = [
      try n.tensor(2, 3, 2 * width), try n.tensor(2, heads, 5, size), try n.tensor(2, 3, width),
      try n.tensor(2, 3, width),
    ]
    let names = ["Reshape", "Transpose", "Concat", "Reshape", "Transpose", "Concat", "Attention"]
    try expectFused(n.graph, [fuseAttention], into: names, inputs)
  }

  @Test func keysAndValuesOfDifferentHeadsStay() throws {
    var n = Network()
    n.graph.outputs = [try grouped(&n, values: 2)]
    try expectUntouched(n.graph, fuseAttention)
  }

  @Test func keysThatAreTransposedInOneDimension() throws {
    var n = Network()
    let (q, k, v) = (try rows(&n, heads: heads), try rows(&n, heads: heads), try rows(&n, heads: heads))
    let past = n.input([batch, .known(heads), .symbol("past"), .known(size)])
    let keys = n(try made(Concat.self, [Attribute("axis", .int(2))]), past, k)
    let values = n(try made(Concat.self, [Attribute("axis", .int(2))]), past, v)
    func dim(_ i: Int) throws -> ValueID {
      n(try made(Gather.self), n(try made(ShapeOf.self), keys), try n.integers(i))
    }
    let axis = [Attribute("axis", .int(0))]
    let flat = n(
      try made(Concat.self, axis), try n.integers(-1), n(try made(Concat.self, axis), try dim(2), try dim(3)))
    let turned = n.transposed(n.reshaped(keys, flat), 0, 2, 1)
    let whole = n(
      try made(Concat.self, axis), try n.integers(0, heads),
      n(try made(Concat.self, axis), try dim(3), try dim(2)))
    let sizes = n(
      try made(Concat.self, axis), try dim(0),
      n(try made(SliceOperator.self), whole, try n.integers(1), try n.integers(4)))
    n.graph.outputs = [try attention(&n, q, n.reshaped(turned, sizes), values)]
    let fused = try applied([fuseAttention], n.graph).graph
    #expect(fused.nodes.contains { $0.op.name == "Attention" } && !fused.nodes.contains { $0.op is MatMul })
    let inputs = try (0..<3).map { _ in try n.tensor(2, 3, width) } + [try n.tensor(2, heads, 5, size)]
    let (own, plain) = (try #require(try run(fused, inputs)[0]), try #require(try run(n.graph, inputs)[0]))
    #expect(own.count == plain.count && zip(own, plain).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) })
  }

  @Test func scoresThatAreAnOutputStay() throws {
    var n = Network()
    n.graph.outputs = [try joined(&n, try three(&n))]
    let probabilities = try #require(n.graph.nodes.first { $0.op is Softmax }?.outputs[0])
    n.graph.outputs.append(probabilities)
    try expectUntouched(n.graph, fuseAttention)
  }

  @Test func aMaskThatIsNotOneOfKeysStays() throws {
    var n = Network()
    let mask = n.input([batch, .known(1), length, .known(1)])
    n.graph.outputs = [try joined(&n, try three(&n) { n, scores in n.add(scores, mask) })]
    try expectUntouched(n.graph, fuseAttention)
  }

  @Test func aSoftmaxOverQueriesStays() throws {
    var n = Network()
    let (q, k, v) = (rows(&n), rows(&n), rows(&n))
    let scores = n.product(try split(&n, q), try split(&n, k, [0, 2, 3, 1]))
    let softmax = try made(Softmax.self, .softmax, [Attribute("axis", .int(2))])
    n.graph.outputs = [try joined(&n, n.product(n(softmax, scores), try split(&n, v)))]
    try expectUntouched(n.graph, fuseAttention)
  }
}
