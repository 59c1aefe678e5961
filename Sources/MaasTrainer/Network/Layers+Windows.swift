import MaasCore
import MaasGraph

/// How windows move over an image or a sequence.
struct Convolving {
  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  /// Before and behind each dimension; nil: as many results as strides allow ("same").
  var padding: [Int]?
  var groups = 1

  init(kernel: [Int], strides: [Int]) {
    (self.kernel, self.strides) = (kernel, strides)
    dilations = kernel.map { _ in 1 }
    padding = kernel.map { _ in 0 }
  }

  /// The options kernel, stride, padding and, for convolutions, dilation for `rank` dimensions.
  init(_ r: inout LayerReader, rank: Int, defaultKernel: Int, stridesAreKernel: Bool) throws(MaasError) {
    func spread(_ values: [Int]?, _ fallback: [Int]) throws(MaasError) -> [Int] {
      guard let values, !values.isEmpty else { return fallback }
      if values.count == 1 { return Array(repeating: values[0], count: rank) }
      guard values.count == rank else {
        throw MaasError(
          .invalidArgument, "there is not one number for each dimension", expected: "1 or \(rank)",
          found: "\(values.count)")
      }
      return values
    }
    let ones = Array(repeating: 1, count: rank)
    kernel = try spread(try r.counts("kernel"), Array(repeating: defaultKernel, count: rank))
    strides = try spread(try r.option("stride"), stridesAreKernel ? kernel : ones)
    dilations = stridesAreKernel ? ones : try spread(try r.option("dilation"), ones)
    switch r.text("padding") {
    case "valid", nil: padding = kernel.map { _ in 0 }
    case "same": padding = nil
    default: padding = try spread(try r.option("padding", from: 0), [])
    }
  }

  /// The pads, all first ones before all last ones, and the size of the result.
  func layout(_ input: [Int]) throws(MaasError) -> (pads: [Int], output: [Int]) {
    var (before, behind, output): ([Int], [Int], [Int]) = ([], [], [])
    for i in input.indices {
      let window = (kernel[i] - 1) * dilations[i] + 1
      var size = (input[i] + strides[i] - 1) / strides[i]
      let all = padding.map { 2 * $0[i] } ?? max(0, (size - 1) * strides[i] + window - input[i])
      guard input[i] + all >= window else {
        throw MaasError(
          .shapeMismatch, "the window is larger than its input", expected: "at most \(input[i] + all)",
          found: "\(window)")
      }
      size = (input[i] + all - window) / strides[i] + 1
      before.append(all / 2)
      behind.append(all - all / 2)
      output.append(size)
    }
    return (before + behind, output)
  }

  func attributes(_ pads: [Int]) -> [Attribute] {
    [
      Attribute("kernel_shape", .ints(kernel)), Attribute("strides", .ints(strides)),
      Attribute("pads", .ints(pads)),
    ]
  }
}

extension NetworkBuilder {
  mutating func convolve(
    _ name: String, filters: Int, _ windows: Convolving, _ activation: ActivationName, hasBias: Bool
  ) throws(MaasError) {
    let channels = shape[0]
    guard channels % windows.groups == 0, filters % windows.groups == 0 else {
      throw MaasError(
        .invalidArgument, "channels and filters do not divide into the groups",
        found: "\(channels) channels, \(filters) filters, \(windows.groups) groups")
    }
    let (pads, output) = try windows.layout(Array(shape.dropFirst()))
    let dims = [filters, channels / windows.groups] + windows.kernel
    _ = try byteCount(dims, .float, tensor: name / "weight")
    let area = windows.kernel.reduce(1, *)
    let weight = try parameter(
      name / "weight", dims, activation.initializer(dims[1] * area, filters / windows.groups * area))
    var parameters: [ValueID?] = [weight]
    if hasBias { parameters.append(try parameter(name / "bias", [filters], .zeros)) }
    let attributes =
      windows.attributes(pads) + [
        Attribute("dilations", .ints(windows.dilations)), Attribute("group", .int(windows.groups)),
      ]
    try apply("Conv", name, parameters, attributes, to: [filters] + output)
  }
}

func addConvolution(
  _ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String, isDepthwise: Bool
) throws(MaasError) {
  try b.expectRank(2...4, "channels and 1 to 3 dimensions")
  let filters =
    isDepthwise
    ? try b.sized(b.shape[0], r.count("multiplier", isValue: false) ?? 1) : try r.required("filters")
  var windows = try Convolving(&r, rank: b.shape.count - 1, defaultKernel: 3, stridesAreKernel: false)
  windows.groups = isDepthwise ? b.shape[0] : try r.count("groups", isValue: false) ?? 1
  let (activation, hasBias) = (try ActivationName(&r), try r.flag("bias") ?? true)
  try b.convolve(name, filters: filters, windows, activation, hasBias: hasBias)
  try b.activate(activation, name)
}

func addPool(
  _ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String, _ type: String
) throws(MaasError) {
  try b.expectRank(2...4, "channels and 1 to 3 dimensions")
  let windows = try Convolving(&r, rank: b.shape.count - 1, defaultKernel: 2, stridesAreKernel: true)
  guard zip(windows.padding ?? [], windows.kernel).allSatisfy({ $0 < $1 }) else {
    throw MaasError(
      .invalidArgument, "a window would lie in the padding alone", expected: "padding below the kernel's size"
    )
  }
  let (pads, output) = try windows.layout(Array(b.shape.dropFirst()))
  try b.apply(type, name, [], windows.attributes(pads), to: [b.shape[0]] + output)
}

/// The mean of each channel of an image, or of each feature over the time of a sequence.
func addGlobalPool(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  try b.expectRank(2...4, "channels and their dimensions, or a sequence")
  if b.shape.count == 2 {
    let attributes = [Attribute("axes", .ints([1])), Attribute("keepdims", .int(0))]
    return try b.apply("ReduceMean", name, [], attributes, to: [b.shape[1]])
  }
  let channels = b.shape[0]
  try b.apply("GlobalAveragePool", name / "pool")
  try b.apply("Flatten", name, [], [Attribute("axis", .int(1))], to: [channels])
}
