import CMaasKernels
import Foundation
import Testing

/// A window over [depth, height, width].
struct Window: Sendable {
  var input: [Int], kernel: [Int]
  var stride = [1, 1, 1], dilation = [1, 1, 1], begin = [0, 0, 0], end = [0, 0, 0]
  var ceil = false

  var output: [Int] {
    (0..<3).map { d in
      let span = input[d] + begin[d] + end[d] - (kernel[d] - 1) * dilation[d] - 1
      return (span + (ceil ? stride[d] - 1 : 0)) / stride[d] + 1
    }
  }
  /// All positions of an extent, in row-major order.
  static func positions(_ extent: [Int]) -> [[Int]] {
    (0..<extent[0]).flatMap { z in (0..<extent[1]).flatMap { y in (0..<extent[2]).map { [z, y, $0] } } }
  }
  /// The input position of a tap, which may lie outside.
  func input(_ output: [Int], _ tap: [Int]) -> [Int] {
    (0..<3).map { output[$0] * stride[$0] - begin[$0] + tap[$0] * dilation[$0] }
  }
  func isInside(_ position: [Int]) -> Bool {
    (0..<3).allSatisfy { 0 <= position[$0] && position[$0] < input[$0] }
  }
  /// For every output, the taps that lie in the input, and the indices of what they see.
  var reach: [[(tap: Int, index: Int)]] {
    let taps = Window.positions(kernel)
    return Window.positions(output).map { output in
      taps.enumerated().compactMap { t, tap in
        let at = input(output, tap)
        return isInside(at) ? (t, index(at)) : nil
      }
    }
  }
  func index(_ position: [Int]) -> Int { (position[0] * input[1] + position[1]) * input[2] + position[2] }
}

struct ConvCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var batch = 1
  var channels: Int, filters: Int, groups = 1
  var window: Window
  var bias = true, residual = false
  var activation = maas_f32_activation()

  static let windows: [(String, Window)] = [
    ("1-D", Window(input: [1, 1, 20], kernel: [1, 1, 3], begin: [0, 0, 1], end: [0, 0, 1])),
    ("3x3", Window(input: [1, 7, 7], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1])),
    (
      "3x3/2",
      Window(input: [1, 14, 15], kernel: [1, 3, 3], stride: [1, 2, 2], begin: [0, 1, 1], end: [0, 1, 1])
    ),
    ("1x1", Window(input: [1, 9, 15], kernel: [1, 1, 1])),
    ("1x1/2", Window(input: [1, 9, 8], kernel: [1, 1, 1], stride: [1, 2, 2])),
    (
      "5x7 uneven",
      Window(
        input: [1, 17, 24], kernel: [1, 5, 7], stride: [1, 1, 3], dilation: [1, 2, 1], begin: [0, 4, 0],
        end: [0, 3, 5])
    ),
    (
      "dilated over all",
      Window(
        input: [1, 4, 4], kernel: [1, 3, 3], dilation: [1, 3, 3], begin: [0, 6, 6], end: [0, 6, 6])
    ),
    ("3-D", Window(input: [4, 5, 6], kernel: [3, 3, 3], begin: [1, 1, 1], end: [1, 1, 1])),
    (
      "3-D uneven",
      Window(
        input: [5, 6, 7], kernel: [2, 3, 2], stride: [2, 1, 2], dilation: [1, 2, 1], begin: [0, 1, 1],
        end: [1, 0, 0])
    ),
  ]

  static let all: [ConvCase] = windows.flatMap { name, window in
    [(1, 1, 1), (3, 5, 1), (8, 12, 4), (6, 6, 6), (5, 15, 5), (2, 40, 1)].map { channels, filters, groups in
      ConvCase(
        testDescription: "\(name) \(channels)>\(filters)/\(groups)", batch: groups == 1 ? 1 : 2,
        channels: channels,
        filters: filters, groups: groups, window: window, bias: filters > 5, residual: filters != 5,
        activation: filters % 2 == 0 ? GemmCase.clip : GemmCase.relu)
    }
  }
  /// Several passes over k, and a plane of several strips.
  static let large = [
    ConvCase(
      testDescription: "long k", channels: 128, filters: 20,
      window: Window(input: [1, 5, 5], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1]), residual: true),
    ConvCase(
      testDescription: "wide depthwise", channels: 2, filters: 2, groups: 2,
      window: Window(input: [1, 90, 130], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1])),
    ConvCase(
      testDescription: "wide", channels: 1, filters: 3,
      window: Window(input: [1, 40, 50], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1])),
  ]

  var params: maas_f32_conv_params {
    var p = maas_f32_conv_params()
    (p.batch, p.channels, p.filters, p.groups) = (
      Int64(batch), Int64(channels), Int64(filters), Int64(groups)
    )
    set(&p.input, window.input.map(Int64.init))
    set(&p.output, window.output.map(Int64.init))
    set(&p.kernel, window.kernel.map(Int64.init))
    set(&p.stride, window.stride.map(Int64.init))
    set(&p.dilation, window.dilation.map(Int64.init))
    set(&p.pad, window.begin.map(Int64.init))
    p.activation = activation
    return p
  }

  /// ONNX's Conv in double precision, plus R, then the activation.
  func expected(_ x: [Float], _ w: [Float], _ b: [Float], _ r: [Float]) -> [Double] {
    let volume = window.input.reduce(1, *)
    let taps = window.kernel.reduce(1, *)
    let perGroup = channels / groups
    let reach = window.reach
    var y: [Double] = []
    for image in 0..<batch {
      for filter in 0..<filters {
        let first = image * channels + filter / (filters / groups) * perGroup
        for seen in reach {
          var sum = bias ? Double(b[filter]) : 0
          for c in 0..<perGroup {
            for (tap, index) in seen {
              sum += Double(w[(filter * perGroup + c) * taps + tap]) * Double(x[(first + c) * volume + index])
            }
          }
          if residual { sum += Double(r[y.count]) }
          y.append(activated(sum))
        }
      }
    }
    return y
  }

  private func activated(_ x: Double) -> Double {
    switch activation.op {
    case MAAS_UNARY_RELU: max(0, x)
    case MAAS_UNARY_CLIP: min(max(x, -1), 6)
    default: x
    }
  }
}

@Suite struct ConvTests {
  @Test(arguments: KernelRow.supported("maas_f32_conv"), ConvCase.all + ConvCase.large)
  func matchesDoublePrecision(row: KernelRow, conv: ConvCase) {
    var random = Random(6)
    let window = conv.window
    let x = random.floats(conv.batch * conv.channels * window.input.reduce(1, *))
    let w = random.floats(conv.filters * conv.channels / conv.groups * window.kernel.reduce(1, *))
    let b = random.floats(conv.filters)
    let r = random.floats(conv.batch * conv.filters * window.output.reduce(1, *))
    let expected = conv.expected(x, w, b, r)
    let scale = 3 * Double(w.count / conv.filters).squareRoot()
    var params = conv.params
    let split = maas_f32_conv_split_for(row.kernel, &params)
    for side in [Fenced<Float>.Side.start, .end] {
      let operands: [(any Operand)?] = [
        Fenced(x, at: side), Fenced(w, at: side), conv.bias ? Fenced(b, at: side) : nil,
        conv.residual ? Fenced(r, at: side) : nil, nil,
      ]
      let y = outputOf(row, params, split, output: 4, start: r, operands: operands, at: side, &random)
      #expect(largestDifference(y, expected, scale: scale) < 1e-6)
      guard conv.residual, let inPlace = operands[3] as? Fenced<Float> else { continue }
      run(row, params, [operands[0], operands[1], operands[2], inPlace, inPlace], split)
      #expect(inPlace.values.map(\.bitPattern) == y.map(\.bitPattern), "R in place")
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_conv")) func nothingToDo(row: KernelRow) {
    var conv = ConvCase.all[0]
    conv.batch = 0
    var params = conv.params
    #expect(maas_f32_conv_split_for(row.kernel, &params).items == 0)
  }
}
