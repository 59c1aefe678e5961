import MaasCore
import MaasGraph

/// A convolution whose taps are moved by offsets that an input gives, and weighted by a mask: bilinear samples make the
/// columns of a product.
package final class DeformConv: ReadableOperator {
  package let name = "DeformConv"
  private let window: Window
  private let group: Int
  private let offsetGroup: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    group = try reader.int("group", default: 1, 1...1 << 30)
    offsetGroup = try reader.int("offset_group", default: 1, 1...1 << 30)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...5)
    try node.expectDType(0, DType.floats)
    for i in 1..<5 where node.has(i) { try node.expectSameDType(0, i) }
    let dtype = try node.dtype(0)
    guard let x = try node.shape(0), let w = try node.shape(1) else {
      return node.setOutput(0, dtype, try node.unknownShape(like: 0..<2))
    }
    try node.expectMinimumRank(0, 3)
    for i in [1, 2, 4] where node.has(i) { try node.expectRank(i, x.count) }
    try checkGroups(x[1], w)
    let sizes = try window.sizes(rank: x.count - 2, weights: Array(w[2...]))
    let output = try window.output(Array(x[2...]), sizes)
    let taps = .known(offsetGroup) * Shape(sizes.kernel).count
    try node.expectShape(2, [x[0], taps * .known(output.count)] + output)
    try node.expectShape(3, [w[0]])
    try node.expectShape(4, [x[0], taps] + output)
    node.setOutput(0, dtype, [x[0], w[0]] + output)
  }

  private func checkGroups(_ channels: Dim, _ w: [Dim]) throws(MaasError) {
    _ = try unified(w[1] * .known(group), channels, "the channels of the weights and the input")
    let counts = [(w[0], group, "filters"), (channels, offsetGroup, "channels")]
    for (count, groups, what) in counts {
      guard let count = count.value, count % groups != 0 else { continue }
      throw MaasError(
        .shapeMismatch, "the \(what) do not divide into the groups", expected: "a multiple of \(groups)",
        found: "\(count)")
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let wide = try node.floating(x)
    let columns = try columns(&node, wide, Array(w.shape[2...]), Array(y.shape[2...]))
    let target = try node.target(y, wide.dtype)
    let filters = w.shape[0] / group
    var product = MatrixProduct(
      m: filters, n: y.shape[2...].reduce(1, *), k: w.shape[1...].reduce(1, *))
    product.setGroups(group, images: x.shape[0])
    let (weights, bias) = (try node.floating(w), try node.floatingOptional(3))
    if wide.dtype == .float {
      (product.cRow, product.cBatch) = (1, [0, filters])
      try node.emitProduct(product, weights, columns, bias, nil, target)
    } else {
      try node.emitPlainProduct(product, weights, columns, nil, target)
      if let bias { try node.emitAddition(bias, ofChannelsTo: target) }
    }
    node.narrow(target, into: y)
  }

  /// [images, channels, taps, positions of the output]
  private func columns(
    _ node: inout Lowering, _ x: Operand, _ kernel: [Int], _ output: [Int]
  ) throws(MaasError) -> Operand {
    let (rank, input) = (kernel.count, Array(x.shape[2...]))
    let sizes = try window.sizes(rank: rank, weights: kernel.map { .known($0) })
    let (taps, positions) = (kernel.reduce(1, *), output.reduce(1, *))
    let sampling = SamplingParams(
      batch: x.shape[0] * offsetGroup, channels: x.shape[1] / offsetGroup, volume: input.reduce(1, *),
      points: taps * positions, taps: SampleMode.linear.taps(rank))
    try node.expectVolume(sampling.volume)
    let places = try node.temporary(.int32, [sampling.batch, sampling.points, sampling.taps])
    let weights = try node.temporary(x.dtype, places.shape)
    let params = DeformParams(
      rank: rank, taps: taps, positions: positions, input: inlineSizes(input), output: inlineSizes(output),
      kernel: inlineSizes(kernel), strides: inlineSizes(sizes.strides),
      dilations: inlineSizes(sizes.dilations), pads: inlineSizes(window.pads(input, output, sizes).begin))
    let offsets = try node.floating(try node.input(2))
    node.emit(
      { dispatch(DeformKernel.self, Chunk($0, $1, $2, $3)) },
      [offsets, try node.floatingOptional(4), places, weights], params, dtype: x.dtype,
      items: sampling.batch * sampling.points, grain: grain(nanoseconds: 40))
    let columns = try node.temporary(x.dtype, [x.shape[0], x.shape[1], taps, positions])
    node.emitSampling(x, places, weights, columns, sampling)
    return columns
  }
}

extension Lowering {
  fileprivate mutating func emitAddition(_ bias: Operand, ofChannelsTo y: Operand) throws(MaasError) {
    let spread = [bias.count] + [Int](repeating: 1, count: y.rank - 2)
    try emitBinary(.add, y, try Operand(bias.buffer, bias.dtype, spread), y)
  }
}

private struct DeformParams {
  let rank, taps, positions: Int
  let input, output, kernel, strides, dilations, pads: InlineArray<3, Int>
}

/// offsets [groups, taps, rank, positions], mask [groups, taps, positions] or NULL, places, weights. Items are the
/// samples: positions of taps of groups.
private enum DeformKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(DeformParams.self).pointee
    let count = SampleMode.linear.taps(p.rank)
    for item in chunk.begin..<chunk.end {
      let tap = item / p.positions
      let offsets = chunk.input(0, as: T.self) + tap * p.rank * p.positions
      var (position, k) = (item % p.positions, tap % p.taps)
      var neighbours = Neighbours<T>()
      for d in (0..<p.rank).reversed() {
        let start = position % p.output[d] * p.strides[d] - p.pads[d] + k % p.kernel[d] * p.dilations[d]
        let x = T(start) + offsets[d * p.positions + item % p.positions]
        neighbours.set(d, x, p.input[d], .linear, .zeros, corners: true)
        (position, k) = (position / p.output[d], k / p.kernel[d])
      }
      let mask = chunk.optional(1, as: T.self)?[item] ?? 1
      neighbours.store(
        p.input, p.rank, .linear, mask, chunk.output(2, as: Int32.self) + item * count,
        chunk.output(3, as: T.self) + item * count)
    }
    return StepStatus.ok
  }
}
