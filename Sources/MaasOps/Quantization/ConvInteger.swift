import CMaasKernels
import MaasCore
import MaasGraph

/// Convolution of 8-bit integers less their zero points, in int32. Padding counts as zero.
package final class ConvInteger: ReadableOperator {
  package let name = "ConvInteger"
  private let convolution: Convolution

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    convolution = try Convolution(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectBytes(x: 0, xZero: 2)
    try node.expectBytes(x: 1, xZero: 3)
    if node.has(2) { try node.expectElement(2) }
    if node.has(3) { try node.expectPerFilter(3, w: 1) }
    node.setOutput(0, .int32, try convolution.shape(&node, x: 0, w: 1, bias: 3))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = IntegerSide(try node.input(0), node.optionalInput(2))
    let w = IntegerSide(try node.input(1), node.optionalInput(3))
    try node.emitIntegerConv(convolution, x, w, try node.output())
  }
}

/// Convolution of quantized tensors: saturate(round((X * W + B) (x_scale w_scale / y_scale)) + y's zero point), where
/// X and W are less their zero points.
package final class QLinearConv: ReadableOperator {
  package let name = "QLinearConv"
  private let convolution: Convolution

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    convolution = try Convolution(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(8...9)
    try node.expectBytes(x: 0, xZero: 2)
    try node.expectBytes(x: 3, xZero: 5)
    for i in [1, 4, 6] { try node.expectDType(i, [.float]) }
    try node.expectDType(7, [.uint8, .int8])
    if node.has(8) {
      try node.expectDType(8, [.int32])
      try node.expectRank(8, 1)
    }
    for i in [1, 2, 6, 7] { try node.expectElement(i) }
    for i in [4, 5] { try node.expectPerFilter(i, w: 3) }
    node.setOutput(0, try node.dtype(7), try convolution.shape(&node, x: 0, w: 3, bias: 8))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(3), try node.output())
    guard y.count > 0 else { return }
    let sums = try node.temporary(.int32, y.shape)
    try node.emitIntegerConv(
      convolution, IntegerSide(x, try node.input(2)), IntegerSide(w, try node.input(5)), sums)
    let perFilter = [w.shape[0]] + w.shape[2...].map { _ in 1 }
    if let bias = node.optionalInput(8) {
      try node.emitBinary(.add, sums, try bias.viewed(perFilter), sums)
    }
    let wide = try node.converted(sums, .float)
    var scale = try node.input(4)
    if scale.count > 1 { scale = try scale.viewed(perFilter) }
    try node.emitRequantize(
      wide, try node.input(1).viewed([]), scale, try node.input(6).viewed([]),
      try node.input(7).viewed([]), y)
  }
}

extension Inference {
  /// Requires 8-bit integers, and a zero point of their type if there is one.
  fileprivate func expectBytes(x i: Int, xZero j: Int) throws(MaasError) {
    try expectDType(i, [.uint8, .int8])
    if has(j) { try expectSameDType(i, j) }
  }
}

extension Inference {
  /// Requires one number, or one for each filter.
  fileprivate func expectPerFilter(_ i: Int, w j: Int) throws(MaasError) {
    guard let own = try input(i).shape?.count.value, let filters = try shape(j)?.first?.value, own != 1,
      own != filters
    else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) does not fit the weights", expected: "1 element, or \(filters)",
      found: "\(own)")
  }
}

extension Lowering {
  /// Emits y = X * W in int32 as a product of the filters with a matrix of patches of X.
  fileprivate mutating func emitIntegerConv(
    _ convolution: Convolution, _ x: IntegerSide, _ w: IntegerSide, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    let filters = w.x.shape[0]
    let (images, groups) = (y.shape[0], convolution.group)
    var product = MatrixProduct(
      m: filters / groups, n: y.shape[2...].reduce(1, *), k: w.x.shape[1...].reduce(1, *))
    product.batch = [images, groups]
    product.aBatch = [0, 1]
    product.bBatch = [groups, 1]
    product.yBatch = [groups, 1]
    product.bCount = images * groups
    let patches = try patches(
      try convolution.params(x.x.shape, w.x.shape, y.shape), x, rows: images * groups * product.k, product.n)
    try emitIntegerProduct(product, w, patches, IntegerFinish(), y)
  }

  /// X as the matrix [image, channel, place in the window] x [place in the output]; X itself where they are the same.
  private mutating func patches(
    _ params: maas_f32_conv_params, _ x: IntegerSide, rows: Int, _ columns: Int
  ) throws(MaasError) -> IntegerSide {
    let isWhole =
      params.kernel == (1, 1, 1) && params.stride == (1, 1, 1) && params.pad == (0, 0, 0)
      && params.input == params.output
    if isWhole { return x }
    let made = try temporary(x.x.dtype, [rows, columns])
    emit(
      { patchRows(Chunk($0, $1, $2, $3)) }, [x.x, x.zero, made], params, dtype: x.x.dtype, items: rows,
      grain: grain(nanoseconds: Int(clamping: columns)))
    return IntegerSide(made, x.zero)
  }
}

/// x, zero point or NULL, y. Items are rows of y.
private func patchRows(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_conv_params.self).pointee
  let (x, y) = (chunk.input(0, as: UInt8.self), chunk.output(2, as: UInt8.self))
  let zero = chunk.optional(1, as: UInt8.self)?.pointee ?? 0
  let (depth, height, width) = (Int(p.output.0), Int(p.output.1), Int(p.output.2))
  let window = (Int(p.kernel.0), Int(p.kernel.1), Int(p.kernel.2))
  let plane = Int(p.input.0 * p.input.1 * p.input.2)
  for row in chunk.begin..<chunk.end {
    let from = x + row / (window.0 * window.1 * window.2) * plane
    let (d, h, w) = (row / (window.1 * window.2) % window.0, row / window.2 % window.1, row % window.2)
    for line in 0..<depth * height {
      let z = Int(p.stride.0) * (line / height) + d * Int(p.dilation.0) - Int(p.pad.0)
      let v = Int(p.stride.1) * (line % height) + h * Int(p.dilation.1) - Int(p.pad.1)
      let to = y + (row * depth * height + line) * width
      let isInside = z >= 0 && z < Int(p.input.0) && v >= 0 && v < Int(p.input.1)
      let line = isInside ? from + (z * Int(p.input.1) + v) * Int(p.input.2) : nil
      patchLine(line, Int(p.input.2), w * Int(p.dilation.2) - Int(p.pad.2), Int(p.stride.2), zero, to, width)
    }
  }
  return StepStatus.ok
}

/// Every `stride`-th element of a line of `size` from `first` on; `zero` where it has none.
private func patchLine(
  _ line: UnsafePointer<UInt8>?, _ size: Int, _ first: Int, _ stride: Int, _ zero: UInt8,
  _ to: UnsafeMutablePointer<UInt8>, _ count: Int
) {
  guard let line else { return to.update(repeating: zero, count: count) }
  for i in 0..<count {
    let at = first + i * stride
    to[i] = at >= 0 && at < size ? line[at] : zero
  }
}
