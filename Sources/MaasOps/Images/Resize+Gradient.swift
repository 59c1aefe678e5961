import MaasCore
import MaasGraph

extension Resize {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard node.wants(0) else { return }
    var inputs: [ValueID?] = [try node.gradient()]
    for i in 0..<node.inputCount { inputs.append(node.optionalInput(i)) }
    try node.contribute(node.add(ResizeGradient(self), inputs), to: 0)
  }
}

/// The gradient of input 0. Inputs: that of the output, then the operator's own.
///
/// Each dimension is a product with a matrix of weights, so its gradient is one with the transposed matrix.
private final class ResizeGradient: Operator {
  let name = "ResizeGradient"
  private let op: Resize

  init(_ op: Resize) { self.op = op }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 2..<node.inputs.count where node.has(i) { _ = try node.constant(i) }
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, x, dx) = (try node.input(0), try node.input(1), try node.output())
    guard dx.count > 0 else { return }
    if dy.count == 0 { return try node.emitFill(dx, try zero(dx.dtype)) }
    var changes: [ResizeAxis] = []
    try node.substituting(Array(node.inputs.dropFirst()), [dy]) { node throws(MaasError) in
      changes = try op.changes(node, x.shape, dy.shape)
    }
    if changes.isEmpty { return node.alias() }
    var current = try node.floating(dy)
    let target = try node.target(dx, current.dtype)
    for (i, axis) in op.order(changes).reversed().enumerated() {
      var shape = current.shape
      shape[axis.axis] = axis.input
      let next = i == changes.count - 1 ? target : try node.temporary(current.dtype, shape)
      try node.emitInterpolation(current, next, axis: axis.axis, op.transposedTable(axis), bounds: nil)
      current = next
    }
    node.narrow(target, into: dx)
  }
}

extension Resize {
  /// For each element of x the elements of y that it is part of, as many for each, and its weights there.
  fileprivate func transposedTable(_ axis: ResizeAxis) -> (taps: Int, places: [Int64], weights: [Double]) {
    var parts: [[(place: Int64, weight: Double)]] = Array(repeating: [], count: axis.input)
    let table = table(axis)
    let (begin, end) = axis.outside(transformation)
    for i in begin..<max(begin, axis.output - end) {
      for t in i * table.taps..<(i + 1) * table.taps where table.weights[t] != 0 {
        parts[Int(table.places[t])].append((Int64(i), table.weights[t]))
      }
    }
    let taps = max(2, (parts.reduce(0) { max($0, $1.count) } + 1) / 2 * 2)
    var (places, weights): ([Int64], [Double]) = ([], [])
    for part in parts {
      let unused = taps - part.count
      places += part.map { $0.place } + Array(repeating: part.first?.place ?? 0, count: unused)
      weights += part.map { $0.weight } + Array(repeating: 0, count: unused)
    }
    return (taps, places, weights)
  }

  private func table(_ axis: ResizeAxis) -> (taps: Int, places: [Int64], weights: [Double]) {
    guard mode == .nearest else { return filter.table(axis, transformation) }
    let places = axis.nearest(transformation, nearestMode)
    return (1, places, places.map { _ in 1 })
  }
}
