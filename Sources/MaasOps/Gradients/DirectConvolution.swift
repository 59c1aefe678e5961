import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a convolution of floats whose weights every run packs again; false, and nothing, where it is not faster.
  mutating func emitDirectConvolution(
    _ conv: maas_f32_conv_params, _ x: Operand, _ weights: Operand, _ bias: Operand?, _ y: Operand
  ) throws(MaasError) -> Bool {
    guard withUnsafePointer(to: conv, { maas_f32_conv_direct_pays($0) }) else { return false }
    var params = maas_f32_conv_direct_params()
    params.conv = conv
    let split = maas_f32_conv_direct_split(&params)
    let count = Int(maas_f32_conv_direct_packed(&params))
    guard count >= 0 else { throw MaasError(.limitExceeded, "the packed weights are too large") }
    let packed = try temporary(.float, [count])
    emit(maas_f32_conv_direct_pack, [packed, weights], params, maas_f32_conv_direct_pack_split(&params))
    emit(maas_f32_conv_direct, [x, packed, bias, y], params, split)
    return true
  }
}
