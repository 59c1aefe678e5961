/// A buffer that needs a place in the arena, from its first step to its last.
struct ArenaBlock {
  let buffer: Int
  let first: Int
  let last: Int
  let byteCount: Int

  init(buffer: Int, first: Int, last: Int, byteCount: Int) {
    (self.buffer, self.first, self.last) = (buffer, first, last)
    self.byteCount = (byteCount + 63) / 64 * 64
  }

  fileprivate func meets(_ other: ArenaBlock) -> Bool { first <= other.last && other.first <= last }
}

/// The offset of each buffer that the plan gives memory to.
struct ArenaLayout {
  private(set) var offsets: [Int: Int] = [:]
  private(set) var byteCount = 0
  /// What no layout can do with less.
  private(set) var leastBytes = 0

  /// The time of `fitted` grows with the square of the number of blocks.
  private static let mostFitted = 1024
  /// That of `pieced` with the square of the number that lives in several pieces.
  private static let mostLasting = 1 << 14
  /// Blocks that begin in a piece.
  private static let pieceCount = 512
  private static let mostTries = 32
  private static let mostPieceTries = 8
  /// Comparisons of two blocks that another try may take.
  private static let tryBudget = 1 << 17

  /// Offsets for all blocks; nil when they take more than `limit` bytes.
  init?(_ blocks: [ArenaBlock], limit: Int) {
    // Numbers that add up beyond `limit` are not added up.
    guard blocks.allSatisfy({ $0.byteCount <= limit }) else { return nil }
    let least = Self.leastBytes(blocks)
    if least > limit { return nil }
    if blocks.count <= Self.mostFitted {
      let tries = min(Self.mostTries, Self.tryBudget / max(1, blocks.count * blocks.count))
      self = Self.fitted(blocks, among: [], least, tries: tries)
    } else {
      self = Self.pieced(blocks, least, limit)
    }
    leastBytes = least
    if byteCount > limit { return nil }
  }

  private init() {}

  /// The most bytes alive at one time.
  static func leastBytes(_ blocks: [ArenaBlock]) -> Int {
    let changes = blocks.flatMap { [($0.first, $0.byteCount), ($0.last + 1, -$0.byteCount)] }
    var (alive, most) = (0, 0)
    for (_, change) in changes.sorted(by: { $0 < $1 }) {
      alive += change
      most = max(most, alive)
    }
    return most
  }

  private typealias Placed = (block: ArenaBlock, begin: Int)

  /// Largest first, among `fixed`, which are in the order of their places. Where that leaves holes, the block that
  /// ended highest is placed before all others the next time.
  private static func fitted(
    _ blocks: [ArenaBlock], among fixed: [Placed], _ least: Int, tries: Int
  ) -> ArenaLayout {
    var order = blocks.sorted { a, b in
      (b.byteCount, a.first - a.last, a.buffer) < (a.byteCount, b.first - b.last, b.buffer)
    }
    var best = placed(&order, among: fixed)
    var i = 0
    while i < tries, best.byteCount - least > least / 50 {
      let next = placed(&order, among: fixed)
      if next.byteCount < best.byteCount { best = next }
      i += 1
    }
    return best
  }

  /// Each block in order at the lowest place that is free while it lives; the one that ends highest goes to the front.
  private static func placed(_ order: inout [ArenaBlock], among fixed: [Placed]) -> ArenaLayout {
    var layout = ArenaLayout()
    var highest = 0
    var taken = fixed
    taken.reserveCapacity(fixed.count + order.count)
    for (i, block) in order.enumerated() {
      var begin = 0
      for other in taken where other.block.meets(block) {
        if other.begin - begin >= block.byteCount { break }
        begin = max(begin, other.begin + other.block.byteCount)
      }
      let end = begin + block.byteCount
      if end > layout.byteCount { (layout.byteCount, highest) = (end, i) }
      layout.offsets[block.buffer] = begin
      let place = taken.firstIndex { $0.begin > begin } ?? taken.count
      taken.insert((block, begin), at: place)
    }
    if !order.isEmpty { order.insert(order.remove(at: highest), at: 0) }
    return layout
  }

  /// Piece after piece of time: first what lives in several of them, then what each has for itself, which meets nothing
  /// of the others.
  private static func pieced(_ blocks: [ArenaBlock], _ least: Int, _ limit: Int) -> ArenaLayout {
    let byBirth = blocks.sorted { ($0.first, $0.buffer) < ($1.first, $1.buffer) }
    var lasting: [ArenaBlock] = []
    var pieces: [[ArenaBlock]] = []
    for begin in stride(from: 0, to: byBirth.count, by: pieceCount) {
      let piece = byBirth[begin..<min(begin + pieceCount, byBirth.count)]
      let next = piece.endIndex < byBirth.count ? byBirth[piece.endIndex].first : Int.max
      lasting += piece.filter { $0.last >= next }
      pieces.append(piece.filter { $0.last < next })
    }
    guard lasting.count <= mostLasting else { return recycled(byBirth, limit) }
    var layout = fitted(lasting, among: [], least, tries: 0)
    let offsets = layout.offsets
    let byPlace = lasting.sorted { (offsets[$0.buffer] ?? 0) < (offsets[$1.buffer] ?? 0) }
    let taken = byPlace.map { (block: $0, begin: offsets[$0.buffer] ?? 0) }
    for piece in pieces { layout.add(piece, among: taken, least) }
    return layout
  }

  private mutating func add(_ piece: [ArenaBlock], among taken: [Placed], _ least: Int) {
    let first = piece.first?.first ?? 0
    let last = piece.reduce(first) { max($0, $1.last) }
    let alive = taken.filter { $0.block.first <= last && first <= $0.block.last }
    let own = Self.fitted(piece, among: alive, least, tries: Self.mostPieceTries)
    for (buffer, begin) in own.offsets { offsets[buffer] = begin }
    byteCount = max(byteCount, own.byteCount)
  }

  /// In order of time, each in the place of a dead one of its size class, or in a new place.
  private static func recycled(_ byBirth: [ArenaBlock], _ limit: Int) -> ArenaLayout {
    var byDeath = byBirth.sorted { ($0.last, $0.buffer) > ($1.last, $1.buffer) }
    var layout = ArenaLayout()
    var free: [Int: [Int]] = [:]
    for block in byBirth {
      while let dead = byDeath.last, dead.last < block.first, let place = layout.offsets[dead.buffer] {
        free[dead.sizeClass, default: []].append(place)
        byDeath.removeLast()
      }
      if let place = free[block.sizeClass]?.popLast() {
        layout.offsets[block.buffer] = place
      } else {
        layout.offsets[block.buffer] = layout.byteCount
        layout.byteCount += block.sizeClass
        if layout.byteCount > limit { return layout }
      }
    }
    return layout
  }
}

extension ArenaBlock {
  /// The size rounded up by at most a quarter, to one of four sizes between powers of two.
  fileprivate var sizeClass: Int {
    let size = max(byteCount, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 4)
    return (size + step - 1) / step * step
  }
}
