import CMaasKernels
import MaasCore
import MaasGraph

/// Y = A B + bias for float A and a B [K, N] that is quantized in blocks along K to 2, 4 or 8 bits and stays so.
///
/// Inputs: A, B as bytes [N, blocks, block_size * bits / 8], scales [N, blocks], zero points (codes in bytes, a row for
/// each N, or floats like the scales), the block of each row of B, bias. Sums are made in float; where
/// accuracy_level is 4, A may be rounded to bytes block by block.
package final class MatMulNBits: ReadableOperator {
  package let name = "MatMulNBits"
  private let k, n, bits, block: Int
  /// Whether A may be rounded to bytes.
  private let allowsBytes: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    k = try reader.int("K", default: 0, 1...1 << 40)
    n = try reader.int("N", default: 0, 1...1 << 40)
    bits = try reader.int("bits", default: 4, 2...8)
    block = try reader.int("block_size", default: 0, 16...1 << 30)
    let sumsFit = block * ((1 << bits) - 1) * 127 <= Int32.max
    allowsBytes = try reader.int("accuracy_level", default: 0, 0...4) == 4 && sumsFit
    _ = try reader.int("weight_prepacked", default: 0, 0...0)
    try reader.finish()
    guard block & (block - 1) == 0, [2, 4, 8].contains(bits) else {
      throw MaasError(
        .unsupported, "the blocks or codes have a size that is not supported",
        expected: "a power of two for block_size and 2, 4 or 8 bits", found: "\(block) and \(bits)")
    }
  }

  init(k: Int, n: Int, bits: Int, block: Int) {
    (self.k, self.n, self.bits, self.block) = (k, n, bits, block)
    allowsBytes = false
  }

  private var blocks: Int { (k + block - 1) / block }
  /// Codes of a row with those that fill up its last block.
  private var row: Int { blocks * block }
  /// Bytes of the zero points of a row.
  private var zeroBytes: Int { (blocks * bits + 7) / 8 }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...6)
    try node.expectDType(0, [.float, .float16, .bfloat16])
    try node.expectDType(1, [.uint8])
    for i in [2, 5] where node.has(i) { try node.expectSameDType(0, i) }
    try expectCount(node, 1, [n, blocks, block * bits / 8])
    try expectCount(node, 2, [n, blocks])
    if node.has(3) {
      let dtype = try node.dtype(3)
      try node.expectDType(3, [.uint8, try node.dtype(0)])
      try expectCount(node, 3, [n, dtype == .uint8 ? zeroBytes : blocks])
    }
    if node.has(4) {
      try node.expectDType(4, [.int32])
      if try node.input(4).shape?.count != .known(row) { try expectCount(node, 4, [k]) }
    }
    if node.has(5) { try expectCount(node, 5, [n]) }
    try node.expectMinimumRank(0, 1)
    guard let a = try node.shape(0) else { return node.setOutput(0, try node.dtype(0), nil) }
    _ = try unified(.known(k), a[a.count - 1], "K and the last dimension of A")
    node.setOutput(0, try node.dtype(0), a.dropLast() + [.known(n)])
  }

  private func expectCount(_ node: Inference, _ i: Int, _ shape: [Int]) throws(MaasError) {
    guard let found = try node.input(i).shape, let count = found.count.value, count != elementCount(shape)
    else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) does not fit K, N, bits and block_size", expected: describe(shape),
      found: found.text)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    guard y.count > 0 else { return }
    let target = try node.widenedTarget(y)
    let a = try node.widened(try node.input(0))
    if node.optionalInput(4) != nil {
      try unpackedProduct(&node, a, target)
    } else {
      try packedProduct(&node, a, target)
    }
    node.narrow(target, into: y)
  }

  /// Where the rows of B are not in the order of their blocks: B as floats, then the usual product.
  private func unpackedProduct(
    _ node: inout Lowering, _ a: Operand, _ y: Operand
  ) throws(MaasError) {
    let b = try node.temporary(.float, [n, row])
    let codes = BlockCodes(
      bits: bits, block: block, axis: row, inner: 1, zeroRow: zeroBytes * 8 / bits,
      zero: Float(1 << (bits - 1)))
    node.emitDequantizeBlocks(
      codes, BlockSlices(outer: 1, count: n, size: row), try node.input(1), nil,
      try node.widenedInput(2), try zeros(&node), groups: node.optionalInput(4), b)
    var product = MatrixProduct(m: y.count / n, n: n, k: k)
    (product.bRow, product.bColumn, product.cColumn) = (1, row, 1)
    try node.emitProduct(product, a, b, try node.widenedOptional(5), nil, y)
  }

  private func zeros(_ node: inout Lowering) throws(MaasError) -> Operand? {
    guard let zeros = node.optionalInput(3), zeros.dtype != .uint8 else { return node.optionalInput(3) }
    return try node.widened(zeros)
  }

  private func packedProduct(_ node: inout Lowering, _ a: Operand, _ y: Operand) throws(MaasError) {
    let m = y.count / n
    var params = maas_f32_nbits_params()
    (params.m, params.n, params.k) = (Int64(m), Int64(n), Int64(row))
    (params.block, params.bits, params.zero) = (Int64(block), Int32(bits), Float(1 << (bits - 1)))
    params.a_is_bytes = allowsBytes && maas_f32_nbits_wants_bytes(params.m, params.bits)
    let split = maas_f32_nbits_split(&params)
    let left = try left(&node, try filled(&node, a, m), m, params)
    let operands = [
      left.a, try columns(&node, try words(node.input(1))), try columns(&node, try node.widenedInput(2)),
      try zeroColumns(&node), left.sums, try node.widenedOptional(5), y, left.scales,
    ]
    node.emit(maas_f32_nbits, operands, params, split)
  }

  /// A as the kernel reads it, the sums of its blocks where codes are multiplied as they are, and the scales of bytes.
  private func left(
    _ node: inout Lowering, _ a: Operand, _ m: Int, _ product: maas_f32_nbits_params
  ) throws(MaasError) -> (a: Operand, sums: Operand?, scales: Operand?) {
    guard product.direct else { return (a, nil, nil) }
    let sums = try node.temporary(.float, [m, blocks])
    guard product.a_is_bytes else {
      try node.emitReduce(MAAS_REDUCE_SUM, try a.viewed([m, blocks, block]), sums, [2])
      return (a, sums, nil)
    }
    let (bytes, scales) = (try node.temporary(.int8, [m, row]), try node.temporary(.float, [m, blocks]))
    var params = maas_block_bytes_params(
      blocks: Int64(m * blocks), block: Int64(block), bits: Int32(bits))
    let split = maas_f32_block_bytes_split(&params)
    node.emit(maas_f32_block_bytes, [a, bytes, scales, sums], params, split)
    return (bytes, sums, scales)
  }

  /// The bytes of B as words, which are packed like floats. The constant stays the model's own: another tensor of
  /// the same bytes would be packed anew for every plan.
  private func words(_ b: Operand) throws(MaasError) -> Operand {
    try Operand(b.buffer, .float, [n, row * bits / 32], constant: b.constant)
  }

  /// A [m, K], with zeros up to a whole number of blocks.
  private func filled(_ node: inout Lowering, _ a: Operand, _ m: Int) throws(MaasError) -> Operand {
    guard row != k else { return a }
    let whole = try node.temporary(.float, [m, row])
    try node.emitCopy(
      try node.scalar(0, .float), whole, [m, row - k], xStrides: [0, 0], yStrides: [row, 1], yOffset: k)
    try node.emitCopy(a, whole, [m, k], xStrides: [k, 1], yStrides: [row, 1])
    return whole
  }

  /// A matrix [N, columns] in panels.
  private func columns(_ node: inout Lowering, _ x: Operand) throws(MaasError) -> Operand {
    var product = MatrixProduct(m: 1, n: n, k: x.count / n)
    (product.bRow, product.bColumn) = (1, product.k)
    return try node.panels(x, product)
  }

  /// Zero points in panels like those of the scales.
  private func zeroColumns(_ node: inout Lowering) throws(MaasError) -> Operand? {
    guard let zeros = try zeros(&node) else { return nil }
    if zeros.dtype == .float { return try columns(&node, zeros) }
    var pack = maas_f32_gemm_pack_params()
    (pack.k, pack.n) = (Int64(blocks), Int64(n))
    _ = maas_f32_gemm_pack_split(&pack)
    let params = ZeroParams(n: n, blocks: blocks, row: zeroBytes * 8 / bits, bits: bits, width: Int(pack.nr))
    let panels = (n + params.width - 1) / params.width
    guard let bytes = elementCount([panels, params.width, blocks, MemoryLayout<Float>.size]) else {
      throw MaasError(.limitExceeded, "the packed matrix is too large")
    }
    if zeros.constant != nil {
      return try node.packed(
        zeros, layout: "nbits zeros \(blocks) \(bits)", byteCount: bytes,
        { unpackZeros(Chunk($0, $1, $2, $3)) }, params, items: panels)
    }
    let made = try node.temporary(.uint8, [bytes])
    node.emit({ unpackZeros(Chunk($0, $1, $2, $3)) }, [made, zeros], params, items: panels)
    return made
  }
}

private struct ZeroParams {
  /// `row`: codes of a row; `width`: columns of a panel.
  let n, blocks, row, bits, width: Int
}

/// y in panels, zero points as codes [n, row]. Items are panels.
private func unpackZeros(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(ZeroParams.self).pointee
  let (y, zeros) = (chunk.output(0, as: Float.self), chunk.input(1, as: UInt8.self))
  let mask = UInt8(truncatingIfNeeded: (1 << p.bits) - 1)
  for panel in chunk.begin..<chunk.end {
    for at in 0..<p.blocks * p.width {
      let (block, column) = (at / p.width, panel * p.width + at % p.width)
      let isInside = column < p.n
      y[panel * p.blocks * p.width + at] =
        isInside ? Float(smallBits(zeros, column * p.row + block, p.bits) & mask) : 0
    }
  }
  return StepStatus.ok
}
