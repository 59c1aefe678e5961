import CMaasKernels
import MaasCore
import MaasGraph

/// Pairs of elements of every head are rotated by an angle that depends on the position in the sequence:
/// (a, b) becomes (a cos - b sin, a sin + b cos).
///
/// Inputs: X [batch, heads, sequence, size] or [batch, sequence, heads * size], the cosines and the sines, each
/// [positions, pairs] with position_ids [batch, sequence] as input 3, or [batch, sequence, pairs] without. In
/// com.microsoft position_ids are input 1, and may be the one position of the first place.
package final class RotaryEmbedding: OperatorFamily {
  package struct Row: Sendable {
    let ids, cosines, sines: Int

    package static let onnx = Row(ids: 3, cosines: 1, sines: 2)
    package static let microsoft = Row(ids: 1, cosines: 2, sines: 3)
  }

  package let name = "RotaryEmbedding"
  let row: Row
  /// Pairs are neighbours; else they lie half the rotated part apart.
  private let isInterleaved: Bool
  /// How many elements of a head are rotated; 0: all.
  private let rotated: Int
  private let heads: Int?

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    isInterleaved = try reader.int("interleaved", default: 0, 0...1) == 1
    rotated = try reader.int("rotary_embedding_dim", default: 0, 0...Int(Int32.max))
    let heads = try reader.int("num_heads", default: 0, 0...Int(Int32.max))
    self.heads = heads > 0 ? heads : nil
    // ONNX Runtime computes nothing with these.
    if row.ids == 1 { reader.ignore("scale", "is_packed_batching") }
    try reader.finish()
    guard row.ids == 1, rotated > 0, heads == 0 else { return }
    throw MaasError(.invalidModel, "attribute 'rotary_embedding_dim' needs 'num_heads' beside it")
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...4)
    try node.expectDType(0, DType.upToFloat)
    let isByIDs = node.has(row.ids) || row.ids == 1
    for i in [row.cosines, row.sines] {
      try node.expectSameDType(0, i)
      try node.expectRank(i, isByIDs ? 2 : 3)
    }
    if isByIDs { try node.expectDType(row.ids, [.int64]) }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
    let cosines = try node.shape(row.cosines)
    if let cosines { try node.expectShape(row.sines, cosines) }
    guard let x = try node.shape(0), let layout = try layout(x, cosines?.last) else { return }
    let places = [layout.batch, layout.sequence]
    if isByIDs {
      if isFirst(try node.shape(row.ids)) {
        try node.expectElement(row.ids)
      } else {
        try node.expectShape(row.ids, places)
      }
    }
    guard let cosines else { return }
    try node.expectShape(row.cosines, (isByIDs ? [cosines[0]] : places) + [try pairs(layout.size)])
  }

  /// Whether the ids are only the position of the first place.
  private func isFirst(_ ids: [Dim]?) -> Bool { row.ids == 1 && (ids?.count ?? 0) < 2 }

  /// Where the heads are; nil when that is not known yet.
  private func layout(_ x: [Dim], _ pairs: Dim?) throws(MaasError) -> HeadShape? {
    guard row.ids == 1, x.count == 3, heads == nil else { return try HeadShape(x, heads: heads, "X") }
    guard let width = x[2].value, let pairs = pairs?.value else { return nil }
    guard let size = product(2, pairs), size > 0, width % size == 0 else {
      throw MaasError(
        .shapeMismatch, "X does not divide into heads", expected: "a multiple of two times \(pairs)",
        found: "\(width)")
    }
    return try HeadShape(x, heads: width / size, "X")
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
    guard y.count > 0 else { return }
    try node.mayReuseElementwise(0)
    let cosines = try node.widenedInput(row.cosines)
    let pairs = cosines.shape[cosines.rank - 1]
    guard let shape = try layout(Shape(x.shape).dims, .known(pairs)) else { return }
    let ids = node.optionalInput(row.ids)
    let (batch, _, sequence, _) = try shape.sizes()
    var params = try Rotation(shape, isInterleaved: isInterleaved, cosines)
    if let ids, !isFirst(Shape(ids.shape).dims) {
      (params.id_batch, params.id_place) = (Int64(sequence), 1)
    } else {
      params.place_step = 1
    }
    if ids == nil { (params.batch_step, params.positions) = (Int64(sequence), Int64(batch * sequence)) }
    let target = try node.widenedTarget(y)
    node.emitRotation(params, [try node.widened(x), cosines, try node.widenedInput(row.sines), ids, target])
    node.narrow(target, into: y)
  }
}

typealias Rotation = maas_f32_rotary_params

extension maas_f32_rotary_params {
  /// Of heads that lie like the results.
  init(_ shape: HeadShape, isInterleaved: Bool, _ cosines: Operand) throws(MaasError) {
    let (batch, heads, sequence, size) = try shape.sizes()
    self.init(
      batch: batch, heads: heads, sequence: sequence, size: size, try shape.layout(), try shape.layout())
    interleaved = isInterleaved
    pairs = Int64(cosines.shape[cosines.rank - 1])
    positions = Int64(cosines.shape[0])
  }

  init(batch: Int, heads: Int, sequence: Int, size: Int, _ x: HeadLayout, _ y: HeadLayout) {
    self.init()
    (self.batch, self.heads, self.places, self.size) = (
      Int64(batch), Int64(heads), Int64(sequence), Int64(size)
    )
    (x_batch, x_head, x_place) = (Int64(x.batch), Int64(x.head), Int64(x.row))
    (y_batch, y_head, y_place) = (Int64(y.batch), Int64(y.head), Int64(y.row))
    x_offset = Int64(x.first)
  }
}

extension Lowering {
  /// x, cosines, sines, ids or NULL, y.
  mutating func emitRotation(_ params: Rotation, _ operands: [Operand?]) {
    let split = withUnsafePointer(to: params) { maas_f32_rotary_split($0) }
    emit(maas_f32_rotary, operands, params, split)
  }
}
