import CMaasKernels
import MaasCore
import MaasGraph

extension Conv {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard isLinear, node.inputCount < 4 else { throw MaasError(.unsupported, "the operator has no gradient") }
    try node.contribute(
      images: ConvDataGradient(convolution), weights: ConvWeightGradient(.convolution(convolution)))
  }
}

extension ConvTranspose {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    try node.contribute(
      images: ConvTransposeDataGradient(self), weights: ConvWeightGradient(.transposed(self)))
  }
}

extension Backward {
  /// The gradients of images, weights and bias, the first two by these operators.
  fileprivate mutating func contribute(images: any Operator, weights: any Operator) throws(MaasError) {
    let (dy, x, w) = (try gradient(), try input(0), try input(1))
    if wants(0) { try contribute(add(images, [dy, w, x]), to: 0) }
    if wants(1) { try contribute(add(weights, [dy, x, w]), to: 1) }
    if wants(2) { try contribute(add(ChannelSum(), [dy, try input(2)]), to: 2) }
  }
}

/// Inputs: dy, what the other factor was, and what the gradient is of, for its shape.
protocol ConvolutionGradient: Operator {}

extension ConvolutionGradient {
  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(2))
  }
}

/// The sum of dy [images, channels, ...] for each channel, with the shape of input 1.
final class ChannelSum: Operator {
  let name = "ChannelSum"

  func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let dy = try node.input(0)
    try node.emitReduce(MAAS_REDUCE_SUM, dy, try node.output(), dy.shape.indices.filter { $0 != 1 })
  }
}

/// The gradient of the images: a convolution of dy with the filters turned round, or, where the window steps, dy spread
/// by them.
final class ConvDataGradient: ConvolutionGradient {
  let name = "ConvDataGradient"
  private let convolution: Convolution

  init(_ convolution: Convolution) { self.convolution = convolution }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, w, dx) = (try node.input(0), try node.input(1), try node.output())
    guard dx.count > 0 else { return }
    let params = try convolution.params(dx.shape, w.shape, dy.shape)
    let target = try node.target(dx, dx.dtype.floating)
    let (from, weights) = (try node.floating(dy), try node.floating(w))
    let isDepthwise = params.groups == params.channels && params.groups == params.filters
    if dy.count == 0 || weights.count == 0 {
      try node.emitFill(target, try cast(try Tensor(.double, [], [0.0]), to: target.dtype))
    } else if target.dtype == .float, params.isDense || isDepthwise {
      try node.emitTurned(params, try node.spaced(from, params), weights, target)
    } else {
      let kernel = Array(w.shape[2...])
      let sizes = try convolution.window.sizes(rank: kernel.count, weights: kernel.map { .known($0) })
      let pads = [params.pad.0, params.pad.1, params.pad.2].suffix(kernel.count).map { Int($0) }
      try node.emitTransposedConvolution(from, weights, nil, target, convolution.group, sizes, pads: pads)
    }
    node.narrow(target, into: dx)
  }
}

extension maas_f32_conv_params {
  /// Whether the window moves by one element.
  fileprivate var isDense: Bool { stride.0 == 1 && stride.1 == 1 && stride.2 == 1 }
}

extension Lowering {
  /// dy with zeros between its elements, as many as the window steps over.
  fileprivate mutating func spaced(
    _ dy: Operand, _ params: maas_f32_conv_params
  ) throws(MaasError) -> Operand {
    if params.isDense { return dy }
    let (output, stride) = (spatialSizes(params.output), spatialSizes(params.stride))
    let shape = [dy.shape[0] * dy.shape[1]] + zip(output, stride).map { ($0 - 1) * $1 + 1 }
    let wide = try temporary(dy.dtype, shape)
    try emitFill(wide, try cast(try Tensor(.double, [], [0.0]), to: dy.dtype))
    let dims = [shape[0]] + output
    let strides = zip(contiguousStrides(shape), [1] + stride).map { $0 * $1 }
    try emitCopy(dy, wide, dims, xStrides: contiguousStrides(dims), yStrides: strides)
    return wide
  }

  /// dx as a convolution of `dy`, whose positions lie as densely as the images', with the filters turned round.
  fileprivate mutating func emitTurned(
    _ params: maas_f32_conv_params, _ dy: Operand, _ weights: Operand, _ dx: Operand
  ) throws(MaasError) {
    let kernel = spatialSizes(params.kernel)
    let (groups, taps) = (Int(params.groups), kernel.reduce(1, *))
    let (filters, channels) = (Int(params.filters) / groups, Int(params.channels) / groups)
    let turned = try temporary(.float, [groups, channels, filters, taps])
    try emitCopy(
      weights, turned, turned.shape, xStrides: [filters * channels * taps, taps, channels * taps, -1],
      yStrides: contiguousStrides(turned.shape), xOffset: taps - 1)
    var own = params
    (own.channels, own.filters) = (params.filters, params.channels)
    own.input = params.output
    own.output = params.input
    var (input, pads): ([Int], [Int]) = ([], [])
    let (stride, dilation, pad) = (
      spatialSizes(params.stride), spatialSizes(params.dilation), spatialSizes(params.pad)
    )
    for (d, size) in spatialSizes(params.output).enumerated() {
      input.append((size - 1) * stride[d] + 1)
      pads.append((kernel[d] - 1) * dilation[d] - pad[d])
    }
    assign(&own.input, input)
    assign(&own.pad, pads)
    assign(&own.stride, [1, 1, 1])
    if try emitDirectConvolution(own, dy, turned, nil, dx) { return }
    let split = maas_f32_conv_split(&own)
    emit(maas_f32_conv, [dy, turned, nil, nil, dx], own, split)
  }
}

private func spatialSizes(_ sizes: (Int64, Int64, Int64)) -> [Int] {
  [Int(sizes.0), Int(sizes.1), Int(sizes.2)]
}

/// The gradient of the images that a transposed convolution spread: a convolution of dy.
final class ConvTransposeDataGradient: ConvolutionGradient {
  let name = "ConvTransposeDataGradient"
  private let op: ConvTranspose

  init(_ op: ConvTranspose) { self.op = op }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, w, dx) = (try node.input(0), try node.input(1), try node.output())
    guard dx.count > 0 else { return }
    var params = try op.params(small: dx.shape, w.shape, large: dy.shape)
    let target = try node.target(dx, dx.dtype.floating)
    let operands: [Operand?] = [try node.floating(dy), try node.floating(w), nil]
    if target.dtype == .double {
      node.emitPlainConv(params, operands + [target], items: target.count / target.shape[target.rank - 1])
    } else {
      let split = maas_f32_conv_split(&params)
      node.emit(maas_f32_conv, operands + [nil, target], params, split)
    }
    node.narrow(target, into: dx)
  }
}

extension ConvTranspose {
  /// The convolution that this one is the transpose of, from the images it makes to those it takes.
  fileprivate func params(
    small: [Int], _ w: [Int], large: [Int]
  ) throws(MaasError) -> maas_f32_conv_params {
    let (input, kernel) = (small[2...].map { Dim.known($0) }, w[2...].map { Dim.known($0) })
    let spread = try spread(input, kernel)
    var params = maas_f32_conv_params()
    params.batch = Int64(small[0])
    (params.channels, params.filters, params.groups) = (Int64(large[1]), Int64(small[1]), Int64(group))
    assign(&params.input, spatial(Array(large[2...]), 1))
    assign(&params.output, spatial(Array(small[2...]), 1))
    assign(&params.kernel, spatial(Array(w[2...]), 1))
    assign(&params.stride, spatial(spread.sizes.strides, 1))
    assign(&params.dilation, spatial(spread.sizes.dilations, 1))
    assign(&params.pad, spatial(spread.begin, 0))
    return params
  }
}

/// The gradient of the weights.
final class ConvWeightGradient: ConvolutionGradient {
  enum Kind {
    case convolution(Convolution)
    case transposed(ConvTranspose)
  }

  let name = "ConvWeightGradient"
  private let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, x, dw) = (try node.input(0), try node.input(1), try node.output())
    guard dw.count > 0 else { return }
    var params = maas_f32_conv_weights_params()
    // What the window slides over, and what it makes.
    var sides = (try node.floating(x), try node.floating(dy))
    switch kind {
    case .convolution(let convolution): params.conv = try convolution.params(x.shape, dw.shape, dy.shape)
    case .transposed(let op):
      params.conv = try op.params(small: x.shape, dw.shape, large: dy.shape)
      sides = (sides.1, sides.0)
    }
    let target = try node.target(dw, dw.dtype.floating)
    if target.dtype == .double {
      let work = dy.count / max(1, dy.shape[1])
      node.emit(
        { convWeightsOfDoubles(Chunk($0, $1, $2, $3)) }, [sides.0, sides.1, target], params.conv,
        dtype: .double,
        items: target.count, grain: grain(nanoseconds: 3 * work))
    } else {
      let split = maas_f32_conv_weights_split(&params)
      let count = Int(maas_f32_conv_weights_sums(&params))
      guard count >= 0 else { throw MaasError(.limitExceeded, "the gradient of the weights is too large") }
      let sums = try node.temporary(.float, [count])
      node.emit(maas_f32_conv_weights, [sides.0, sides.1, sums], params, split)
      let finish = maas_f32_conv_weights_finish_split(&params)
      node.emit(maas_f32_conv_weights_finish, [sums, target], params, finish)
    }
    node.narrow(target, into: dw)
  }
}

/// x, dy, dw. Items are elements of dw.
private func convWeightsOfDoubles(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_conv_params.self)
  let (input, output) = (spatialSize(p.pointee.input), spatialSize(p.pointee.output))
  let kernel = spatialSize(p.pointee.kernel)
  let (groups, filters, channels) = (Int(p.pointee.groups), Int(p.pointee.filters), Int(p.pointee.channels))
  for item in chunk.begin..<chunk.end {
    let tap = (item / kernel.2 / kernel.1 % kernel.0, item / kernel.2 % kernel.1, item % kernel.2)
    let place = item / (kernel.0 * kernel.1 * kernel.2)
    let (channel, filter) = (place % (channels / groups), place / (channels / groups))
    let own = filter / (filters / groups) * (channels / groups) + channel
    var sum = 0.0
    for image in 0..<Int(p.pointee.batch) {
      let x = chunk.input(0, as: Double.self) + (image * channels + own) * input.0 * input.1 * input.2
      let dy = chunk.input(1, as: Double.self) + (image * filters + filter) * output.0 * output.1 * output.2
      for at in 0..<output.0 * output.1 * output.2 {
        let z =
          at / output.2 / output.1 * Int(p.pointee.stride.0) + tap.0 * Int(p.pointee.dilation.0)
          - Int(p.pointee.pad.0)
        let y =
          at / output.2 % output.1 * Int(p.pointee.stride.1) + tap.1 * Int(p.pointee.dilation.1)
          - Int(p.pointee.pad.1)
        let c =
          at % output.2 * Int(p.pointee.stride.2) + tap.2 * Int(p.pointee.dilation.2) - Int(p.pointee.pad.2)
        guard z >= 0, z < input.0, y >= 0, y < input.1, c >= 0, c < input.2 else { continue }
        sum += dy[at] * x[(z * input.1 + y) * input.2 + c]
      }
    }
    chunk.output(2, as: Double.self)[item] = sum
  }
  return StepStatus.ok
}

@inline(__always)
private func spatialSize(_ sizes: (Int64, Int64, Int64)) -> (Int, Int, Int) {
  (Int(sizes.0), Int(sizes.1), Int(sizes.2))
}
