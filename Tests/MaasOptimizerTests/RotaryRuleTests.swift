import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct RotaryRuleTests {
  private let heads = 2, size = 6
  private let batch = Dim.symbol("batch"), length = Dim.symbol("length")
  private var headDims: [Dim] { [batch, .known(heads), length, .known(size)] }

  private func slice(_ n: inout Network, _ x: ValueID, _ first: Int, _ end: Int) throws -> ValueID {
    n(
      try made(SliceOperator.self), x, try n.integers(first), try n.integers(end), try n.integers(3),
      try n.integers(1))
  }

  /// Halves as Llama's and GPT-NeoX's exports take them.
  private func sliced(_ n: inout Network, _ x: ValueID) throws -> [ValueID] {
    [try slice(&n, x, 0, size / 2), try slice(&n, x, size / 2, .max)]
  }

  private func split(_ n: inout Network, _ x: ValueID) throws -> [ValueID] {
    n.graph.add(
      try made(Split.self, [Attribute("axis", .int(-1))], outputs: 2), [x], name: "halves", outputs: 2)
  }

  private func joined(_ n: inout Network, _ a: ValueID, _ b: ValueID) throws -> ValueID {
    n(try made(Concat.self, [Attribute("axis", .int(-1))]), a, b)
  }

  private func rotated(
    _ n: inout Network, _ x: ValueID, _ cosines: ValueID, _ sines: ValueID,
    _ halves: (inout Network, ValueID) throws -> [ValueID]
  ) throws -> ValueID {
    let parts = try halves(&n, x)
    let swapped = try joined(&n, n(Unary(.neg), parts[1]), parts[0])
    return n.add(n.mul(x, cosines), n.mul(swapped, sines))
  }

  /// Angles of a half of the dimensions, twice, for one or for each batch.
  private func angles(_ n: inout Network, _ batch: Dim) throws -> [ValueID] {
    let half = n.input([batch, length, .known(size / 2)])
    let whole = try joined(&n, half, half)
    return try [Unary(.cos), Unary(.sin)].map {
      n(try made(Unsqueeze.self), n($0, whole), try n.integers(1))
    }
  }

  private func names(_ tail: String...) -> [String] {
    ["Concat", "Cos", "Unsqueeze", "Sin", "Unsqueeze"] + tail
  }

  @Test(arguments: [true, false]) func headsThatLieInFront(isSplit: Bool) throws {
    var n = Network()
    let x = n.input(headDims)
    let angles = try angles(&n, .known(1))
    n.graph.outputs = [try rotated(&n, x, angles[0], angles[1], isSplit ? split : sliced)]
    try expectFused(
      n.graph, [fuseRotary], into: names("RotaryEmbedding"),
      [try n.tensor(2, heads, 3, size), try n.tensor(1, 3, size / 2)])
  }

  @Test func headsInRowsStayThere() throws {
    var n = Network()
    let x = n.input([batch, length, .known(heads * size)])
    let angles = try angles(&n, batch)
    let split = n.transposed(n.reshaped(x, try n.integers(0, 0, heads, size)), 0, 2, 1, 3)
    n.graph.outputs = [n(Unary(.neg), try rotated(&n, split, angles[0], angles[1], sliced))]
    try expectFused(
      n.graph, [fuseRotary], into: names("RotaryEmbedding", "Reshape", "Transpose", "Neg"),
      [try n.tensor(2, 3, heads * size), try n.tensor(2, 3, size / 2)])
  }

  /// The second half of a row of angles need not be the first one again.
  @Test func anglesOfTheirOwn() throws {
    var n = Network()
    let x = n.input(headDims)
    let (cosines, sines) = (
      n.input([.known(1), .known(1), length, .known(size)]),
      n.input([.known(1), .known(1), length, .known(size)])
    )
    n.graph.outputs = [try rotated(&n, x, cosines, sines, sliced)]
    let inputs = [try n.tensor(2, heads, 3, size), try n.tensor(1, 1, 3, size), try n.tensor(1, 1, 3, size)]
    try expectFused(n.graph, [fuseRotary], into: ["RotaryEmbedding"], inputs)
  }

  @Test func otherHalvesAndAnglesStay() throws {
    var n = Network()
    let (x, y) = (n.input(headDims), n.input(headDims))
    let a = try angles(&n, .known(1))
    let turned = try sliced(&n, x)
    let notNegated = try joined(&n, turned[1], turned[0])
    let wrongHalf = try joined(&n, n(Unary(.neg), turned[0]), turned[1])
    let others = try sliced(&n, y)
    let ofOthers = try joined(&n, n(Unary(.neg), others[1]), turned[0])
    n.graph.outputs = [notNegated, wrongHalf, ofOthers].map { n.add(n.mul(x, a[0]), n.mul($0, a[1])) }
    try expectUntouched(n.graph, fuseRotary)
    var own = Network()
    let z = own.input(headDims)
    // Of each head its own.
    let angle = own.input(headDims)
    own.graph.outputs = [try rotated(&own, z, angle, angle, sliced)]
    try expectUntouched(own.graph, fuseRotary)
  }
}
