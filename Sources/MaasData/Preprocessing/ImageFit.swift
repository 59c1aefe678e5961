import MaasCore
import MaasGraph

/// What the training data tell of pictures.
struct ImageFit {
  private let options: PreprocessingOptions
  private var sizes: Set<[Int]> = []
  private var channels = [ColumnMoments](repeating: ColumnMoments(), count: 3)
  private var luma = ColumnMoments()
  private var allGray = true

  /// ITU-R BT.601.
  private static let weights: [Float] = [0.299, 0.587, 0.114]
  private static let usualSize = 64
  private static let largestSize = 256

  init(_ options: PreprocessingOptions) { self.options = options }

  /// Adds pictures [count, height, width, 3].
  mutating func add(_ images: Tensor) {
    sizes.insert(Array(images.shape[1...2]))
    let pixels = images.bytes.assumingMemoryBound(to: UInt8.self)
    for at in stride(from: 0, to: images.count, by: 3) {
      let (r, g, b) = (pixels[at], pixels[at + 1], pixels[at + 2])
      allGray = allGray && r == g && g == b
      for (c, value) in [r, g, b].enumerated() { channels[c].add(Double(value)) }
      luma.add(Double(0.299 * Float(r) + 0.587 * Float(g) + 0.114 * Float(b)))
    }
  }

  var isGray: Bool { options.isGray ?? allGray }

  /// Height and width.
  var size: [Int] {
    if let size = options.imageSize { return [size, size] }
    guard sizes.count == 1, let size = sizes.first, size.allSatisfy({ $0 <= Self.largestSize }) else {
      return [Self.usualSize, Self.usualSize]
    }
    return size
  }

  private var needsResize: Bool { sizes != [size] }

  /// [batch, height, width, 3] bytes to [batch, channels, size, size] around 0.
  func add(to builder: inout ONNXBuilder, _ image: ValueID, _ name: String) throws(MaasError) -> ValueID {
    var x = try builder.add("Cast", [image], "\(name)/float", [.init("to", .int(1))])
    if isGray {
      x = try builder.add(
        "MatMul", [x, try builder.floats("\(name)/luma", Self.weights, [3, 1])], "\(name)/gray")
    }
    x = try builder.add("Transpose", [x], "\(name)/planes", [.init("perm", .ints([0, 3, 1, 2]))])
    x = try resized(&builder, x, name)
    let moments = isGray ? [luma] : channels
    let shape = [1, moments.count, 1, 1]
    let offset = try builder.floats("\(name)/mean", moments.map { Float($0.mean) }, shape)
    let scales = moments.map { $0.deviation > 0 ? Float(1 / $0.deviation) : 1 }
    let centered = try builder.add("Sub", [x, offset], "\(name)/centered")
    return try builder.add(
      "Mul", [centered, try builder.floats("\(name)/scale", scales, shape)], "\(name)/scaled")
  }

  /// Resize wants lengths of all axes: those of samples and channels are the input's.
  private func resized(
    _ builder: inout ONNXBuilder, _ x: ValueID, _ name: String
  ) throws(MaasError) -> ValueID {
    let shape = try builder.add("Shape", [x], "\(name)/shape", [.init("end", .int(2))])
    let sizes = try builder.add(
      "Concat", [shape, try builder.integers("\(name)/size", size)], "\(name)/sizes", [.init("axis", .int(0))]
    )
    return try builder.add(
      "Resize", [x, nil, nil, sizes], "\(name)/resized", [.init("mode", .string("linear"))])
  }
}
