import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits Y = (X - its zero point) * (W - its zero point), finished, for 8-bit integers X and W, to int32, float or
  /// 8-bit integers. Padding counts as zero. X has one zero point and one scale, W one of each or one for each
  /// filter.
  mutating func emitIntegerConvolution(
    _ convolution: Convolution, _ x: IntegerSide, _ w: IntegerSide, _ finish: IntegerFinish, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    let last = ChannelsLast.toLast(rank: y.rank)
    let image = IntegerSide(try transposed(x.x, last), x.zero)
    let made = try temporary(y.dtype, last.map { y.shape[$0] })
    var finish = finish
    if let residual = finish.residual { finish.residual = try transposed(residual, last) }
    try emitChannelsLastConvolution(convolution, image, w, finish, made)
    try emitTranspose(made, y, ChannelsLast.toFirst(rank: y.rank))
  }

  /// The same for images whose channels come last.
  mutating func emitChannelsLastConvolution(
    _ convolution: Convolution, _ x: IntegerSide, _ w: IntegerSide, _ finish: IntegerFinish, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    var params = maas_s8_conv_params()
    params.conv = try convolution.params(
      ChannelsLast.first(x.x.shape), w.x.shape, ChannelsLast.first(y.shape))
    params.finish = finish.params(x, w, to: y.dtype)
    let split = maas_s8_conv_split(&params)
    let panels = try bytePanels(w, params.conv)
    emit(maas_s8_conv, finish.operands(x, w, panels, y), params, split, dtype: x.x.dtype)
  }

  /// The weights in the kernel's layout: packed once if they are constant, else by a step of every run.
  private mutating func bytePanels(_ w: IntegerSide, _ conv: maas_f32_conv_params) throws(MaasError)
    -> Operand
  {
    var params = maas_s8_conv_pack_params()
    params.conv = conv
    params.is_signed = w.isSigned
    params.is_constant = w.x.constant != nil
    let split = maas_s8_conv_pack_split(&params)
    let bytes = withUnsafePointer(to: conv) { Int(maas_s8_conv_packed_bytes($0)) }
    guard bytes >= 0 else { throw MaasError(.limitExceeded, "the packed weights are too large") }
    guard w.x.constant == nil else {
      return try packed(
        w.x, layout: "s8_conv \(conv.path) \(conv.groups) \(w.isSigned)", byteCount: bytes, maas_s8_conv_pack,
        params,
        items: Int(split.items), grain: Int(split.grain))
    }
    let made = try temporary(.uint8, [bytes])
    emit(maas_s8_conv_pack, [made, w.x], params, split, dtype: w.x.dtype)
    return made
  }
}
