import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a convolution of doubles. Items are rows of the output.
  mutating func emitPlainConv(_ params: maas_f32_conv_params, _ operands: [Operand?], items: Int) {
    let work = params.channels / params.groups * params.kernel.0 * params.kernel.1 * params.kernel.2
    emit(
      { convOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double, items: items,
      grain: grain(nanoseconds: Int(clamping: 2 * work &* params.output.2)))
  }
}

/// x, w, bias or NULL, y.
private func convOfDoubles(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_conv_params.self)
  let bias = chunk.optional(2, as: Double.self)
  let (depth, height, width) = (Int(p.pointee.output.0), Int(p.pointee.output.1), Int(p.pointee.output.2))
  for item in chunk.begin..<chunk.end {
    let plane = item / (depth * height)
    let filter = plane % Int(p.pointee.filters)
    let row = chunk.output(3, as: Double.self) + item * width
    for column in 0..<width {
      let at = (item / height % depth, item % height, column)
      row[column] = (bias?[filter] ?? 0) + taps(chunk, p, plane, at)
    }
  }
  return StepStatus.ok
}

/// The sum over channels and kernel for one element of the output.
private func taps(
  _ chunk: Chunk, _ p: UnsafePointer<maas_f32_conv_params>, _ plane: Int, _ at: (Int, Int, Int)
) -> Double {
  let (filters, groups, channels) = (Int(p.pointee.filters), Int(p.pointee.groups), Int(p.pointee.channels))
  let (image, filter) = (plane / filters, plane % filters)
  let size = (Int(p.pointee.input.0), Int(p.pointee.input.1), Int(p.pointee.input.2))
  let kernel = (Int(p.pointee.kernel.0), Int(p.pointee.kernel.1), Int(p.pointee.kernel.2))
  let perGroup = channels / groups
  let firstChannel = filter / (filters / groups) * perGroup
  let x = chunk.input(0, as: Double.self) + (image * channels + firstChannel) * size.0 * size.1 * size.2
  let w = chunk.input(1, as: Double.self) + filter * perGroup * kernel.0 * kernel.1 * kernel.2
  var sum = 0.0
  for tap in 0..<perGroup * kernel.0 * kernel.1 * kernel.2 {
    let (i, j, k) = (tap / kernel.2 / kernel.1 % kernel.0, tap / kernel.2 % kernel.1, tap % kernel.2)
    let d = at.0 * Int(p.pointee.stride.0) + i * Int(p.pointee.dilation.0) - Int(p.pointee.pad.0)
    let h = at.1 * Int(p.pointee.stride.1) + j * Int(p.pointee.dilation.1) - Int(p.pointee.pad.1)
    let c = at.2 * Int(p.pointee.stride.2) + k * Int(p.pointee.dilation.2) - Int(p.pointee.pad.2)
    guard d >= 0, d < size.0, h >= 0, h < size.1, c >= 0, c < size.2 else { continue }
    let channel = tap / (kernel.0 * kernel.1 * kernel.2)
    sum += x[((channel * size.0 + d) * size.1 + h) * size.2 + c] * w[tap]
  }
  return sum
}
