import MaasCore
import MaasGraph

/// The transpose of a convolution over 1 to 3 spatial dimensions: every element of the input spreads a filter, and
/// what overlaps is added. A product makes the columns of all taps, a fold adds them up.
package final class ConvTranspose: ReadableOperator {
  package let name = "ConvTranspose"
  let window: Window
  let group: Int
  private let outputPadding: [Int]?
  private let outputShape: [Int]?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    group = try reader.int("group", default: 1, 1...1 << 30)
    outputPadding = try reader.ints("output_padding")
    outputShape = try reader.ints("output_shape")
    try reader.finish()
    for numbers in [outputPadding, outputShape] {
      guard let wrong = numbers?.first(where: { !(0...1 << 40).contains($0) }) else { continue }
      throw MaasError(.invalidModel, "an output padding or size is out of range", found: "\(wrong)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.floats)
    try node.expectSameDTypes(0..<(node.has(2) ? 3 : 2))
    let dtype = try node.dtype(0)
    guard let x = try node.shape(0), let w = try node.shape(1) else {
      return node.setOutput(0, dtype, try node.unknownShape(like: 0..<2))
    }
    try node.expectMinimumRank(0, 3)
    try node.expectRank(1, x.count)
    _ = try unified(w[0], x[1], "the channels of the weights and the input")
    if let channels = x[1].value ?? w[0].value, channels % group != 0 {
      throw MaasError(
        .shapeMismatch, "the channels do not divide into the groups", expected: "a multiple of \(group)",
        found: "\(channels)")
    }
    let filters = w[1] * .known(group)
    if node.has(2), let bias = try node.shape(2) {
      try node.expectRank(2, 1)
      _ = try unified(filters, bias[0], "the filters of the weights and the bias")
    }
    node.setOutput(0, dtype, [x[0], filters] + (try spread(Array(x[2...]), Array(w[2...])).output))
  }

  func spread(_ input: [Dim], _ kernel: [Dim]) throws(MaasError) -> Window.Spread {
    let sizes = try window.sizes(rank: input.count, weights: kernel)
    return try window.spread(input, sizes, outputPadding, outputShape.map { Array($0.suffix(input.count)) })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let (input, kernel) = (Array(x.shape[2...]), Array(w.shape[2...]))
    let spread = try spread(input.map { .known($0) }, kernel.map { .known($0) })
    let target = try node.target(y, y.dtype.floating)
    let weights = try node.floating(w)
    try node.emitTransposedConvolution(
      try node.floating(x), weights, try node.floatingOptional(2), target, group, spread.sizes,
      pads: spread.begin)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Emits y = what the weights [channels, filters of a group, kernel...] spread of x [images, channels, ...], plus the
  /// bias, for float or double; `pads` are cut off at the beginning.
  mutating func emitTransposedConvolution(
    _ x: Operand, _ weights: Operand, _ bias: Operand?, _ y: Operand, _ group: Int, _ sizes: Window.Sizes,
    pads: [Int]
  ) throws(MaasError) {
    let (input, kernel) = (Array(x.shape[2...]), Array(weights.shape[2...]))
    let (rows, positions) = (weights.shape[1...].reduce(1, *), input.reduce(1, *))
    let columns = try temporary(x.dtype, [x.shape[0], group, rows, positions])
    var product = MatrixProduct(m: rows, n: positions, k: x.shape[1] / group)
    (product.aRow, product.aColumn) = (1, rows)
    product.setGroups(group, images: x.shape[0])
    if x.dtype == .float {
      try emitProduct(product, weights, x, nil, nil, columns)
    } else {
      try emitPlainProduct(product, weights, x, nil, columns)
    }
    let fold = Fold(image: Array(y.shape[2...]), blocks: input, kernel: kernel, pads: pads, sizes)
    emitFold(fold, columns, bias, y)
  }
}

extension MatrixProduct {
  /// A has a matrix for each group, B and Y one for each group of each image.
  mutating func setGroups(_ groups: Int, images: Int) {
    bCount = images * groups
    (batch, aBatch) = ([images, groups], [0, 1])
    (bBatch, yBatch) = ([groups, 1], [groups, 1])
  }
}
