import CMaasKernels
import MaasCore
import MaasGraph

extension Conv {
  /// The operator with channels last. Its weights, in ONNX's order, must be constant floats, and its images float.
  package var channelsLast: ChannelsLast {
    ChannelsLast(self, images: [0, 3]) { [self] node throws(MaasError) in
      let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
      guard y.count > 0 else { return }
      var params = try params(ChannelsLast.first(x.shape), w.shape, ChannelsLast.first(y.shape))
      let split = maas_f32_conv_nhwc_split(&params)
      let panels = try node.panels(w, params)
      if node.optionalInput(3) != nil { node.mayReuse(input: 3) }
      node.emit(
        maas_f32_conv_nhwc, [x, panels, node.optionalInput(2), node.optionalInput(3), y], params, split)
    }
  }
}

extension Lowering {
  /// The weights of a channels-last convolution in the kernel's layout.
  fileprivate mutating func panels(_ w: Operand, _ conv: maas_f32_conv_params) throws(MaasError) -> Operand {
    var params = maas_f32_conv_nhwc_pack_params()
    params.conv = conv
    let split = maas_f32_conv_nhwc_pack_split(&params)
    let bytes = withUnsafePointer(to: conv) { Int(maas_f32_conv_nhwc_packed_bytes($0)) }
    guard bytes >= 0 else { throw MaasError(.limitExceeded, "the packed weights are too large") }
    return try packed(
      w, layout: "f32_conv_nhwc \(conv.path) \(conv.groups)", byteCount: bytes, maas_f32_conv_nhwc_pack,
      params,
      items: Int(split.items), grain: Int(split.grain))
  }
}

extension ConvTranspose {
  /// The operator with channels last, for one group, float images and constant weights.
  package var channelsLast: ChannelsLast {
    ChannelsLast(self) { [self] node throws(MaasError) in
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

extension Pool {
  /// The operator with channels last, for float images and without indices.
  package var channelsLast: ChannelsLast? {
    guard exponent == nil else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in
      let (x, y) = (try node.input(0), try node.output())
      let params = try params(ChannelsLast.first(x.shape), ChannelsLast.first(y.shape))
      let split = withUnsafePointer(to: params) { maas_f32_pool_nhwc_split($0) }
      node.emit(maas_f32_pool_nhwc, [x, y], params, split)
    }
  }
}

extension GlobalPool {
  package var channelsLast: ChannelsLast {
    ChannelsLast(self) { [self] node throws(MaasError) in
      try emit(&node, axes: Array(1..<(try node.input(0).rank - 1)))
    }
  }
}

extension BatchNormalization {
  /// The operator with channels last; nil in training, and where factors are not those of channels.
  package var channelsLast: ChannelsLast? {
    guard !isTraining, isSpatial else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in try lowerChannelsLast(&node) }
  }
}

extension Resize {
  package var channelsLast: ChannelsLast {
    ChannelsLast(self) { [self] node throws(MaasError) in try lower(&node, channelsLast: true) }
  }
}
