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
  private var knownZero: Int? {
    guard let zero else { return 0 }
    guard let numbers = zero.constant?.integers, let first = numbers.first,
      numbers.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }

  /// What the kernel reads besides x, or the number among its parameters that stands for it.
  var zeroPoint: (operand: Operand?, number: Int32) {
    knownZero.map { (nil, Int32(truncatingIfNeeded: $0)) } ?? (zero, 0)
  }
}

/// What becomes of the sums of a product of 8-bit integers, as maas_s8_finish has it. A scale is one number, or one
/// for each row of A or column of B; a bias has one for each column, in int32 before the scales or in float.
struct IntegerFinish {
  var aScale: Operand?
  var bScale: Operand?
  var bias: Operand?
  var residual: Operand?
  var yScale: Operand?
  var yZero: Operand?
  /// What is added to bytes, a number for each column, and the scale and zero point of those sums.
  var more: [Operand?] = [nil, nil, nil]
  var activation = Activation.none

  func params(_ a: IntegerSide, _ b: IntegerSide, to y: DType) -> maas_s8_finish {
    var params = maas_s8_finish()
    (params.a_is_signed, params.b_is_signed) = (a.isSigned, b.isSigned)
    (params.a_zero, params.b_zero) = (a.zeroPoint.number, b.zeroPoint.number)
    params.a_zeros = Int64(a.zeroPoint.operand?.count ?? 0)
    params.b_zeros = Int64(b.zeroPoint.operand?.count ?? 0)
    (params.a_scales, params.b_scales) = (Int64(aScale?.count ?? 0), Int64(bScale?.count ?? 0))
    params.bias_is_integer = bias?.dtype == .int32
    params.y_type = y.productElement
    params.activation = activation.function
    return params
  }

  /// As maas_s8_operand lists them.
  func operands(_ a: IntegerSide, _ b: IntegerSide, _ panels: Operand, _ y: Operand) -> [Operand?] {
    [a.x, panels, y, a.zeroPoint.operand, b.zeroPoint.operand, aScale, bScale, bias, residual, yScale, yZero]
      + more
  }
}

extension DType {
  fileprivate var productElement: maas_element {
    switch self {
    case .int32: MAAS_ELEMENT_S32
    case .float: MAAS_ELEMENT_F32
    case .int8: MAAS_ELEMENT_S8
    default: MAAS_ELEMENT_U8
    }
  }
}

extension Lowering {
  /// Emits Y = (A - its zero point) (B - its zero point), finished, for matrices of 8-bit integers, of which B may be
  /// transposed, to int32, float or 8-bit integers. A zero point is one number, one for each row of A or column of B,
  /// or one for each row or column of all matrices.
  @inline(never)
  mutating func emitIntegerProduct(
    _ product: MatrixProduct, _ a: IntegerSide, _ b: IntegerSide, _ finish: IntegerFinish, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    var params = maas_s8_gemm_params()
    (params.m, params.n, params.k) = (Int64(product.m), Int64(product.n), Int64(product.k))
    (params.a_row, params.y_row) = (params.k, params.n)
    params.batch_rank = Int32(product.batch.count)
    assign(&params.batch, product.batch)
    assign(&params.a_batch, product.aBatch)
    assign(&params.b_batch, product.bBatch)
    assign(&params.y_batch, product.yBatch)
    params.finish = finish.params(a, b, to: y.dtype)
    let split = maas_s8_gemm_split(&params)
    let panels = try bytePanels(b, product)
    emit(maas_s8_gemm, finish.operands(a, b, panels, y), params, split, dtype: a.x.dtype)
  }

  /// B in the kernel's layout: packed once if it is constant, else by a step of every run.
  mutating func bytePanels(_ b: IntegerSide, _ product: MatrixProduct) throws(MaasError) -> Operand {
    var params = maas_s8_pack_params()
    params.is_signed = b.isSigned
    (params.k, params.n, params.count) = (Int64(product.k), Int64(product.n), Int64(product.bCount))
    (params.b_row, params.b_col) = (Int64(product.bRow), Int64(product.bColumn))
    params.is_constant = b.x.constant != nil
    params.in_order = params.is_constant
    let split = maas_s8_pack_split(&params)
    let one = Int(maas_s8_packed_bytes(params.k, params.n))
    guard one >= 0, let bytes = MaasCore.product(one, product.bCount) else {
      throw MaasError(.limitExceeded, "the packed matrix is too large")
    }
    guard b.x.constant == nil else {
      return try packed(
        b.x, layout: "s8_pack \(product.k) \(product.n) \(product.bRow) \(b.isSigned)", byteCount: bytes,
        maas_s8_pack, params, items: Int(split.items), grain: Int(split.grain))
    }
    let made = try temporary(.uint8, [bytes])
    emit(maas_s8_pack, [made, b.x], params, split, dtype: b.x.dtype)
    return made
  }
}
