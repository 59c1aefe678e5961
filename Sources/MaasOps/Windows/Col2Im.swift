import MaasCore
import MaasGraph

/// Column blocks, as a convolution's patches, added up to images.
package final class Col2Im: ReadableOperator {
  package let name = "Col2Im"
  private let window: Window

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, DType.numbers + [.bool, .complex64, .complex128])
    try node.expectDType(1, [.int64])
    try node.expectDType(2, [.int64])
    try node.expectRank(0, 3)
    let dtype = try node.dtype(0)
    let x = try node.shape(0) ?? node.unknownShape(rank: 3)
    let (image, block) = (try node.dims(1), try node.dims(2))
    guard let image, let block else {
      let rank = image?.count ?? block?.count
      return node.setOutput(0, dtype, rank.flatMap { $0 > 0 ? node.unknownShape(rank: $0 + 2) : nil })
    }
    guard image.count == block.count, (image + block).allSatisfy({ ($0.value ?? 1) > 0 }) else {
      throw MaasError(
        .shapeMismatch, "the shapes of image and block do not fit", expected: "as many positive sizes",
        found: "\(Shape(image).text) and \(Shape(block).text)")
    }
    let sizes = try window.sizes(rank: image.count, weights: block)
    let blocks = try window.output(image, sizes)
    _ = try unified(Shape(blocks).count, x[2], "the blocks that fit the image and those of the input")
    node.setOutput(0, dtype, [x[0], try channels(x[1], Shape(block).count) ?? node.unknownDim()] + image)
  }

  private func channels(_ rows: Dim, _ block: Dim) throws(MaasError) -> Dim? {
    let result = rows.exactlyDivided(by: block)
    guard result == nil, let rows = rows.value, let block = block.value else { return result }
    throw MaasError(
      .shapeMismatch, "the rows of the input are no whole blocks", expected: "a multiple of \(block)",
      found: "\(rows)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let (image, block) = (Array(y.shape[2...]), try node.integers(2))
    let sizes = try window.sizes(rank: image.count, weights: block.map { .known($0) })
    let blocks = try window.output(image.map { .known($0) }, sizes).map { $0.value ?? 0 }
    let fold = Fold(image: image, blocks: blocks, kernel: block, pads: sizes.begin, sizes)
    if x.dtype == .complex64 || x.dtype == .complex128 { return try node.emitComplexFold(fold, x, y) }
    let type = DType.floats.contains(x.dtype) ? x.dtype.floating : .int64
    let target = try node.target(y, type)
    node.emitFold(fold, try node.converted(x, type), nil, target)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Real and imaginary parts as planes of their own.
  fileprivate mutating func emitComplexFold(_ fold: Fold, _ x: Operand, _ y: Operand) throws(MaasError) {
    let type: DType = x.dtype == .complex64 ? .float : .double
    let columns = try temporary(type, [2] + x.shape)
    let images = try temporary(type, [2] + y.shape)
    try emitCopy(
      try Operand(x.buffer, type, x.shape + [2]), columns, [2, x.count], xStrides: [1, 2],
      yStrides: [x.count, 1])
    emitFold(fold, columns, nil, images)
    try emitCopy(
      images, try Operand(y.buffer, type, y.shape + [2]), [y.count, 2], xStrides: [1, y.count],
      yStrides: [2, 1])
  }
}
