import CMaasKernels
import MaasCore
import MaasGraph

extension Expand {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    try node.contributeBroadcast(try node.gradient(), to: 0)
  }
}

extension Tile {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var inputs: [ValueID?] = [try node.gradient(), try node.input(0)]
    for i in 1..<node.inputCount { inputs.append(node.optionalInput(i)) }
    try node.contribute(node.add(TileGradient(self), inputs), to: 0)
  }
}

/// The sum of the copies, of the shape of input 1, that input 0 is made of. Behind them Tile's other inputs.
private final class TileGradient: Operator {
  let name = "TileGradient"
  private let tile: Tile

  init(_ tile: Tile) { self.tile = tile }

  func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, dx) = (try node.input(0), try node.output())
    if dy.shape == dx.shape { return node.alias() }
    if dy.count == 0 { return try node.emitFill(dx, try zero(dx.dtype)) }
    var (dims, axes): ([Int], [Int]) = ([], [])
    for (size, whole) in zip(dx.shape, dy.shape) {
      if whole != size { axes.append(dims.count) }
      dims += whole == size ? [size] : [whole / size, size]
    }
    try node.emitReduce(MAAS_REDUCE_SUM, try dy.reshaped(dims), dx, axes)
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    var inputs: [ValueID?] = [try node.gradient()]
    for i in 2..<node.inputCount { inputs.append(node.optionalInput(i)) }
    try node.contribute(node.add(tile, inputs), to: 0)
  }
}
