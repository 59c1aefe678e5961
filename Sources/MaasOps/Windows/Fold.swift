import CMaasKernels
import MaasCore
import MaasGraph

/// How blocks of columns become an image: the inverse of taking patches. Sizes are depth, height, width.
struct Fold {
  let image: [Int]
  /// How often the window fits along each dimension.
  let blocks: [Int]
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  let pads: [Int]

  /// `pads` are those before the first element.
  init(image: [Int], blocks: [Int], kernel: [Int], pads: [Int], _ sizes: Window.Sizes) {
    self.image = spatial(image, 1)
    self.blocks = spatial(blocks, 1)
    self.kernel = spatial(kernel, 1)
    self.pads = spatial(pads, 0)
    strides = spatial(sizes.strides, 1)
    dilations = spatial(sizes.dilations, 1)
  }
}

extension Lowering {
  /// Emits y [planes, image...], the sums of x [planes, kernel..., blocks...] where windows overlap, plus the bias of
  /// the plane. Types are float, double and int64.
  mutating func emitFold(_ fold: Fold, _ x: Operand, _ bias: Operand?, _ y: Operand) {
    let params = FoldParams(
      image: inlineSizes(fold.image), blocks: inlineSizes(fold.blocks), kernel: inlineSizes(fold.kernel),
      strides: inlineSizes(fold.strides), dilations: inlineSizes(fold.dilations),
      pads: inlineSizes(fold.pads), channels: max(1, bias?.count ?? 1))
    let taps = fold.kernel.reduce(1, *) * fold.blocks[2] / fold.strides[0] / fold.strides[1]
    emit(
      { runFold(Chunk($0, $1, $2, $3)) }, [x, bias, y], params, dtype: y.dtype,
      items: fold.image[2] == 0 ? 0 : y.count / fold.image[2],
      grain: grain(nanoseconds: 20 + fold.image[2] / 4 + taps / 2))
  }
}

private struct FoldParams {
  let image, blocks, kernel, strides, dilations, pads: InlineArray<3, Int>
  let channels: Int
}

/// x, bias or NULL, y. Items are rows of the image.
private func runFold(_ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .double: fold(chunk, Double.self)
  case .int64: fold(chunk, Int64.self)
  default: fold(chunk, Float.self)
  }
  return StepStatus.ok
}

private func fold<T: Number>(_ chunk: Chunk, _ type: T.Type) {
  let p = chunk.params(FoldParams.self).pointee
  let (height, width) = (p.image[1], p.image[2])
  let area = p.blocks[1] * p.blocks[2]
  let tapSize = p.blocks[0] * area
  let planeSize = p.kernel[0] * p.kernel[1] * p.kernel[2] * tapSize
  for item in chunk.begin..<chunk.end {
    let plane = item / height / p.image[0]
    let y = chunk.output(2, as: T.self) + item * width
    let start = chunk.optional(1, as: T.self)?[plane % p.channels] ?? .zero
    for i in 0..<width { y[i] = start }
    let x = chunk.input(0, as: T.self) + plane * planeSize
    for kz in 0..<p.kernel[0] {
      guard let z = block(p, 0, item / height % p.image[0], kz) else { continue }
      for ky in 0..<p.kernel[1] {
        guard let row = block(p, 1, item % height, ky) else { continue }
        let tap = (kz * p.kernel[1] + ky) * p.kernel[2]
        add(p, x + (tap * tapSize + z * area + row * p.blocks[2]), tapSize, y)
      }
    }
  }
}

/// The block whose tap `k` falls on position `i` along dimension `d`.
@inline(__always)
private func block(_ p: FoldParams, _ d: Int, _ i: Int, _ k: Int) -> Int? {
  let distance = i + p.pads[d] - k * p.dilations[d]
  guard distance >= 0, distance % p.strides[d] == 0 else { return nil }
  let index = distance / p.strides[d]
  return index < p.blocks[d] ? index : nil
}

/// Adds the rows of all taps of one kernel row.
@inline(__always)
private func add<T: Number>(
  _ p: FoldParams, _ x: UnsafePointer<T>, _ tapSize: Int, _ y: UnsafeMutablePointer<T>
) {
  let step = p.strides[2]
  for k in 0..<p.kernel[2] {
    let row = x + k * tapSize
    let first = k * p.dilations[2] - p.pads[2]  // Where block 0 falls.
    let begin = first >= 0 ? 0 : (-first + step - 1) / step
    let end = min(p.blocks[2], p.image[2] <= first ? 0 : (p.image[2] - first + step - 1) / step)
    guard begin < end else { continue }
    if step == 1 {
      let target = y + first
      for i in begin..<end { target[i] = T.sum(target[i], row[i]) }
    } else {
      for i in begin..<end { y[first + i * step] = T.sum(y[first + i * step], row[i]) }
    }
  }
}
