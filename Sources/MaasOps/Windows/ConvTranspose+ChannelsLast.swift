import CMaasKernels
import MaasCore
import MaasGraph

extension ConvTranspose {
  package var channelsLast: (any Operator)? {
    guard group == 1 else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in
      let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
      guard y.count > 0 else { return }
      let (input, kernel) = (Array(x.shape[1..<x.rank - 1]), Array(w.shape[2...]))
      let spread = try spread(input.map { .known($0) }, kernel.map { .known($0) })
      var params = maas_f32_conv_params()
      (params.batch, params.channels) = (Int64(x.shape[0]), Int64(w.shape[0]))
      (params.filters, params.groups) = (Int64(w.shape[1]), 1)
      assign(&params.input, spatial(input, 1))
      assign(&params.output, spatial(Array(y.shape[1..<y.rank - 1]), 1))
      assign(&params.kernel, spatial(kernel, 1))
      assign(&params.stride, spatial(spread.sizes.strides, 1))
      assign(&params.dilation, spatial(spread.sizes.dilations, 1))
      assign(&params.pad, spatial(spread.begin, 0))
      let columns = try node.temporary(
        .float, [x.shape[0]] + input + kernel + [w.shape[1]])
      try node.emitTaps(x, w, taps: kernel.reduce(1, *), columns)
      let split = withUnsafePointer(to: params) { maas_f32_fold_nhwc_split($0) }
      node.emit(maas_f32_fold_nhwc, [columns, node.optionalInput(2), y], params, split)
    }
  }
}

extension Lowering {
  /// Emits the product of every position of x with the weights [channels, filters, taps] of every tap: [position, tap,
  /// filter].
  fileprivate mutating func emitTaps(
    _ x: Operand, _ w: Operand, taps: Int, _ columns: Operand
  ) throws(MaasError) {
    let (channels, filters) = (w.shape[0], w.shape[1])
    var product = MatrixProduct(m: channels > 0 ? x.count / channels : 0, n: filters, k: channels)
    (product.bRow, product.bColumn, product.bStep) = (filters * taps, taps, 1)
    product.yRow = taps * filters
    (product.batch, product.aBatch, product.bBatch, product.yBatch) = ([taps], [0], [1], [1])
    product.yStep = filters
    product.bCount = taps
    try emitProduct(product, x, w, nil, nil, columns)
  }
}
