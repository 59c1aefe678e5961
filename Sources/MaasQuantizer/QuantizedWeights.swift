import MaasCore
import MaasRuntime

/// The weights of a layer as whole numbers.
enum QuantizedWeights {
  case channels(ChannelWeights)
  case blocks(BlockWeights)
}

/// Signed bytes with a scale for each column, and a zero point for each unless they are symmetric.
struct ChannelWeights {
  let columns, rows: Int
  /// [columns, rows]
  let codes: Tensor
  let scales: Tensor
  let zeros: Tensor?

  init(_ filters: Filters, isSymmetric: Bool, threads: Int) throws(MaasError) {
    (columns, rows) = (filters.columns, filters.rows)
    codes = try Tensor(.int8, [columns, rows])
    scales = try Tensor(.float, [columns])
    zeros = isSymmetric ? nil : try Tensor(.int8, [columns])
    let weights = self
    inParallel(columns, grain: 8, threads: threads) { columns in
      for i in columns { weights.round(filters.column(i), i, isSymmetric) }
    }
  }

  private func round(_ column: UnsafePointer<Float>, _ i: Int, _ isSymmetric: Bool) {
    let codes = codes.bytes.assumingMemoryBound(to: Int8.self) + i * rows
    let grid = Run(base: column, count: rows).signedBytes(isSymmetric: isSymmetric)
    scales.floats[i] = grid.scale
    zeros?.bytes.storeBytes(of: Int8(grid.zero), toByteOffset: i, as: Int8.self)
    for j in 0..<rows { codes[j] = Int8(grid.code(column[j])) }
  }

  private func zero(_ i: Int) -> Int8 { zeros?.bytes.load(fromByteOffset: i, as: Int8.self) ?? 0 }

  /// The codes with columns as the last dimension.
  func transposed() throws(MaasError) -> Tensor {
    let result = try Tensor(.int8, [rows, columns])
    transpose(
      codes.bytes.assumingMemoryBound(to: Int8.self), [columns, rows],
      result.bytes.assumingMemoryBound(to: Int8.self))
    return result
  }

  /// What the codes stand for, in place of the filters.
  func restore(_ filters: Filters) {
    let codes = codes.bytes.assumingMemoryBound(to: Int8.self)
    for i in 0..<columns {
      let (column, scale, zero) = (filters.column(i), scales.floats[i], Float(zero(i)))
      for j in 0..<rows { column[j] = (Float(codes[i * rows + j]) - zero) * scale }
    }
  }
}

/// How weights divide into blocks of codes.
struct BlockShape {
  let columns, rows, bits, block: Int

  /// Of a column.
  var blocks: Int { (rows + block - 1) / block }
  /// Of a column's codes.
  var codeBytes: Int { blocks * blockBytes }
  var blockBytes: Int { block * bits / 8 }
  /// Of a column's zero points, where they are codes.
  var zeroBytes: Int { (blocks * bits + 7) / 8 }
}

/// Blocks of codes, each with a scale and a zero point, as com.microsoft's MatMulNBits has them.
struct BlockWeights {
  let shape: BlockShape
  /// [columns, blocks, bytes of a block]
  let codes: Tensor
  /// [columns * blocks]
  let scales: Tensor
  /// Codes, a row of bytes for each column, or of 2 bits floats like the scales; nil where zero is the middle code.
  let zeros: Tensor?
}

/// Blocks of codes while they are found, one column after the other.
struct BlockPacker {
  let shape: BlockShape
  let isSymmetric: Bool
  private let codes: Tensor
  private let scales: Tensor
  private let zeros: Tensor?

  init(columns: Int, rows: Int, _ options: QuantizationOptions) throws(MaasError) {
    shape = BlockShape(columns: columns, rows: rows, bits: options.bits, block: options.block)
    isSymmetric = options.isSymmetric
    guard product(shape.blocks, shape.blockBytes) != nil,
      let scaleCount = product(columns, shape.blocks)
    else {
      throw MaasError(.limitExceeded, "the weights are too large for blocks")
    }
    codes = try Tensor(.uint8, [columns, shape.blocks, shape.blockBytes])
    scales = try Tensor(.float, [scaleCount])
    zeros =
      options.isSymmetric
      ? nil
      : options.bits == 2
        ? try Tensor(.float, [scaleCount]) : try Tensor(.uint8, [columns * shape.zeroBytes])
    for tensor in [codes, zeros].compactMap({ $0 }) {
      for i in 0..<tensor.byteCount { tensor.bytes.storeBytes(of: 0, toByteOffset: i, as: UInt8.self) }
    }
  }

  /// Notes the scale and zero of a block.
  func set(_ grid: Grid, column: Int, block index: Int) {
    scales.floats[column * shape.blocks + index] = grid.scale
    guard let zeros else { return }
    if zeros.dtype == .float {
      zeros.floats[column * shape.blocks + index] = grid.zero
    } else {
      BlockPacker.put(Int(grid.zero), shape.bits, zeros.bytes + column * shape.zeroBytes, at: index)
    }
  }

  /// Notes the code of one weight.
  func set(_ code: Float, column: Int, row: Int) {
    BlockPacker.put(Int(code), shape.bits, codes.bytes + column * shape.codeBytes, at: row)
  }

  private static func put(_ code: Int, _ bits: Int, _ bytes: UnsafeMutableRawPointer, at i: Int) {
    let bit = i * bits
    let byte = bytes.load(fromByteOffset: bit / 8, as: UInt8.self)
    bytes.storeBytes(
      of: byte | UInt8(truncatingIfNeeded: code << (bit % 8)), toByteOffset: bit / 8, as: UInt8.self)
  }

  func finished() -> BlockWeights {
    BlockWeights(shape: shape, codes: codes, scales: scales, zeros: zeros)
  }
}

extension BlockWeights {
  /// Every block by itself. The filters become what the codes stand for.
  init(_ filters: Filters, _ options: QuantizationOptions) throws(MaasError) {
    let packer = try BlockPacker(columns: filters.columns, rows: filters.rows, options)
    inParallel(filters.columns, grain: 8, threads: options.threads) { columns in
      for i in columns {
        for b in 0..<packer.shape.blocks { packer.round(filters.column(i), column: i, block: b) }
      }
    }
    self = packer.finished()
  }
}

extension BlockPacker {
  fileprivate func round(_ values: UnsafeMutablePointer<Float>, column: Int, block index: Int) {
    let first = index * shape.block
    let count = min(shape.block, shape.rows - first)
    let grid = Run(base: values + first, count: count).blockCodes(bits: shape.bits, isSymmetric: isSymmetric)
    set(grid, column: column, block: index)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { codes in
      for j in 0..<count { codes[j] = grid.code(values[first + j]) }
      ErrorBalance(grid: grid).apply(values + first, codes)
      for j in 0..<count {
        set(codes[j], column: column, row: first + j)
        values[first + j] = grid.value(codes[j])
      }
    }
    // Behind the last row stands what is multiplied with nothing.
    for j in first + count..<first + shape.block { set(grid.code(0), column: column, row: j) }
  }
}

extension BlockWeights {
  /// What the codes stand for, in place of the filters.
  func restore(_ filters: Filters) {
    for i in 0..<shape.columns {
      let column = filters.column(i)
      for j in 0..<shape.rows {
        let index = j / shape.block
        let code = self.code(codes.bytes + i * shape.codeBytes, j)
        column[j] = (Float(code) - zero(i, index)) * scales.floats[i * shape.blocks + index]
      }
    }
  }

  private func zero(_ column: Int, _ index: Int) -> Float {
    guard let zeros else { return Float(1 << (shape.bits - 1)) }
    return zeros.dtype == .float
      ? zeros.floats[column * shape.blocks + index]
      : Float(code(zeros.bytes + column * shape.zeroBytes, index))
  }

  private func code(_ bytes: UnsafeMutableRawPointer, _ i: Int) -> Int {
    let bit = i * shape.bits
    return Int(bytes.load(fromByteOffset: bit / 8, as: UInt8.self)) >> (bit % 8) & ((1 << shape.bits) - 1)
  }
}
