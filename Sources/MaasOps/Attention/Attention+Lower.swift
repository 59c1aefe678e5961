import CMaasKernels
import MaasCore
import MaasGraph

extension Attention {
  /// K and V are packed tile by tile; then one step computes blocks of queries, a tile of keys after the other.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let (q, past) = (try node.input(0), node.optionalInput(4))
    let shapes = try shapes(
      Shape(q.shape).dims, Shape(try node.input(1).shape).dims, Shape(try node.input(2).shape).dims,
      past: past.map { Shape($0.shape).dims })
    let wide = [q.dtype, try node.input(2).dtype].contains(.double) ? DType.double : .float
    let keys = try cache(&node, 1, shapes.k, past: past, wide)
    let values = try cache(&node, 2, shapes.v, past: node.optionalInput(5), wide)
    guard y.count > 0 || (node.optionalOutput(3)?.count ?? 0) > 0 else { return }
    let target = try node.target(y, wide)
    let scores = try node.optionalOutput(3).map { (s) throws(MaasError) in try node.target(s, wide) }
    let mask = try mask(&node, wide)
    let params = try AttentionParams(self, shapes, keys: keys.layout, values: values.layout, mask)
    let operands = [
      try node.converted(q, wide), keys.tensor, values.tensor, mask, node.optionalInput(6), target, scores,
      nil,
    ]
    if wide == .double {
      node.emitDoubleAttention(params, operands)
    } else {
      try node.emitAttention(params, operands)
    }
    node.narrow(target, into: y)
    if let scores { node.deliver(scores, 3) }
  }

  /// All keys or values there are: input `i` behind the past ones, which is also output `i`.
  private func cache(
    _ node: inout Lowering, _ i: Int, _ shape: HeadShape, past: Operand?, _ wide: DType
  ) throws(MaasError) -> (tensor: Operand, layout: HeadLayout) {
    let own = try node.input(i)
    if past == nil, node.optionalOutput(i) == nil {
      return (try node.converted(own, wide), try shape.layout())
    }
    let (batch, heads, sequence, size) = try shape.sizes()
    let before = past?.shape[2] ?? 0
    let total = before + sequence
    let whole = try node.target(i, own.dtype, [batch, heads, total, size])
    let layout = HeadLayout(batch: heads * total * size, head: total * size, row: size)
    let from = try shape.layout()
    let strides = [layout.batch, layout.head, layout.row, 1]
    if let past {
      try node.emitCopy(past, whole, past.shape, xStrides: contiguousStrides(past.shape), yStrides: strides)
    }
    try node.emitCopy(
      own, whole, [batch, heads, sequence, size], xStrides: [from.batch, from.head, from.row, 1],
      yStrides: strides, xOffset: from.first, yOffset: before * size)
    return (try node.converted(whole, wide), layout)
  }

  private func mask(_ node: inout Lowering, _ wide: DType) throws(MaasError) -> Operand? {
    guard let mask = node.optionalInput(3), mask.dtype != .bool else { return node.optionalInput(3) }
    return try node.converted(mask, wide)
  }
}

/// One attention as its steps see it.
struct AttentionParams {
  let batch, heads, keyHeads, queries, total, size, valueSize: Int
  let q, k, v, y: HeadLayout
  let scale, softcap: Float
  let bias: AttentionBias
  let stage: Attention.ScoreStage
  /// What scores that are an output have where a key is hidden.
  var hiddenScore = -Float.infinity
  /// What a row that sees nothing becomes.
  let hiddenRow: Float

  /// For so few rows of a head, as when a text is made word by word, packing would cost more than it saves.
  static let fewRows = 8

  /// Heads of Q that share one of K and V.
  var group: Int { heads / keyHeads }
}

extension AttentionParams {
  init(
    _ op: Attention, _ shapes: AttentionShapes, keys: HeadLayout, values: HeadLayout, _ mask: Operand?
  ) throws(MaasError) {
    (batch, heads, queries, size) = try shapes.q.sizes()
    (_, keyHeads, _, valueSize) = try shapes.v.sizes()
    total = shapes.total.value ?? 0
    (q, k, v) = (try shapes.q.layout(), keys, values)
    let row = shapes.q.isPacked ? heads * valueSize : valueSize
    y = HeadLayout(
      batch: heads * queries * valueSize, head: shapes.q.isPacked ? valueSize : queries * valueSize, row: row)
    scale = op.scale ?? 1 / Float(size).squareRoot()
    softcap = op.softcap
    stage = op.scoreStage
    hiddenRow = op.hiddenRow
    bias = AttentionBias(
      isCausal: op.isCausal, window: op.window, queries: queries, total: total,
      past: shapes.past?.value ?? 0, fill: op.fill, mask, heads)
  }
}

/// Which keys a query sees, and what is added to its scores.
struct AttentionBias {
  private let isCausal: Bool
  /// Whether the last query of a causal attention sees everything, as ONNX Runtime has it.
  private let lastSeesAll: Bool
  private let left, right: Int
  private let queries, total, past: Int
  /// How many lengths there are before the places of the batches' first queries; 0 where no places follow them.
  private let placesAt: Int
  /// Elements of the mask between batches, heads and queries; 0 where it is broadcast.
  private let maskLayout: HeadLayout
  private let maskWidth: Int
  private let maskIsBool: Bool
  /// The score of a key that a mask of bools hides.
  private let fill: Float

  /// A window of -1 is as wide as there is something.
  init(
    isCausal: Bool, lastSeesAll: Bool = false, window: (left: Int, right: Int), queries: Int, total: Int,
    past: Int, placesAt: Int = 0, fill: Float = -.infinity, _ mask: Operand?, _ heads: Int
  ) {
    (self.isCausal, self.lastSeesAll) = (isCausal, lastSeesAll)
    // Beyond this no window hides anything.
    let most = queries + total
    left = window.left < 0 ? most : min(window.left, most)
    right = window.right < 0 ? most : min(window.right, most)
    (self.queries, self.total, self.past, self.placesAt) = (queries, total, past, placesAt)
    maskIsBool = mask?.dtype == .bool
    self.fill = fill
    guard let mask else {
      (maskLayout, maskWidth) = (HeadLayout(batch: 0, head: 0, row: 0), total)
      return
    }
    maskWidth = mask.shape[mask.rank - 1]
    let strides = broadcastStrides(
      [Int](repeating: 1, count: 4 - mask.rank) + mask.shape, to: [1, heads, queries, maskWidth])
    maskLayout = HeadLayout(batch: strides[0], head: strides[1], row: strides[2])
  }

  /// The keys that query `i` of batch `b` may see; `lengths` says how many of them are no padding.
  func visible(_ b: Int, _ i: Int, _ lengths: UnsafePointer<Int64>?) -> Range<Int> {
    let count = lengths.map { Int(max(0, min(Int64(total), $0[b]))) } ?? total
    let place = i + (lengths.map { placesAt > 0 ? Int($0[placesAt + b]) : count - queries } ?? past)
    var high = min(count, maskWidth, place + right + 1)
    if isCausal, !lastSeesAll || i < queries - 1 { high = min(high, place + 1) }
    return max(0, place - left)..<max(0, place - left, high)
  }

  /// Bytes in front of the mask's element for key `first`.
  func offset(_ b: Int, _ h: Int, _ i: Int, _ first: Int) -> Int {
    (maskLayout.offset(b, h, i) + first) * (maskIsBool ? 1 : 4)
  }

  /// How the softmax of floats applies the mask to `count` keys from `first` on.
  func describe(_ params: inout maas_f32_online_softmax_params, first: Int, count: Int) {
    params.mask = maskIsBool ? MAAS_MASK_CHOSEN : MAAS_MASK_ADDED
    params.mask_n = Int64(max(0, min(count, maskWidth - first)))
    (params.mask_row, params.fill) = (Int64(maskLayout.row), fill)
  }

  /// Adds the bias to scores of keys from `first` on, and hides those that are not visible.
  func add<T: BinaryFloatingPoint>(
    _ mask: UnsafeRawPointer?, _ b: Int, _ h: Int, _ i: Int, _ visible: Range<Int>,
    _ scores: UnsafeMutablePointer<T>, first: Int, count: Int
  ) {
    let low = max(0, min(count, visible.lowerBound - first))
    let high = max(low, min(count, visible.upperBound - first))
    for j in 0..<low { scores[j] = -.infinity }
    for j in high..<count { scores[j] = -.infinity }
    guard let mask else { return }
    let offset = maskLayout.offset(b, h, i) + first
    if maskIsBool {
      let row = mask.assumingMemoryBound(to: UInt8.self) + offset
      for j in low..<high where row[j] == 0 { scores[j] = T(fill) }
    } else {
      let row = mask.assumingMemoryBound(to: T.self) + offset
      for j in low..<high { scores[j] = row[j] == -.infinity ? -.infinity : scores[j] + row[j] }
    }
  }
}
