import MaasCore
import MaasGraph

/// Slices of a tensor that is quantized in blocks along an axis, dequantized. Where there is no slice the output is 0.
///
/// Codes of 2, 4 or 8 bits come as uint8, several to an element along the last axis, or the tensor has a small type.
package final class GatherBlockQuantized: ReadableOperator {
  package let name = "GatherBlockQuantized"
  private let bits, block, gatherAxis, quantizeAxis: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    bits = try reader.int("bits", default: 4, 2...8)
    block = try reader.int("block_size", default: 128, 0...1 << 30)
    gatherAxis = try reader.int("gather_axis") ?? 0
    quantizeAxis = try reader.int("quantize_axis") ?? 1
    try reader.finish()
    guard block & (block - 1) == 0, block == 0 || block >= 16, [2, 4, 8].contains(bits) else {
      throw MaasError(
        .unsupported, "the blocks or codes have a size that is not supported",
        expected: "a power of two of at least 16 for block_size and 2, 4 or 8 bits",
        found: "\(block) and \(bits)")
    }
  }

  /// Codes in one element of the tensor.
  private func perElement(_ type: DType) -> Int { type == .uint8 ? 8 / bits : 1 }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...4)
    let type = try node.dtype(0)
    try node.expectDType(0, [.int4, .uint4, .uint8, .float4e2m1] + DType.float8s)
    try node.expectDType(1, [.int32, .int64])
    try node.expectDType(2, [.float, .float16, .bfloat16])
    if node.has(3) { try node.expectSameDType(0, 3) }
    let isFloat = SmallFloat.of(type) != nil
    guard !(isFloat && node.has(3)), isFloat || block > 0 else {
      throw MaasError(.invalidModel, "small floats have no zero points, and integers have blocks")
    }
    guard var shape = try node.shape(0), let indices = try node.shape(1) else {
      return node.setOutput(0, try node.dtype(2), nil)
    }
    let (gather, quantize) = try axes(shape.count)
    guard type != .uint8 || (gather == 0 && quantize == shape.count - 1 && gather != quantize) else {
      throw MaasError(.unsupported, "uint8 is gathered along the first axis and quantized along the last")
    }
    shape[shape.count - 1] = shape[shape.count - 1] * .known(perElement(type))
    try check(node, shape, quantize, isFloat: isFloat)
    node.setOutput(
      0, try node.dtype(2), Array(shape[..<gather]) + indices + Array(shape[(gather + 1)...]))
  }

  private func axes(_ rank: Int) throws(MaasError) -> (gather: Int, quantize: Int) {
    (try normalized(axis: gatherAxis, rank: rank), try normalized(axis: quantizeAxis, rank: rank))
  }

  /// `shape` is that of the codes.
  private func check(
    _ node: Inference, _ shape: [Dim], _ quantize: Int, isFloat: Bool
  ) throws(MaasError) {
    for i in [2, 3] where node.has(i) {
      try node.expectRank(i, shape.count)
      guard let own = try node.shape(i) else { continue }
      for d in shape.indices where !(isFloat && own[d] == .known(1)) {
        guard let size = shape[d].value, let found = own[d].value else { continue }
        let count = d == quantize ? blocks(size) : size
        let perByte = i == 3 && d == quantize ? perElement(try node.dtype(3)) : 1
        guard found == (count + perByte - 1) / perByte else {
          throw MaasError(
            .shapeMismatch, "dimension \(d) of input \(i) does not fit the tensor",
            expected: "\((count + perByte - 1) / perByte)", found: "\(found)")
        }
      }
    }
  }

  private func blocks(_ size: Int) -> Int { block == 0 ? min(size, 1) : (size + block - 1) / block }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let (gather, quantize) = try axes(x.rank)
    var shape = x.shape
    let perElement = perElement(x.dtype)
    shape[x.rank - 1] *= perElement
    let inner = shape[(quantize + 1)...].reduce(1, *)
    let blocks = blocks(shape[quantize])
    let codes = BlockCodes(
      bits: x.dtype == .uint8 ? bits : x.dtype.bitWidth,
      block: block == 0 ? shape[quantize] : block, axis: shape[quantize], inner: inner,
      zeroRow: (blocks * inner + perElement - 1) / perElement * perElement,
      zero: x.dtype == .uint8 ? Float(1 << (bits - 1)) : 0)
    let slices = BlockSlices(
      outer: shape[..<gather].reduce(1, *), count: shape[gather], size: shape[(gather + 1)...].reduce(1, *))
    var scales = try node.widenedInput(2)
    shape[quantize] = blocks
    if scales.shape != shape {
      let whole = try node.temporary(.float, shape)
      try node.emitBroadcast(scales, whole)
      scales = whole
    }
    let target = try node.widenedTarget(y)
    node.emitDequantizeBlocks(
      codes, slices, x, try node.converted(try node.input(1), .int64), scales, node.optionalInput(3), target)
    node.narrow(target, into: y)
  }
}
