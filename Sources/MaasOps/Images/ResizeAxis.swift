import MaasCore

/// How positions of a resized dimension map to those of the original, in ONNX's terms.
enum CoordinateTransformation {
  case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric, cropAndResize
}

enum NearestMode {
  case roundPreferFloor, roundPreferCeil, floor, ceil
  /// Opset 10: the element at or after the position when the dimension shrinks, else the one at or before it.
  case floorOrCeil
}

/// One dimension that changes.
struct ResizeAxis {
  var axis: Int
  let input: Int
  let output: Int
  /// What was asked for: `output` is what is left of `input * scale` after rounding.
  let scale: Double
  /// The region of interest, in lengths of the input.
  var region = (start: 0.0, end: 1.0)

  var isIdentity: Bool { input == output && abs(scale - 1) < 1e-9 && region == (0, 1) }

  /// The position in the original that position `i` stands for.
  func original(_ i: Int, _ transformation: CoordinateTransformation) -> Double {
    let (x, length, last) = (Double(i), Double(input) * scale, Double(input - 1))
    switch transformation {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      return Double(input) / 2 * (1 - Double(output) / length) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return length == 1 ? 0 : x * last / (length - 1)
    case .asymmetric: return x / scale
    case .cropAndResize:
      let size = region.end - region.start
      return region.start * last + (length == 1 ? size * last / 2 : x * size * last / (length - 1))
    }
  }

  /// How many positions at the beginning and at the end have nothing to be taken from.
  func outside(_ transformation: CoordinateTransformation) -> (begin: Int, end: Int) {
    guard case .cropAndResize = transformation else { return (0, 0) }
    func isOutside(_ i: Int) -> Bool {
      let x = original(i, transformation)
      return x < 0 || x > Double(input - 1)
    }
    let begin = (0..<output).first { !isOutside($0) } ?? output
    let end = (begin..<output).reversed().first { !isOutside($0) }.map { output - 1 - $0 } ?? 0
    return (begin, end)
  }

  func clamped(_ i: Int) -> Int64 { Int64(max(0, min(input - 1, i))) }

  /// Scales are floats: a position that is a half or a whole but for a float's rounding is that, so that 2 / 0.8 is
  /// 2.5.
  private func meant(_ x: Double) -> Double {
    let half = (x * 2).rounded() / 2
    return abs(x - half) <= 1e-7 * max(1, abs(half)) ? half : x
  }

  /// The element nearest to each position.
  func nearest(_ transformation: CoordinateTransformation, _ mode: NearestMode) -> [Int64] {
    (0..<output).map { i in
      let x = meant(original(i, transformation))
      let rounded =
        switch mode {
        case .roundPreferFloor: (x - 0.5).rounded(.up)
        case .roundPreferCeil: (x + 0.5).rounded(.down)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .floorOrCeil: scale < 1 ? x.rounded(.up) : x.rounded(.down)
        }
      return clamped(Int(rounded))
    }
  }
}

/// The weight of an element by its distance.
struct ResizeFilter {
  /// Nil for linear.
  let cubic: Double?
  /// Whether the filter is stretched where the dimension shrinks.
  let antialiases: Bool
  /// Whether elements beyond the border have no weight.
  let excludesOutside: Bool

  private var reach: Double { cubic == nil ? 1 : 2 }

  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    return cubic.map { cubicWeight(x, $0) } ?? max(0, 1 - x)
  }

  /// For each position of the result `taps` elements, an even number, and their weights.
  func table(
    _ axis: ResizeAxis, _ transformation: CoordinateTransformation
  ) -> (taps: Int, places: [Int64], weights: [Double]) {
    let stretch = antialiases ? min(1, axis.scale) : 1
    let first = Int((-reach / stretch).rounded(.down)) + 1
    let taps = 2 - 2 * first
    var (places, weights): ([Int64], [Double]) = ([], [])
    places.reserveCapacity(axis.output * taps)
    weights.reserveCapacity(axis.output * taps)
    for i in 0..<axis.output {
      let x = axis.original(i, transformation)
      let base = Int(x.rounded(.up)) - 1
      let row = (first..<first + taps).map { t in
        let isOutside = base + t < 0 || base + t >= axis.input
        return isOutside && excludesOutside ? 0 : weight(stretch * (Double(base + t) - x))
      }
      let sum = row.reduce(0, +)
      weights += row.map { sum == 0 ? $0 : $0 / sum }
      places += (first..<first + taps).map { axis.clamped(base + $0) }
    }
    return (taps, places, weights)
  }
}
