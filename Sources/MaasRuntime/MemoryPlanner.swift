import MaasCore
import MaasGraph

/// When each buffer of a draft is alive, and which buffers share their bytes because one is written over the other.
struct Liveness {
  struct Span {
    var first: Int
    var last: Int
  }

  /// Buffers whose bytes the next plan still needs.
  let kept: Set<Int>
  private var parent: [Int: Int] = [:]
  private var spans: [Int: Span] = [:]
  private var sizes: [Int: Int] = [:]

  init(_ draft: PlanBuilder, keeping kept: Set<Int>) {
    self.kept = kept
    for (i, node) in draft.nodes.enumerated() {
      for step in node.steps {
        for case .some(let operand) in step.operands { touch(operand.index, i, draft) }
      }
    }
    for buffer in kept { touch(buffer, draft.nodes.count, draft) }
  }

  /// Only memory of this plan, and the caller's for outputs, can be shared.
  private mutating func touch(_ buffer: Int, _ time: Int, _ draft: PlanBuilder) {
    switch draft.state.buffers[buffer].place {
    case .planned: sizes[buffer] = draft.state.buffers[buffer].byteCount
    case .placed(.output): break
    default: return
    }
    var span = spans[buffer] ?? Span(first: time, last: time)
    span.last = time
    spans[buffer] = span
  }

  mutating func root(_ buffer: Int) -> Int {
    var buffer = buffer
    while let next = parent[buffer] {
      // Halves the way for the next who asks.
      if let further = parent[next] { parent[buffer] = further }
      buffer = next
    }
    return buffer
  }

  /// Writes outputs over inputs that nobody reads afterwards.
  mutating func mergeInPlace(_ draft: PlanBuilder) {
    for (time, node) in draft.nodes.enumerated() {
      for pair in node.reusable where merge(pair.output, pair.input, time, draft) { break }
    }
  }

  private mutating func merge(_ output: Int, _ input: Int, _ time: Int, _ draft: PlanBuilder) -> Bool {
    let (o, i) = (root(output), root(input))
    guard o != i, let from = spans[i], let to = spans[o], from.last == time, to.first == time,
      case .planned = draft.state.buffers[i].place,
      draft.state.buffers[o].byteCount == draft.state.buffers[i].byteCount
    else { return false }
    parent[i] = o
    spans[i] = nil
    spans[o] = Span(first: from.first, last: to.last)
    return true
  }

  /// Offsets for all buffers of the arena; nil when they take more than `limit` bytes.
  func layOut(limit: Int) -> ArenaLayout? {
    // Numbers that add up beyond `limit` are not added up.
    guard sizes.values.allSatisfy({ $0 <= limit }) else { return nil }
    return sizes.count <= Self.mostFitted ? fitted(limit) : recycled(limit)
  }

  /// The time of `fitted` grows with the square of the number of buffers.
  private static let mostFitted = 4096

  /// Largest first, each at the lowest place that is free while it lives.
  private func fitted(_ limit: Int) -> ArenaLayout? {
    let order = sizes.keys.filter { spans[$0] != nil }.sorted { a, b in
      let (x, y) = (sizes[a] ?? 0, sizes[b] ?? 0)
      return x != y ? x > y : a < b
    }
    var layout = ArenaLayout()
    var placed: [(span: Span, begin: Int, end: Int)] = []
    for buffer in order {
      guard let span = spans[buffer], let size = sizes[buffer] else { continue }
      let bytes = (size + 63) / 64 * 64
      let busy = placed.filter { $0.span.first <= span.last && span.first <= $0.span.last }
      let begin = ArenaLayout.firstGap(busy.map { ($0.begin, $0.end) }, bytes)
      placed.append((span, begin, begin + bytes))
      layout.offsets[buffer] = begin
      layout.byteCount = max(layout.byteCount, begin + bytes)
      if layout.byteCount > limit { return nil }
    }
    return layout
  }

  /// In order of time, each in the place of a dead one of its size class, or in a new place.
  private func recycled(_ limit: Int) -> ArenaLayout? {
    let alive = sizes.keys.compactMap { buffer in spans[buffer].map { (buffer: buffer, span: $0) } }
    let byBirth = alive.sorted { ($0.span.first, $0.buffer) < ($1.span.first, $1.buffer) }
    var byDeath = alive.sorted { ($0.span.last, $0.buffer) > ($1.span.last, $1.buffer) }
    var layout = ArenaLayout()
    var free: [Int: [Int]] = [:]
    for (buffer, span) in byBirth {
      while let dead = byDeath.last, dead.span.last < span.first, let place = layout.offsets[dead.buffer] {
        free[sizeClass(dead.buffer), default: []].append(place)
        byDeath.removeLast()
      }
      let bytes = sizeClass(buffer)
      if let place = free[bytes]?.popLast() {
        layout.offsets[buffer] = place
      } else {
        layout.offsets[buffer] = layout.byteCount
        layout.byteCount += bytes
        if layout.byteCount > limit { return nil }
      }
    }
    return layout
  }

  /// The size rounded up by at most a quarter, to one of four sizes between powers of two.
  private func sizeClass(_ buffer: Int) -> Int {
    let size = max(sizes[buffer] ?? 0, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 4)
    return (size + step - 1) / step * step
  }
}

/// The offset of each buffer that the plan gives memory to.
struct ArenaLayout {
  var offsets: [Int: Int] = [:]
  var byteCount = 0

  /// The lowest offset where `bytes` fit between the taken ranges.
  static func firstGap(_ taken: [(begin: Int, end: Int)], _ bytes: Int) -> Int {
    var candidate = 0
    for range in taken.sorted(by: { $0.begin < $1.begin }) {
      if range.begin - candidate >= bytes { return candidate }
      candidate = max(candidate, range.end)
    }
    return candidate
  }
}
