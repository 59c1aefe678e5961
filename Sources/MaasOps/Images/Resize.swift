import MaasCore
import MaasGraph

/// Resize, and its ancestor Upsample: each dimension brought to another length by interpolation.
///
/// The lengths follow from scales (an attribute, or an input) or, since Resize 11, from the input `sizes`.
package final class Resize: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    package static let resize = Row(name: "Resize")
    package static let upsample = Row(name: "Upsample")
  }

  enum Mode {
    case nearest, linear, cubic
  }
  enum AspectPolicy {
    case stretch, notLarger, notSmaller
  }

  package let name: String
  let mode: Mode
  let transformation: CoordinateTransformation
  let nearestMode: NearestMode
  let filter: ResizeFilter
  let extrapolation: Float
  let axes: [Int]?
  let policy: AspectPolicy
  private let scales: [Float]?
  /// The inputs that hold them; sizes and region are none before Resize 11.
  private let scalesInput: Int
  private let sizesInput: Int?

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    name = row.name
    let hasRegion = row.name == "Resize" && reader.opset >= 11
    mode = try reader.choice(
      "mode", [("nearest", .nearest), ("linear", .linear), ("bilinear", .linear), ("cubic", .cubic)])
    scales = row.name == "Upsample" ? try upsampleScales(&reader) : nil
    (scalesInput, sizesInput) = hasRegion ? (2, 3) : (1, nil)
    var oldNearest = NearestMode.floor
    if row.name == "Resize" { oldNearest = .floorOrCeil }
    transformation =
      hasRegion ? try reader.choice("coordinate_transformation_mode", transformations) : .asymmetric
    nearestMode = hasRegion ? try reader.choice("nearest_mode", nearestModes) : oldNearest
    let coefficient = try reader.float("cubic_coeff_a") ?? -0.75
    filter = ResizeFilter(
      cubic: mode == .cubic ? Double(coefficient) : nil, antialiases: try reader.int("antialias") ?? 0 != 0,
      excludesOutside: try reader.int("exclude_outside") ?? 0 != 0)
    extrapolation = try reader.float("extrapolation_value") ?? 0
    axes = try reader.ints("axes")
    policy = try reader.choice(
      "keep_aspect_ratio_policy",
      [("stretch", .stretch), ("not_larger", .notLarger), ("not_smaller", .notSmaller)])
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(scales == nil ? 2...4 : 1...1)
    if mode == .nearest { try node.expectMovable(0) } else { try node.expectDType(0, DType.numbers) }
    let dtype = try node.dtype(0)
    if case .cropAndResize = transformation { _ = try node.constant(1) }
    let usesSizes = try usesSizes(node)
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    let axes = try axes(shape.count)
    let result = usesSizes ? try sized(&node, shape, axes) : try scaled(&node, shape, axes)
    node.setOutput(0, dtype, result ?? node.unknownShape(rank: shape.count))
  }

  private func usesSizes(_ node: Inference) throws(MaasError) -> Bool {
    guard let i = sizesInput, node.has(i) else { return false }
    return try node.shape(i)?.first != .known(0)
  }

  func axes(_ rank: Int) throws(MaasError) -> [Int] {
    try axes.map { axes throws(MaasError) in try normalized(axes: axes, rank: rank) } ?? Array(0..<rank)
  }

  private func sized(
    _ node: inout Inference, _ shape: [Dim], _ axes: [Int]
  ) throws(MaasError) -> [Dim]? {
    guard let i = sizesInput, let sizes = policy == .stretch ? try node.dims(i) : try known(&node, i) else {
      return nil
    }
    try expect(sizes.count, axes, "sizes")
    var result = shape
    for (size, axis) in zip(sizes, axes) { result[axis] = try checked(size, from: shape[axis]) }
    guard policy != .stretch else { return result }
    guard let input = Shape(shape).concrete else { return nil }
    for axis in try aspectAxes(input, sizes.compactMap { $0.value }, axes) {
      result[axis.axis] = .known(axis.output)
    }
    return result
  }

  private func known(_ node: inout Inference, _ i: Int) throws(MaasError) -> [Dim]? {
    try node.integers(i)?.map { .known($0) }
  }

  private func scaled(
    _ node: inout Inference, _ shape: [Dim], _ axes: [Int]
  ) throws(MaasError) -> [Dim]? {
    var given = scales
    if given == nil {
      given = try node.constant(scalesInput).map { tensor throws(MaasError) in try numbers(tensor) }
    }
    guard let given else { return nil }
    try expect(given.count, axes, "scales")
    var result = shape
    for (scale, axis) in zip(given, axes) {
      result[axis] = try checked(scaledDim(shape[axis], scale) ?? node.unknownDim(), from: shape[axis])
    }
    return result
  }

  private func expect(_ count: Int, _ axes: [Int], _ what: String) throws(MaasError) {
    guard count != axes.count else { return }
    throw MaasError(
      .shapeMismatch, "the number of \(what) is wrong", expected: "\(axes.count)", found: "\(count)")
  }

  private func checked(_ size: Dim, from input: Dim) throws(MaasError) -> Dim {
    if let value = size.value, value < 0 || value > 1 << 40 || (value > 0 && input == .known(0)) {
      throw MaasError(
        .shapeMismatch, "a dimension of \(input.text) cannot be resized to \(size.text)",
        hint: "look at the scales or sizes")
    }
    return size
  }

  /// The dimensions that change, for concrete shapes.
  func changes(_ node: Lowering, _ x: [Int], _ y: [Int]) throws(MaasError) -> [ResizeAxis] {
    let axes = try axes(x.count)
    var result: [ResizeAxis]
    if let i = sizesInput, let sizes = node.optionalInput(i), sizes.count > 0 {
      result =
        policy == .stretch
        ? axes.map { ResizeAxis(axis: $0, input: x[$0], output: y[$0], scale: Double(y[$0]) / Double(x[$0])) }
        : try aspectAxes(x, try node.integers(i), axes)
    } else {
      var given = scales ?? []
      if scales == nil { given = try numbers(try contents(node, scalesInput)) }
      result = zip(given, axes).map {
        ResizeAxis(axis: $1, input: x[$1], output: y[$1], scale: Double($0))
      }
    }
    if case .cropAndResize = transformation { try setRegions(&result, try contents(node, 1)) }
    return result.filter { !$0.isIdentity }
  }

  private func contents(_ node: Lowering, _ i: Int) throws(MaasError) -> Tensor {
    if let tensor = try node.input(i).constant { return tensor }
    throw MaasError(.internal, "the contents of input \(i) are not known to the plan")
  }

  /// One scale for all dimensions, so that none becomes larger, or smaller, than its size.
  private func aspectAxes(_ x: [Int], _ sizes: [Int], _ axes: [Int]) throws(MaasError) -> [ResizeAxis] {
    guard let negative = axes.first(where: { x[$0] == 0 }) else {
      let scales = zip(sizes, axes).map { Double($0) / Double(x[$1]) }
      let scale = (policy == .notLarger ? scales.min() : scales.max()) ?? 1
      return axes.map {
        ResizeAxis(axis: $0, input: x[$0], output: Int(scale * Double(x[$0]) + 0.5), scale: scale)
      }
    }
    throw MaasError(.shapeMismatch, "dimension \(negative) has no elements and keeps no aspect ratio")
  }

  private func setRegions(_ axes: inout [ResizeAxis], _ region: Tensor) throws(MaasError) {
    let numbers = try cast(region, to: .double).elements(as: Double.self)
    guard numbers.count == 2 * axes.count, numbers.allSatisfy({ abs($0) <= 1e6 }) else {
      throw MaasError(
        .shapeMismatch, "the region of interest does not fit", expected: "\(2 * axes.count) numbers",
        found: "\(numbers.count)")
    }
    for i in axes.indices { axes[i].region = (numbers[i], numbers[axes.count + i]) }
  }
}

private let transformations: [(name: String, value: CoordinateTransformation)] = [
  ("half_pixel", .halfPixel), ("half_pixel_symmetric", .halfPixelSymmetric),
  ("pytorch_half_pixel", .pytorchHalfPixel), ("align_corners", .alignCorners), ("asymmetric", .asymmetric),
  ("tf_crop_and_resize", .cropAndResize),
]

private let nearestModes: [(name: String, value: NearestMode)] = [
  ("round_prefer_floor", .roundPreferFloor), ("round_prefer_ceil", .roundPreferCeil), ("floor", .floor),
  ("ceil", .ceil),
]

/// Nil since opset 9, where they are an input.
private func upsampleScales(_ reader: inout AttributeReader) throws(MaasError) -> [Float]? {
  if reader.opset >= 9 { return nil }
  let given =
    reader.opset >= 7
    ? try reader.floats("scales")
    : try reader.float("height_scale").flatMap { height throws(MaasError) in
      try reader.float("width_scale").map { [1, 1, height, $0] }
    }
  guard let given else { throw MaasError(.invalidModel, "the attributes that scale are missing") }
  return try checked(given)
}

private func numbers(_ scales: Tensor) throws(MaasError) -> [Float] {
  guard scales.dtype == .float else {
    throw MaasError(.typeMismatch, "the scales are no floats", expected: "float", found: scales.dtype.name)
  }
  return try checked(scales.elements(as: Float.self))
}

private func checked(_ scales: [Float]) throws(MaasError) -> [Float] {
  if let wrong = scales.first(where: { !($0 > 0 && $0.isFinite) }) {
    throw MaasError(.invalidModel, "a scale is not a positive number", found: "\(Double(wrong))")
  }
  return scales
}

/// floor(dim * scale) in float, as ONNX's own shape inference has it; nil where that cannot be said of a symbol.
private func scaledDim(_ dim: Dim, _ scale: Float) -> Dim? {
  if let value = dim.value {
    let size = (Float(value) * scale).rounded(.down)
    return .known(size < 0x1p62 ? Int(size) : .max)
  }
  if scale == scale.rounded(), scale < 0x1p20 { return dim * .known(Int(scale)) }
  let inverse = 1 / scale
  return inverse == inverse.rounded() && 1 / inverse == scale && inverse < 0x1p20
    ? dim.floorDivided(by: Int(inverse)) : nil
}
