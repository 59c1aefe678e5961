import CMaasKernels
import MaasCore
import MaasGraph

/// Heads of Q, K or V of one sequence, wherever they lie in a float operand.
struct HeadView {
  let operand: Operand
  let layout: HeadLayout
  let batch, heads, sequence, size: Int

  init(_ operand: Operand, _ layout: HeadLayout, _ batch: Int, _ heads: Int, _ sequence: Int, _ size: Int) {
    (self.operand, self.layout) = (operand, layout)
    (self.batch, self.heads, self.sequence, self.size) = (batch, heads, sequence, size)
  }

  /// Part `first` elements into rows of `width`, of an operand [batch, sequence, width].
  init(
    part operand: Operand, first: Int, width: Int, _ batch: Int, _ heads: Int, _ sequence: Int, _ size: Int
  ) {
    let layout = HeadLayout(first: first, batch: sequence * width, head: size, row: width)
    self.init(operand, layout, batch, heads, sequence, size)
  }

  /// All of an operand [batch, heads, sequence, size].
  init(whole operand: Operand) {
    let s = operand.shape
    let layout = HeadLayout(batch: s[1] * s[2] * s[3], head: s[2] * s[3], row: s[3])
    self.init(operand, layout, s[0], s[1], s[2], s[3])
  }

  /// Each third, or half, of an operand [batch, sequence, heads, parts, size].
  init(interleaved operand: Operand, part: Int) {
    let s = operand.shape
    let row = s[2] * s[3] * s[4]
    let layout = HeadLayout(first: part * s[4], batch: s[1] * row, head: s[3] * s[4], row: row)
    self.init(operand, layout, s[0], s[2], s[1], s[4])
  }
}

extension Lowering {
  /// Copies the heads to rows `at`... of an operand [batch, heads, total, size] that begins at `offset`.
  mutating func emitCopy(
    _ view: HeadView, _ y: Operand, total: Int, at: Int, offset: Int = 0
  ) throws(MaasError) {
    let (size, from) = (view.size, view.layout)
    try emitCopy(
      view.operand, y, [view.batch, view.heads, view.sequence, size],
      xStrides: [from.batch, from.head, from.row, 1],
      yStrides: [view.heads * total * size, total * size, size, 1], xOffset: from.first,
      yOffset: offset + at * size)
  }

  /// The heads plus `size * heads` elements of `bias` from `first` on, as [batch, sequence, heads, size].
  mutating func biased(_ view: HeadView, _ bias: Operand?, first: Int) throws(MaasError) -> HeadView {
    guard let bias else { return view }
    let width = view.heads * view.size
    let own = try temporary(.float, [width])
    try emitCopy(bias, own, [width], xStrides: [1], yStrides: [1], xOffset: first)
    let sum = try temporary(.float, [view.batch, view.sequence, width])
    var x = view.operand
    let from = view.layout
    if x.count != sum.count || from.row != width {
      x = sum
      try emitCopy(
        view.operand, sum, [view.batch, view.sequence, view.heads, view.size],
        xStrides: [from.batch, from.row, from.head, 1],
        yStrides: [view.sequence * width, width, view.size, 1],
        xOffset: from.first)
    }
    try emitBinary(.add, x, own, sum)
    return HeadView(part: sum, first: 0, width: width, view.batch, view.heads, view.sequence, view.size)
  }
}
