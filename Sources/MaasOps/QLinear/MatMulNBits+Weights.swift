import CMaasSystem
import MaasCore
import MaasGraph

extension MatMulNBits {
  /// The operator for a product with quantized weights, and the weights as it reads them.
  package struct Weights {
    package let op: MatMulNBits
    package let codes, scales: Tensor
    /// Nil where they are all in the middle of the codes' range.
    package let zeros: Tensor?
  }

  /// What DequantizeLinear reads of a matrix of integers [K, N], or [N, K] where it is transposed. `block` neighbours
  /// along K share a scale and a zero point, or all of a column, or the whole matrix, if it is 0. Nil where the
  /// operator has no such codes or blocks.
  package static func weights(
    _ w: Tensor, scales: Tensor, zeros: Tensor?, block: Int, isTransposed: Bool
  ) throws(MaasError) -> Weights? {
    guard w.shape.count == 2, w.count > 0, [.int4, .uint4, .int8, .uint8].contains(w.dtype),
      scales.dtype == .float,
      zeros?.count ?? scales.count == scales.count
    else { return nil }
    let (k, n) = isTransposed ? (w.shape[1], w.shape[0]) : (w.shape[0], w.shape[1])
    let own = block > 0 ? block : largestBlock(k)
    guard own >= 16, own & (own - 1) == 0 else { return nil }
    let matrix = CodeMatrix(k: k, n: n, block: own, isTransposed: isTransposed)
    let groups = block > 0 ? matrix.blocks * n : scales.count == 1 ? 1 : n
    guard scales.count == groups else { return nil }
    let op = MatMulNBits(k: k, n: n, bits: w.dtype.bitWidth, block: own)
    return Weights(
      op: op, codes: try matrix.codes(w), scales: try matrix.scales(scales, isBlocked: block > 0),
      zeros: try matrix.zeros(zeros, w.dtype, isBlocked: block > 0))
  }

  /// Blocks for a scale that holds for a whole column.
  private static func largestBlock(_ k: Int) -> Int {
    [128, 64, 32, 16].first { k % $0 == 0 } ?? 32
  }
}

private struct CodeMatrix {
  let k, n, block: Int
  let isTransposed: Bool
  var blocks: Int { (k + block - 1) / block }

  /// The codes of every column, block by block. Those of signed integers count from the lowest.
  func codes(_ w: Tensor) throws(MaasError) -> Tensor {
    let bits = w.dtype.bitWidth
    let row = blocks * block * bits / 8
    let made = try Tensor(.uint8, [n, blocks, block * bits / 8])
    maas_sys_zero(made.bytes, made.byteCount)
    let (from, to) = (
      w.bytes.assumingMemoryBound(to: UInt8.self), made.bytes.assumingMemoryBound(to: UInt8.self)
    )
    for column in 0..<n {
      for p in 0..<k {
        let code = code(from, isTransposed ? column * k + p : p * n + column, w.dtype)
        to[column * row + p * bits / 8] |= code &<< UInt8(truncatingIfNeeded: p * bits % 8)
      }
    }
    return made
  }

  private func code(_ x: UnsafePointer<UInt8>, _ i: Int, _ dtype: DType) -> UInt8 {
    let bits = dtype.bitWidth
    let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
    return smallBits(x, i, bits) & mask ^ (dtype.isCounted ? 0 : 1 &<< UInt8(bits - 1))
  }

  /// Where the number of a column's block stands among those of the model.
  private func place(_ count: Int, _ column: Int, _ b: Int, _ isBlocked: Bool) -> Int {
    if count == 1 { return 0 }
    guard isBlocked else { return column }
    return isTransposed ? column * blocks + b : b * n + column
  }

  func scales(_ given: Tensor, isBlocked: Bool) throws(MaasError) -> Tensor {
    let numbers = given.elements(as: Float.self)
    var made: [Float] = []
    made.reserveCapacity(n * blocks)
    for column in 0..<n {
      for b in 0..<blocks { made.append(numbers[place(numbers.count, column, b, isBlocked)]) }
    }
    return try Tensor(.float, [n, blocks], made)
  }

  func zeros(_ given: Tensor?, _ dtype: DType, isBlocked: Bool) throws(MaasError) -> Tensor? {
    let bits = dtype.bitWidth
    let middle = UInt8(1) &<< UInt8(bits - 1)
    var codes = [UInt8](repeating: dtype.isCounted ? 0 : middle, count: given?.count ?? 1)
    if let given {
      let from = given.bytes.assumingMemoryBound(to: UInt8.self)
      for i in codes.indices { codes[i] = code(from, i, dtype) }
    }
    if codes.allSatisfy({ $0 == middle }) { return nil }
    let row = (blocks * bits + 7) / 8
    var made = [UInt8](repeating: 0, count: n * row)
    for column in 0..<n {
      for b in 0..<blocks {
        let code = codes[place(codes.count, column, b, isBlocked)]
        made[column * row + b * bits / 8] |= code &<< UInt8(truncatingIfNeeded: b * bits % 8)
      }
    }
    return try Tensor(.uint8, [n, row], made)
  }
}

extension DType {
  /// Whether its patterns count from 0 on.
  fileprivate var isCounted: Bool { self == .uint4 || self == .uint8 }
}
