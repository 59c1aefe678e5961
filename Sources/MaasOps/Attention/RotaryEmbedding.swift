import CMaasKernels
import MaasCore
import MaasGraph

/// Pairs of elements of every head are rotated by an angle that depends on the position in the sequence:
/// (a, b) becomes (a cos - b sin, a sin + b cos).
///
/// Inputs: X [batch, heads, sequence, size] or [batch, sequence, heads * size], the cosines and the sines, each
/// [positions, pairs] with position_ids [batch, sequence] as input 3, or [batch, sequence, pairs] without.
package final class RotaryEmbedding: ReadableOperator {
  package let name = "RotaryEmbedding"
  /// Pairs are neighbours; else they lie half the rotated part apart.
  private let isInterleaved: Bool
  /// How many elements of a head are rotated; 0: all.
  private let rotated: Int
  private let heads: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    isInterleaved = try reader.int("interleaved") ?? 0 != 0
    rotated = try reader.int("rotary_embedding_dim") ?? 0
    heads = try reader.int("num_heads").flatMap { $0 > 0 ? $0 : nil }
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...4)
    try node.expectDType(0, [.float, .float16, .bfloat16])
    let hasIDs = node.has(3)
    for i in 1..<3 {
      try node.expectSameDType(0, i)
      try node.expectRank(i, hasIDs ? 2 : 3)
    }
    if hasIDs {
      try node.expectDType(3, [.int64])
      try node.expectRank(3, 2)
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
    guard let x = try node.shape(0) else { return }
    let layout = try HeadShape(x, heads: heads, "X")
    let pairs = try pairs(layout.size)
    for i in 1..<4 where node.has(i) {
      guard let found = try node.shape(i) else { continue }
      let places = [layout.batch, layout.sequence]
      let expected = i == 3 ? places : hasIDs ? [found[0], pairs] : places + [pairs]
      for d in found.indices { _ = try unified(expected[d], found[d], "dimension \(d) of input \(i)") }
    }
    if let cosines = try node.shape(1), let sines = try node.shape(2) {
      for d in cosines.indices { _ = try unified(cosines[d], sines[d], "the cosines and the sines") }
    }
  }

  private func pairs(_ size: Dim) throws(MaasError) -> Dim {
    guard let size = size.value else { return rotated > 0 ? .known(rotated / 2) : size.floorDivided(by: 2) }
    let width = rotated > 0 ? rotated : size
    guard width <= size, width % 2 == 0 else {
      throw MaasError(
        .shapeMismatch, "the rotated part of a head must be even and fit in it", expected: "at most \(size)",
        found: "\(width)")
    }
    return .known(width / 2)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    try node.mayReuseElementwise(0)
    let shape = try HeadShape(Shape(x.shape).dims, heads: heads, "X")
    let target = try node.widenedTarget(y)
    let operands = [
      try node.widened(x), try node.widenedInput(1), try node.widenedInput(2), node.optionalInput(3), target,
    ]
    let sizes = try shape.sizes()
    let pairs = try pairs(shape.size).value ?? 0
    let params = RotaryParams(
      heads: sizes.heads, sequence: sizes.sequence, size: sizes.size, pairs: pairs,
      positions: node.optionalInput(3) == nil ? sizes.batch * sizes.sequence : try node.input(1).shape[0],
      headsAreInside: x.rank == 3, isInterleaved: isInterleaved)
    node.emit(
      { rotate(Chunk($0, $1, $2, $3)) }, operands, params,
      items: sizes.batch * sizes.heads * sizes.sequence, grain: grain(nanoseconds: 10 + sizes.size))
    node.narrow(target, into: y)
  }
}

private struct RotaryParams {
  let heads, sequence, size, pairs: Int
  let positions: Int
  /// X is [batch, sequence, heads, size], else [batch, heads, sequence, size].
  let headsAreInside: Bool
  let isInterleaved: Bool
}

/// x, cosines, sines, int64 positions or NULL, y. Items are heads of every place.
private func rotate(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(RotaryParams.self).pointee
  let positions = chunk.optional(3, as: Int64.self)
  for item in chunk.begin..<chunk.end {
    let batch = item / (p.heads * p.sequence)
    let place = batch * p.sequence + (p.headsAreInside ? item / p.heads % p.sequence : item % p.sequence)
    let position = positions.map { Int($0[place]) } ?? place
    guard position >= 0, position < p.positions else {
      return chunk.refuse(unsigned: position, limit: p.positions)
    }
    rotate(
      p, chunk.input(0, as: Float.self) + item * p.size, chunk.input(1, as: Float.self) + position * p.pairs,
      chunk.input(2, as: Float.self) + position * p.pairs, chunk.output(4, as: Float.self) + item * p.size)
  }
  return StepStatus.ok
}

private func rotate(
  _ p: RotaryParams, _ x: UnsafePointer<Float>, _ cosines: UnsafePointer<Float>,
  _ sines: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  // With the step known here both loops become vector code.
  if p.isInterleaved {
    rotatePairs(p.pairs, 2, 1, x, cosines, sines, y)
  } else {
    rotatePairs(p.pairs, 1, p.pairs, x, cosines, sines, y)
  }
  for i in 2 * p.pairs..<p.size { y[i] = x[i] }
}

@inline(__always)
private func rotatePairs(
  _ count: Int, _ step: Int, _ apart: Int, _ x: UnsafePointer<Float>, _ cosines: UnsafePointer<Float>,
  _ sines: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  for i in 0..<count {
    let (a, b) = (x[i &* step], x[i &* step &+ apart])
    y[i &* step] = a * cosines[i] - b * sines[i]
    y[i &* step &+ apart] = a * sines[i] + b * cosines[i]
  }
}
