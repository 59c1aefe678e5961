import MaasCore
import MaasGraph

/// The memory of what nodes make, in the symbols of the inputs.
struct LiveMemory {
  /// All of it, as if nothing were ever given back.
  private(set) var sum = Dim.known(0)
  /// What is alive while a node runs, for the nodes at which it may be most: each may be larger than the others for
  /// some sizes from 1 on. The largest for large sizes comes first. In the order of the model, nothing fused, no
  /// output in the memory of an input, no padding.
  private(set) var peaks: [Dim] = []
  /// Values without a size: their memory is not counted.
  private(set) var unsized = 0

  init(_ model: InspectedModel) {
    let lastUse = LiveMemory.lastUses(model.graph)
    var alive = Dim.known(0)
    for (time, node) in model.graph.nodes.enumerated() {
      let made = node.outputs.compactMap { $0 }
      for id in made {
        guard let bytes = model.fact(id)?.byteCount else {
          unsized += 1
          continue
        }
        sum = sum + bytes
        alive = alive + bytes
      }
      remember(alive)
      for id in lastUse[time] ?? [] { alive = alive - (model.fact(id)?.byteCount ?? .known(0)) }
    }
    peaks.sort { $0.value(symbols: 256) > $1.value(symbols: 256) }
  }

  private mutating func remember(_ alive: Dim) {
    if peaks.contains(where: { ($0 - alive).isNeverNegativeForRealSizes }) { return }
    peaks.removeAll { (alive - $0).isNeverNegativeForRealSizes }
    peaks.append(alive)
  }

  /// By time, the values that nobody reads after it.
  private static func lastUses(_ graph: Graph) -> [Int: [ValueID]] {
    var last: [ValueID: Int] = [:]
    for (time, node) in graph.nodes.enumerated() {
      for id in node.outputs.compactMap({ $0 }) { last[id] = time }
      for id in node.inputs.compactMap({ $0 }) where last[id] != nil { last[id] = time }
    }
    for output in graph.outputs { last[output] = nil }
    var dying: [Int: [ValueID]] = [:]
    for (id, time) in last { dying[time, default: []].append(id) }
    return dying
  }
}

extension Fact {
  /// Nil where the size follows from nothing known.
  var byteCount: Dim? {
    guard container == nil, isComplete, let shape else { return nil }
    if dtype.bitWidth >= 8 { return shape.count * .known(dtype.byteWidth) }
    return (shape.count * .known(dtype.bitWidth) + .known(7)).floorDivided(by: 8)
  }
}
