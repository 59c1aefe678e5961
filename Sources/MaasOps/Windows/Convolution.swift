import CMaasKernels
import MaasCore
import MaasGraph

/// A window that slides over channels in groups: what Conv has in common with its forms on integers.
struct Convolution {
  private(set) var window: Window
  let group: Int

  /// The same with more padding.
  func padded(_ more: [Int]) -> Convolution? {
    var convolution = self
    guard let window = window.padded(more) else { return nil }
    convolution.window = window
    return convolution
  }

  init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    group = try reader.int("group") ?? 1
    guard group > 0 else {
      throw MaasError(.invalidModel, "attribute 'group' is not positive", found: "\(group)")
    }
  }

  /// The output's shape for the inputs of these indices; nil where not even a rank is known.
  func shape(_ node: inout Inference, x i: Int, w j: Int, bias: Int) throws(MaasError) -> [Dim]? {
    guard let x = try node.shape(i), let w = try node.shape(j) else {
      let ranks = [try node.shape(i)?.count, try node.shape(j)?.count]
      return node.unknownShape(given: ranks.compactMap { $0 }.first)
    }
    try node.expectMinimumRank(i, 3)
    try node.expectRank(j, x.count)
    try checkChannels(x[1], w)
    if node.has(bias), let bias = try node.shape(bias), bias.count == 1 {
      _ = try unified(w[0], bias[0], "the filters of the weights and the bias")
    }
    let sizes = try window.sizes(rank: x.count - 2, weights: Array(w[2...]))
    return [x[0], w[0]] + (try window.output(Array(x[2...]), sizes))
  }

  private func checkChannels(_ channels: Dim, _ w: [Dim]) throws(MaasError) {
    if let filters = w[0].value, filters % group != 0 {
      throw MaasError(
        .shapeMismatch, "the filters do not divide into the groups", expected: "a multiple of \(group)",
        found: "\(filters)")
    }
    _ = try unified(w[1] * .known(group), channels, "the channels of the weights and the input")
  }

  func params(_ x: [Int], _ w: [Int], _ y: [Int]) throws(MaasError) -> maas_f32_conv_params {
    let kernel = Array(w[2...])
    let (input, output) = (Array(x[2...]), Array(y[2...]))
    let sizes = try window.sizes(rank: kernel.count, weights: kernel.map { .known($0) })
    var params = maas_f32_conv_params()
    params.batch = Int64(x[0])
    params.channels = Int64(x[1])
    params.filters = Int64(w[0])
    params.groups = Int64(group)
    assign(&params.input, spatial(input, 1))
    assign(&params.output, spatial(output, 1))
    assign(&params.kernel, spatial(kernel, 1))
    assign(&params.stride, spatial(sizes.strides, 1))
    assign(&params.dilation, spatial(sizes.dilations, 1))
    assign(&params.pad, spatial(window.pads(input, output, sizes).begin, 0))
    return params
  }
}
