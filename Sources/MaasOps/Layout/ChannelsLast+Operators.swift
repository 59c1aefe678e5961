import CMaasKernels
import MaasCore
import MaasGraph

extension Conv {
  package var channelsLast: (any Operator)? {
    ChannelsLast(self, images: [0, 3]) { [self] node throws(MaasError) in
      let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
      guard y.count > 0 else { return }
      var params = try params(ChannelsLast.first(x.shape), w.shape, ChannelsLast.first(y.shape))
      let split = maas_f32_conv_nhwc_split(&params)
      let panels = try node.panels(w, params)
      node.mayReuseAlone(3)
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

extension Pool {
  package var channelsLast: (any Operator)? {
    guard exponent == nil else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in
      let (x, y) = (try node.input(0), try node.output())
      var params = try params(ChannelsLast.first(x.shape), ChannelsLast.first(y.shape))
      params.is_signed = x.dtype == .int8
      let split = withUnsafePointer(to: params) { maas_f32_pool_nhwc_split($0) }
      let isBytes = x.dtype == .int8 || x.dtype == .uint8
      node.emit(isBytes ? maas_s8_pool_nhwc : maas_f32_pool_nhwc, [x, y], params, split, dtype: x.dtype)
    }
  }
}

extension GlobalPool {
  package var channelsLast: (any Operator)? {
    ChannelsLast(self) { [self] node throws(MaasError) in
      try emit(&node, axes: Array(1..<(try node.input(0).rank - 1)))
    }
  }
}

extension BatchNormalization {
  package var channelsLast: (any Operator)? {
    guard !isTraining, isSpatial else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in try lowerChannelsLast(&node) }
  }
}

extension Reduce {
  package var channelsLast: (any Operator)? {
    guard keepsDims else { return nil }
    return ChannelsLast(self) { [self] node throws(MaasError) in
      let (x, y) = (try node.input(0), try node.output())
      let axes = try axes(node, input: 1, rank: x.rank)
      try node.emitReduce(
        row.op, x, y, axes.compactMap { ChannelsLast.toLast(rank: x.rank).firstIndex(of: $0) })
    }
  }
}

extension Pad {
  package var channelsLast: (any Operator)? {
    ChannelsLast(self) { [self] node throws(MaasError) in try emit(&node) { ChannelsLast.last($0) } }
  }
}
