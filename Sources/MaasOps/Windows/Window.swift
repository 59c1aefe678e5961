import CMaasKernels
import MaasCore
import MaasGraph

/// How a kernel slides over the spatial dimensions: what Conv and the pools share.
struct Window {
  private enum Padding {
    case explicit
    case valid
    /// The output is input / stride rounded up; an odd element of padding goes to the end, or to the beginning.
    case same(oddAtBegin: Bool)
  }

  private var padding: Padding
  private let ceilMode: Bool
  /// Nil where attributes leave it to the weights or to ONNX's defaults.
  private let kernel: [Int]?
  private let strides: [Int]?
  private let dilations: [Int]?
  private var pads: [Int]?

  init(_ reader: inout AttributeReader) throws(MaasError) {
    let auto = try reader.string("auto_pad") ?? "NOTSET"
    switch auto {
    case "NOTSET", "": padding = .explicit
    case "VALID": padding = .valid
    case "SAME_UPPER": padding = .same(oddAtBegin: false)
    case "SAME_LOWER": padding = .same(oddAtBegin: true)
    default:
      throw MaasError(
        .invalidModel, "attribute 'auto_pad' has an unknown value",
        expected: "NOTSET, VALID, SAME_UPPER or SAME_LOWER", found: auto)
    }
    ceilMode = try reader.int("ceil_mode") ?? 0 != 0
    kernel = try bounded(&reader, "kernel_shape", 1)
    strides = try bounded(&reader, "strides", 1)
    dilations = try bounded(&reader, "dilations", 1)
    pads = try bounded(&reader, "pads", 0)
  }

  /// The same with more padding in front of all dimensions, and behind them; nil where that is no padding of its own.
  func padded(_ more: [Int]) -> Window? {
    let own = pads ?? [Int](repeating: 0, count: more.count)
    var window = self
    switch padding {
    case .explicit where own.count == more.count: window.pads = zip(own, more).map { $0 + $1 }
    case .valid: (window.padding, window.pads) = (.explicit, more)
    default: return nil
    }
    return ceilMode || more.contains(where: { $0 > Self.limit }) ? nil : window
  }

  /// Whether no element of a window is padding.
  var isBare: Bool {
    switch padding {
    case .explicit: pads?.allSatisfy { $0 == 0 } ?? true
    case .valid: true
    case .same: false
    }
  }

  /// Keeps the arithmetic on attributes far from overflow.
  fileprivate static let limit = 1 << 30

  /// The attributes for `rank` spatial dimensions; `weights` are those of the kernel where Conv's has them.
  struct Sizes {
    var kernel: [Dim]
    var strides: [Int]
    var dilations: [Int]
    var begin: [Int]
    var end: [Int]
  }

  func sizes(rank: Int, weights: [Dim]? = nil) throws(MaasError) -> Sizes {
    guard rank >= 1, rank <= Int(MAAS_SPATIAL_RANK) else {
      throw MaasError(
        .unsupported, "the number of spatial dimensions is not supported",
        expected: "1 to \(MAAS_SPATIAL_RANK)", found: "\(rank)")
    }
    guard let kernel = kernel?.map({ .known($0) }) ?? weights else {
      throw MaasError(.invalidModel, "attribute 'kernel_shape' is missing")
    }
    let pads = self.pads ?? [Int](repeating: 0, count: 2 * rank)
    let ones = [Int](repeating: 1, count: rank)
    let (strides, dilations) = (self.strides ?? ones, self.dilations ?? ones)
    guard kernel.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 * rank else {
      throw MaasError(
        .invalidModel, "the window's attributes do not fit the input",
        expected: "\(rank) numbers each, twice as many pads")
    }
    var sizes = Sizes(
      kernel: kernel, strides: strides, dilations: dilations, begin: Array(pads[..<rank]),
      end: Array(pads[rank...]))
    if let weights {
      for d in 0..<rank {
        sizes.kernel[d] = try unified(kernel[d], weights[d], "kernel_shape and the weights")
      }
    }
    for size in sizes.kernel where size == .known(0) {
      throw MaasError(.shapeMismatch, "the window is empty", expected: "1 or more", found: size.text)
    }
    return sizes
  }

  /// The output's spatial dimensions.
  func output(_ input: [Dim], _ sizes: Sizes) throws(MaasError) -> [Dim] {
    var result: [Dim] = []
    for d in input.indices {
      let size = try output(input[d], sizes, d)
      if let value = size.value, value < 0 || (value == 0 && input[d] != .known(0)) {
        throw MaasError(
          .shapeMismatch, "the window is larger than the padded input",
          expected: "at most \(input[d].text) and the padding", found: "\(sizes.kernel[d].text)")
      }
      result.append(size)
    }
    return result
  }

  private func output(_ input: Dim, _ sizes: Sizes, _ d: Int) throws(MaasError) -> Dim {
    let stride = sizes.strides[d]
    let extent = (sizes.kernel[d] - .known(1)) * .known(sizes.dilations[d]) + .known(1)
    switch padding {
    case .same: return (input + .known(stride - 1)).floorDivided(by: stride)
    case .valid: return (input - extent).floorDivided(by: stride) + .known(1)
    case .explicit:
      let span = input + .known(sizes.begin[d] + sizes.end[d]) - extent
      let rounded = ceilMode ? span + .known(stride - 1) : span
      let count = rounded.floorDivided(by: stride) + .known(1)
      guard ceilMode else { return count }
      // A window must begin inside the input or the padding before it.
      let begins = (input + .known(sizes.begin[d] - 1)).floorDivided(by: stride) + .known(1)
      let reach = extent - .known(sizes.end[d] + stride)
      return reach.isNeverNegative ? count : .least(count, begins)
    }
  }

  /// The padding that the window has, for concrete sizes.
  func pads(_ input: [Int], _ output: [Int], _ sizes: Sizes) -> (begin: [Int], end: [Int]) {
    switch padding {
    case .explicit: return (sizes.begin, sizes.end)
    case .valid: return (input.map { _ in 0 }, input.map { _ in 0 })
    case .same(let oddAtBegin):
      var (begin, end): ([Int], [Int]) = ([], [])
      for d in input.indices {
        let extent = ((sizes.kernel[d].value ?? 1) - 1) * sizes.dilations[d] + 1
        let total = max(0, (output[d] - 1) * sizes.strides[d] + extent - input[d])
        begin.append(oddAtBegin ? (total + 1) / 2 : total / 2)
        end.append(total - begin[d])
      }
      return (begin, end)
    }
  }
}

extension Window {
  /// What a transposed convolution writes.
  struct Spread {
    let sizes: Sizes
    var output: [Dim] = []
    /// Elements cut off at the beginning; known where `output` is.
    var begin: [Int] = []
  }

  func spread(
    _ input: [Dim], _ sizes: Sizes, _ outputPadding: [Int]?, _ outputShape: [Int]?
  ) throws(MaasError) -> Spread {
    let extra = outputPadding ?? input.map { _ in 0 }
    guard extra.count == input.count, (outputShape ?? extra).count == input.count else {
      throw MaasError(
        .invalidModel, "output_padding or output_shape does not fit the input",
        expected: "\(input.count) numbers")
    }
    var result = Spread(sizes: sizes)
    for d in input.indices {
      let extent = (sizes.kernel[d] - .known(1)) * .known(sizes.dilations[d]) + .known(1)
      let whole = .known(sizes.strides[d]) * (input[d] - .known(1)) + extent + .known(extra[d])
      let (size, begin) = spread(d, whole, input[d], sizes, outputShape?[d])
      if let value = size.value, value < 0 {
        throw MaasError(.shapeMismatch, "more is cut off than dimension \(d) has", found: "\(value)")
      }
      result.output.append(size)
      result.begin.append(begin)
    }
    return result
  }

  private func spread(
    _ d: Int, _ whole: Dim, _ input: Dim, _ sizes: Sizes, _ asked: Int?
  ) -> (size: Dim, begin: Int) {
    var size: Dim
    var oddAtBegin = true
    switch padding {
    case .explicit:
      size = whole - .known(sizes.begin[d] + sizes.end[d])
      if asked == nil { return (size, sizes.begin[d]) }
    case .valid:
      size = whole
      if asked == nil { return (size, 0) }
    case .same(let odd):
      size = input * .known(sizes.strides[d])
      oddAtBegin = odd
    }
    if let asked { size = .known(asked) }
    let total = max(0, (whole - size).value ?? 0)
    return (size, oddAtBegin ? total - total / 2 : total / 2)
  }
}

private func bounded(
  _ reader: inout AttributeReader, _ name: String, _ minimum: Int
) throws(MaasError) -> [Int]? {
  guard let numbers = try reader.ints(name) else { return nil }
  if let wrong = numbers.first(where: { $0 < minimum || $0 > Window.limit }) {
    throw MaasError(
      .invalidModel, "attribute '\(name)' is out of range", expected: "\(minimum)..\(Window.limit)",
      found: "\(wrong)")
  }
  return numbers
}

/// Numbers for depth, height, width from those of 1 to 3 spatial dimensions.
func spatial(_ numbers: [Int], _ missing: Int) -> [Int] {
  [Int](repeating: missing, count: max(0, Int(MAAS_SPATIAL_RANK) - numbers.count)) + numbers
}
