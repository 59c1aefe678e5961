import MaasCore
import MaasGraph

/// What samples beyond the border are.
enum SamplePadding: Int {
  case zeros, border, reflection
}

/// How many neighbours along each dimension make a sample.
enum SampleMode: Int {
  case nearest = 1
  case linear = 2
  case cubic = 4
}

/// The weight of an element at distance x: equation (4) of R. Keys, "Cubic convolution interpolation for digital image
/// processing", 1981.
@inline(__always)
func cubicWeight<T: BinaryFloatingPoint>(_ x: T, _ a: T) -> T {
  if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}

/// The neighbours of one sample along up to three dimensions, with their weights.
struct Neighbours<T: BinaryFloatingPoint & BitwiseCopyable> {
  private var places = InlineArray<12, Int>(repeating: 0)
  private var weights = InlineArray<12, T>(repeating: 1)

  /// Sets those along dimension `d`, of `size` elements, around position `x`.
  @inline(__always)
  mutating func set(
    _ d: Int, _ x: T, _ size: Int, _ mode: SampleMode, _ padding: SamplePadding, corners: Bool
  ) {
    let (low, high): (T, T) = corners ? (0, T(size - 1)) : (-0.5, T(size) - 0.5)
    let rounded = mode == .nearest ? x.rounded(.toNearestOrEven) : x
    let inside = held(rounded, low, high, size, mode, padding)
    let base = inside.rounded(.down)
    let first = base.int - (mode == .cubic ? 1 : 0)
    for t in 0..<mode.rawValue { places[4 * d + t] = place(first + t, low, high, size, padding) }
    setWeights(d, inside - base, mode)
  }

  /// The position brought into the range that the padding mode asks for, and far from overflow.
  private func held(_ x: T, _ low: T, _ high: T, _ size: Int, _ mode: SampleMode, _ padding: SamplePadding)
    -> T
  {
    let isFar = !(abs(x) < 0x1p40)  // Also where x is no number.
    switch padding {
    case .zeros: return isFar ? -0x1p20 : x
    case .border:
      // A cubic sample beyond the border still sees the slope inside.
      let margin: T = mode == .cubic ? 4 : 0
      return x >= low && x <= high ? x : x > 0 ? min(T(size - 1) + margin, x) : x < 0 ? max(-margin, x) : 0
    case .reflection: return x >= low && x <= high ? x : isFar ? 0 : reflected(x, low, high)
    }
  }

  private func reflected(_ x: T, _ low: T, _ high: T) -> T {
    let range = high - low
    guard range > 0 else { return low }
    let distance = x < low ? low - x : x - high
    let turns = (distance / range).rounded(.down)
    let rest = distance - turns * range
    let isEven = (turns / 2).rounded(.down) * 2 == turns
    return (x < low) == isEven ? low + rest : high - rest
  }

  /// The index of an element, -1 for none.
  private func place(_ i: Int, _ low: T, _ high: T, _ size: Int, _ padding: SamplePadding) -> Int {
    if i >= 0 && i < size { return i }
    switch padding {
    case .zeros: return -1
    case .border: return max(0, min(size - 1, i))
    case .reflection: return max(0, min(size - 1, reflected(T(i), low, high).int))
    }
  }

  private mutating func setWeights(_ d: Int, _ ratio: T, _ mode: SampleMode) {
    switch mode {
    case .nearest: weights[4 * d] = 1
    case .linear: (weights[4 * d], weights[4 * d + 1]) = (1 - ratio, ratio)
    case .cubic:
      for t in 0..<4 { weights[4 * d + t] = cubicWeight(abs(ratio + 1 - T(t)), -0.75) }
    }
  }

  /// Writes the flat index of each neighbour, -1 for none, and `scale` times its weight.
  @inline(__always)
  func store(
    _ sizes: InlineArray<3, Int>, _ rank: Int, _ mode: SampleMode, _ scale: T,
    _ flat: UnsafeMutablePointer<Int32>, _ products: UnsafeMutablePointer<T>?
  ) {
    var count = 1
    for _ in 0..<rank { count *= mode.rawValue }
    for t in 0..<count {
      var (rest, index, weight, isOutside) = (count, 0, scale, false)
      for d in 0..<rank {
        rest /= mode.rawValue
        let at = 4 * d + t / rest % mode.rawValue
        isOutside = isOutside || places[at] < 0
        index = index * sizes[d] + places[at]
        weight *= weights[at]
      }
      flat[t] = isOutside ? -1 : Int32(truncatingIfNeeded: index)
      products?[t] = weight
    }
  }
}

extension SampleMode {
  func taps(_ rank: Int) -> Int { (0..<rank).reduce(1) { count, _ in count * rawValue } }
}

/// Up to three sizes for a step's parameters.
func inlineSizes(_ shape: [Int]) -> InlineArray<3, Int> {
  var sizes = InlineArray<3, Int>(repeating: 1)
  for (d, size) in shape.prefix(3).enumerated() { sizes[d] = size }
  return sizes
}

extension Lowering {
  /// Emits y [batch, channels, points] from x [batch, channels, volume]: weighted sums of the elements that `places`
  /// [batch, points, taps] names; without weights a copy of the only one.
  mutating func emitSampling(
    _ x: Operand, _ places: Operand, _ weights: Operand?, _ y: Operand, _ sizes: SamplingParams
  ) {
    var params = sizes
    params.block = max(1, min(params.points, 2048 / params.taps))
    let blocks = (params.points + params.block - 1) / params.block
    let cost = grain(nanoseconds: params.block * (1 + params.taps))
    let items = params.batch * params.channels * blocks
    if let weights {
      emit(
        { dispatch(WeightedSampling.self, Chunk($0, $1, $2, $3)) }, [x, places, y, weights], params,
        dtype: x.dtype, items: items, grain: cost)
    } else {
      emit(
        { dispatch(PlainSampling.self, Chunk($0, $1, $2, $3)) }, [x, places, y], params, dtype: x.dtype,
        items: items, grain: cost)
    }
  }

  /// Flat indices are 32 bits wide.
  func expectVolume(_ volume: Int) throws(MaasError) {
    guard volume > Int(Int32.max) else { return }
    throw MaasError(.unsupported, "the input's planes are too large", found: "\(volume) elements")
  }
}

struct SamplingParams {
  let batch, channels, volume, points, taps: Int
  /// Points of an item.
  fileprivate(set) var block = 1

  init(batch: Int, channels: Int, volume: Int, points: Int, taps: Int) {
    (self.batch, self.channels, self.volume) = (batch, channels, volume)
    (self.points, self.taps) = (points, taps)
  }

  /// What item `i` does.
  @inline(__always)
  fileprivate func item(_ i: Int) -> (plane: Int, image: Int, points: Range<Int>) {
    let blocks = (points + block - 1) / block
    let first = i % blocks * block
    return (i / blocks, i / blocks / channels, first..<min(points, first + block))
  }
}

/// x, places, y, weights.
private enum WeightedSampling: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(SamplingParams.self).pointee
    for i in chunk.begin..<chunk.end {
      let item = p.item(i)
      let x = chunk.input(0, as: T.self) + item.plane * p.volume
      let y = chunk.output(2, as: T.self) + item.plane * p.points
      for point in item.points {
        let first = (item.image * p.points + point) * p.taps
        let (places, weights) = (chunk.input(1, as: Int32.self) + first, chunk.input(3, as: T.self) + first)
        var sum: T = 0
        for t in 0..<p.taps where places[t] >= 0 { sum += weights[t] * x[Int(places[t])] }
        y[point] = sum
      }
    }
    return StepStatus.ok
  }
}

/// x, places, y.
private enum PlainSampling: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(SamplingParams.self).pointee
    for i in chunk.begin..<chunk.end {
      let item = p.item(i)
      let x = chunk.input(0, as: T.self) + item.plane * p.volume
      let y = chunk.output(2, as: T.self) + item.plane * p.points
      for point in item.points {
        let place = Int(chunk.input(1, as: Int32.self)[item.image * p.points + point])
        if place >= 0 { y[point] = x[place] } else { clear(y + point) }
      }
    }
    return StepStatus.ok
  }
}
