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

  /// What needs a place in the arena.
  var blocks: [ArenaBlock] {
    sizes.compactMap { buffer, size in
      spans[buffer].map { ArenaBlock(buffer: buffer, first: $0.first, last: $0.last, byteCount: size) }
    }
  }
}
