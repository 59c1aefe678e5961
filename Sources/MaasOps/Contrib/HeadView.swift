import CMaasKernels
import MaasCore
import MaasGraph

/// Heads of Q, K or V of one sequence, wherever they lie in a float operand. An object, as its copies take less code.
final class HeadView {
  let operand: Operand
  let layout: HeadLayout
  let batch, heads, sequence, size: Int

  init(_ operand: Operand, _ layout: HeadLayout, _ batch: Int, _ heads: Int, _ sequence: Int, _ size: Int) {
    (self.operand, self.layout) = (operand, layout)
    (self.batch, self.heads, self.sequence, self.size) = (batch, heads, sequence, size)
  }

  /// What lies from element `first` on in the rows of an operand [batch, sequence, width].
  convenience init(rows operand: Operand, first: Int, heads: Int, size: Int) {
    let s = operand.shape
    let layout = HeadLayout(first: first, batch: s[1] * s[2], head: size, row: s[2])
    self.init(operand, layout, s[0], heads, s[1], size)
  }

  /// One of the parts of an operand [parts, batch, heads, sequence, size], or all of it without parts.
  convenience init(whole operand: Operand, part: Int = 0) {
    let s = Array(operand.shape.suffix(4))
    let batch = s[1] * s[2] * s[3]
    let layout = HeadLayout(first: part * s[0] * batch, batch: batch, head: s[2] * s[3], row: s[3])
    self.init(operand, layout, s[0], s[1], s[2], s[3])
  }

  /// One of the parts of an operand [batch, sequence, heads, parts, size].
  convenience init(interleaved operand: Operand, part: Int) {
    let s = operand.shape
    let row = s[2] * s[3] * s[4]
    let layout = HeadLayout(first: part * s[4], batch: s[1] * row, head: s[3] * s[4], row: row)
    self.init(operand, layout, s[0], s[2], s[1], s[4])
  }
}

extension Lowering {
  /// Copies heads to rows `at`... of others.
  mutating func emitCopy(_ x: HeadView, _ y: HeadView, at: Int = 0) throws(MaasError) {
    let (from, to) = (x.layout, y.layout)
    try emitCopy(
      x.operand, y.operand, [x.batch, x.heads, x.sequence, x.size],
      xStrides: [from.batch, from.head, from.row, 1], yStrides: [to.batch, to.head, to.row, 1],
      xOffset: from.first, yOffset: to.offset(0, 0, at))
  }

  /// The heads plus the elements of a bias, input `i`, from `first` on.
  mutating func biased(_ x: HeadView, _ i: Int, first: Int) throws(MaasError) -> HeadView {
    guard optionalInput(i) != nil else { return x }
    let width = x.heads * x.size
    let own = try temporary(.float, [width])
    try emitCopy(
      try widenedInput(i), own, [width], xStrides: [1], yStrides: [1], xOffset: first)
    let sum = try temporary(.float, [x.batch, x.sequence, width])
    let result = HeadView(rows: sum, first: 0, heads: x.heads, size: x.size)
    let isPlain = x.layout.row == width
    if !isPlain { try emitCopy(x, result) }
    try emitBinary(.add, isPlain ? x.operand : sum, own, sum)
    return result
  }

  /// Where a float result for output `i` goes, if that is wanted.
  mutating func widenedTarget(optional i: Int) throws(MaasError) -> Operand? {
    guard let y = optionalOutput(i) else { return nil }
    return try widenedTarget(y)
  }
}
