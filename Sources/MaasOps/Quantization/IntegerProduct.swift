import CMaasKernels
import MaasCore
import MaasGraph

/// One side of a product of 8-bit integers, with the zero point that is taken off its elements.
struct IntegerSide {
  let x: Operand
  let zero: Operand?

  init(_ x: Operand, _ zero: Operand?) {
    self.x = x
    self.zero = zero
  }

  var isSigned: Bool { x.dtype == .int8 }

  /// The one number that the zero point is known to be everywhere; nil where only a run can tell or they differ.
  var knownZero: Int? {
    guard let zero else { return 0 }
    guard let numbers = zero.constant?.integers, let first = numbers.first,
      numbers.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }

  /// What the kernel reads besides x: nothing where the number is among the parameters.
  var zeroOperand: Operand? { knownZero == nil ? zero : nil }
}

extension Lowering {
  /// Emits Y = (A - its zero point) (B - its zero point) in int32, for matrices of 8-bit integers, of which B may be
  /// transposed. A zero point is one number, one for each row of A or column of B, or one for each row or column of all matrices.
  @inline(never)
  mutating func emitIntegerProduct(
    _ product: MatrixProduct, _ a: IntegerSide, _ b: IntegerSide, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    var params = maas_s16_gemm_params()
    (params.m, params.n, params.k) = (Int64(product.m), Int64(product.n), Int64(product.k))
    params.batch_rank = Int32(product.batch.count)
    assign(&params.batch, product.batch)
    assign(&params.a_batch, product.aBatch)
    assign(&params.b_batch, product.bBatch)
    assign(&params.y_batch, product.yBatch)
    let split = maas_s16_gemm_split(&params)
    emit(maas_s16_gemm, [try rows(a, k: product.k), try panels(b, product), y], params, split, dtype: .int32)
  }

  /// The rows of A as 16-bit differences: made once if A and its zero point are constant.
  private mutating func rows(_ a: IntegerSide, k: Int) throws(MaasError) -> Operand {
    var params = maas_s16_rows_params()
    params.is_signed = a.isSigned
    (params.rows, params.k) = (Int64(k == 0 ? 0 : a.x.count / k), Int64(k))
    params.zeros = Int64(a.zeroOperand?.count ?? 0)
    params.zero = Int32(a.knownZero ?? 0)
    let split = maas_s16_rows_split(&params)
    let elements = MaasCore.product(Int(params.rows), k + k % 2)
    return try differences(
      a, maas_s16_rows, params, split, bytes: elements.flatMap { MaasCore.product($0, 2) },
      layout: "s16_rows \(k) \(params.zero) \(a.isSigned)")
  }

  private mutating func panels(_ b: IntegerSide, _ product: MatrixProduct) throws(MaasError) -> Operand {
    var params = maas_s16_pack_params()
    params.is_signed = b.isSigned
    (params.k, params.n, params.count) = (Int64(product.k), Int64(product.n), Int64(product.bCount))
    (params.b_row, params.b_col) = (Int64(product.bRow), Int64(product.bColumn))
    params.zeros = Int64(b.zeroOperand?.count ?? 0)
    params.zero = Int32(b.knownZero ?? 0)
    let split = maas_s16_pack_split(&params)
    let one = Int(maas_s16_packed_bytes(params.k, params.n))
    return try differences(
      b, maas_s16_pack, params, split, bytes: one < 0 ? nil : MaasCore.product(one, product.bCount),
      layout: "s16_pack \(product.k) \(product.n) \(product.bRow) \(params.zero) \(b.isSigned)")
  }

  private mutating func differences<Params: BitwiseCopyable>(
    _ side: IntegerSide, _ run: maas_step_run, _ params: Params, _ split: maas_split, bytes: Int?,
    layout: String
  ) throws(MaasError) -> Operand {
    guard let bytes else { throw MaasError(.limitExceeded, "the packed matrix is too large") }
    if side.x.constant != nil, side.zeroOperand == nil {
      return try packed(
        side.x, layout: layout, byteCount: bytes, run, params, items: Int(split.items),
        grain: Int(split.grain))
    }
    let made = try temporary(.uint8, [bytes])
    emit(run, [made, side.x, side.zeroOperand], params, split, dtype: .int16)
    return made
  }
}
