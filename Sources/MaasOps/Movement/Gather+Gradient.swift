import CMaasKernels
import MaasCore
import MaasGraph

extension Gather {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let (dy, indices) = (try node.gradient(), try node.input(1))
    try node.contribute(node.add(GatherGradient(axis: axis), [dy, indices, try node.input(0)]), to: 0)
  }
}

extension GatherElements {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeMoved(self) }
}

extension GatherND {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeMoved(self) }
}

/// Zeros in the shape of input 2, to which slices of input 0 are added where the indices of input 1 say.
///
/// Rows of the result are dealt out to threads; each adds up what goes there in the order of the indices.
private final class GatherGradient: Operator {
  let name = "GatherGradient"
  private let axis: Int

  init(axis: Int) { self.axis = axis }

  func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, try node.dtype(0), try node.shape(2))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, indices, dx) = (try node.floating(try node.input(0)), try node.input(1), try node.output())
    let axis = try normalized(axis: axis, rank: dx.rank)
    let target = try node.target(dx, dy.dtype)
    var params = maas_scatter_sum_params()
    (params.size, params.index_size) = (Int32(dy.dtype.byteWidth), Int32(indices.dtype.byteWidth))
    params.outer = Int64(dx.shape[..<axis].reduce(1, *))
    params.axis = Int64(dx.shape[axis])
    params.inner = Int64(dx.shape[(axis + 1)...].reduce(1, *))
    params.count = Int64(indices.count)
    let split = maas_scatter_sum_split(&params)
    node.emit(maas_scatter_sum, [dy, indices, target], params, split, dtype: dy.dtype)
    node.narrow(target, into: dx)
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(1)]
    try node.contribute(node.add(Gather(axis: axis), inputs), to: 0)
  }
}
