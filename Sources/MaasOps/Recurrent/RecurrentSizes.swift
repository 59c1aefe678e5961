import CMaasKernels
import MaasCore
import MaasGraph

struct RecurrentSizes {
  let steps, batch, input, hidden, directions: Int
  /// Pieces that the hidden units are cut into, to share them out among threads.
  let pieces: Int
  /// Steps whose gates are computed together.
  let stretch: Int
  /// Rows of the batch that go together.
  let rows: Int
  /// Whether the gates of a block of rows lie together, one step's after the other's; else those of a step do.
  private let areBlocksApart: Bool

  /// With `bytePieces` hidden values are multiplied as bytes, with one scale for 16 rows: how many go together is part of
  /// the result.
  init(
    _ steps: Int, _ batch: Int, _ input: Int, _ hidden: Int, _ directions: Int, bytePieces: Int? = nil
  ) {
    (self.steps, self.batch, self.input) = (steps, batch, input)
    (self.hidden, self.directions) = (hidden, directions)
    pieces = bytePieces ?? Self.pieces(hidden)
    stretch = Self.stretch(steps, batch, elementCount([batch, directions, hidden]) ?? .max)
    areBlocksApart = Self.separates && bytePieces == nil
    rows = areBlocksApart ? Self.rows(batch, hidden) : max(1, min(16, batch))
  }

  /// Whether each thread has gates and states of its own, so that no others' are in their way. Asked even where a number
  /// tells it, since a constant leaves the code for it out.
  #if hasFeature(Embedded)  // Which shall be small.
    static let separates = false
  #else
    static let separates = true
  #endif

  var blocks: Int { (batch + rows - 1) / rows }
  /// Elements between the states of neighbouring chains, two pages: what the processor fetches ahead of a thread shall
  /// not be what another writes. Where there are many chains, a thread has neighbours.
  var statesGap: Int { Self.separates && hidden >= 64 && 2...64 ~= directions * blocks ? 2048 : 0 }
  /// X of a stretch, block by block.
  var blockShape: [Int] { [directions, blocks, stretch, rows, input] }

  /// Blocks of 8 to 16 (the last one may have fewer), mostly an even number of them: a thread has some, and shares with
  /// nobody what a step leaves for the next.
  private static func rows(_ batch: Int, _ hidden: Int) -> Int {
    let isOne = batch < 16 || batch == 16 && hidden < 256
    let blocks = isOne ? 1 : (batch + 31) / 32 * 2
    return max(1, (batch + blocks - 1) / blocks)
  }

  /// A memory of this shape must be possible before its layout is worked out.
  func gatesShape(_ cell: Recurrent.Cell) -> [Int] {
    let row = GatesLayout.row(cell.gates * hidden)
    return Self.separates && areBlocksApart
      ? [directions, blocks, stretch, rows, row] : [directions, stretch, batch, row]
  }

  func gates(_ cell: Recurrent.Cell) -> GatesLayout {
    let row = GatesLayout.row(cell.gates * hidden)
    guard Self.separates, areBlocksApart else {
      return GatesLayout(row: row, step: batch * row, block: rows * row, direction: stretch * batch * row)
    }
    let block = stretch * rows * row
    return GatesLayout(row: row, step: rows * row, block: block, direction: blocks * block)
  }

  /// So few that their gates are read from the caches, but enough rows for a product, and stretches that can be
  /// counted.
  private static func stretch(_ steps: Int, _ batch: Int, _ units: Int) -> Int {
    let most = max(65536 / max(units, 1), 64 / max(batch, 1), steps / 64, 1)
    let count = max(steps - 1, 0) / most + 1
    return max(steps - 1, 0) / count + 1
  }

  /// Whether pieces of W's columns are whole panels.
  var piecesArePanels: Bool {
    pieces > 1 && hidden % (pieces * Int(maas_f32_gemm_panel_columns())) == 0
  }

  var whole: Stretch { Stretch(first: 0, count: steps, of: steps) }
  var stretches: [Stretch] {
    stride(from: 0, to: steps, by: stretch).map { first in
      Stretch(first: first, count: min(stretch, steps - first), of: steps)
    }
  }

  /// As many as leave each 32 units and R without more padding.
  private static func pieces(_ hidden: Int) -> Int {
    let whole = maas_f32_gemm_packed_bytes(Int64(hidden), Int64(hidden))
    for pieces in [4, 2] where hidden % pieces == 0 && hidden / pieces >= 32 {
      let one = maas_f32_gemm_packed_bytes(Int64(hidden), Int64(hidden / pieces))
      if one > 0, whole / one >= pieces, whole % one == 0 { return pieces }
    }
    return 1
  }
}

/// Elements between gates of neighbouring rows, steps of a stretch, blocks of rows, and directions.
struct GatesLayout {
  let row, step, block, direction: Int

  /// An odd number of cache lines, or a block's rows would meet in a few sets of the first-level cache.
  static func row(_ width: Int) -> Int {
    let floats = 16
    return ((width + floats - 1) / floats | 1) * floats
  }
}

/// A part of the sequence, in the order of the walk.
struct Stretch {
  let first, count: Int
  /// Where it begins for who walks the sequence from its end.
  let reversed: Int

  init(first: Int, count: Int, of steps: Int) {
    (self.first, self.count) = (first, count)
    reversed = steps - first - count
  }
}

/// Hidden and cell as the node has them, each of `shape`: what they are at first, and where Y, Y_h and Y_c are written.
struct RecurrentStates {
  let shape: [Int]
  var initial: [Operand?] = [nil, nil]
  var results: [Operand?] = [nil, nil, nil]

  init(shape: [Int]) { self.shape = shape }
}
