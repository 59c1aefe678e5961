import CMaasKernels
import MaasCore
import MaasGraph

/// Y = activation(alpha A B + beta C + R), batched: what MatMul and Gemm come down to.
struct MatrixProduct {
  var (m, n, k) = (0, 0, 0)
  /// Elements between neighbours in a column and in a row of A and B.
  var (aRow, aColumn) = (0, 1)
  var (bRow, bColumn) = (0, 1)
  /// Elements between panels of B's rows, where those are its columns; 0 for no panels.
  var bPanel = 0
  /// The same of C, 0 where it is broadcast.
  var (cRow, cColumn) = (0, 0)
  var alpha: Float = 1
  var beta: Float = 1
  var activation = Activation.none
  /// The batch dimensions of Y, and how many matrices lie between neighbours along each in A, B and Y.
  var batch: [Int] = []
  var (aBatch, bBatch, yBatch): ([Int], [Int], [Int]) = ([], [], [])
  /// Elements between neighbours along each batch dimension of C.
  var cBatch: [Int] = []
  /// How many matrices B holds.
  var bCount = 1
  /// Elements between rows of Y, its matrices and those of A and B; nil where they are contiguous.
  var (yRow, yStep, aStep, bStep): (Int?, Int?, Int?, Int?)
  /// Elements between panels of Y's columns; 0 where its rows are whole.
  var yPanel = 0
  /// Whether B or Y is weights that are trained, or their gradient.
  var isStepped = false
  /// Where A begins in its operand, and a B that is read where it lies.
  var (aOffset, bOffset) = (0, 0)

  /// For contiguous matrices A [m, k] and B [k, n].
  init(m: Int, n: Int, k: Int) {
    (self.m, self.n, self.k) = (m, n, k)
    (aRow, bRow) = (k, n)
  }

  /// Adds the batch dimensions. Where B has a single matrix and A's batch is Y's, they become rows of A.
  mutating func setBatch(_ a: [Int], _ b: [Int], to y: [Int]) throws(MaasError) {
    bCount = b.reduce(1, *)
    if bCount == 1, a.reduce(1, *) == y.reduce(1, *), aColumn == 1, aRow == k {
      m *= y.reduce(1, *)
      return
    }
    let walk = try Walk(
      y, strides: [broadcastStrides(a, to: y), broadcastStrides(b, to: y), contiguousStrides(y)])
    guard walk.dims.count <= Int(MAAS_MAX_BATCH_RANK) else {
      throw MaasError(.unsupported, "the matrices have too many batch dimensions", found: describe(y))
    }
    batch = walk.dims
    (aBatch, bBatch, yBatch) = (walk.strides[0], walk.strides[1], walk.strides[2])
  }

  fileprivate var params: maas_f32_gemm_params {
    var params = maas_f32_gemm_params()
    (params.m, params.n, params.k) = (Int64(m), Int64(n), Int64(k))
    (params.a_row, params.a_col) = (Int64(aRow), Int64(aColumn))
    (params.c_row, params.c_col) = (Int64(cRow), Int64(cColumn))
    (params.y_row, params.y_panel) = (Int64(yRow ?? n), Int64(yPanel))
    (params.alpha, params.beta) = (alpha, beta)
    params.activation = activation.function
    params.batch_rank = Int32(batch.count)
    assign(&params.batch, batch)
    (params.a_offset, params.is_stepped) = (Int64(aOffset), isStepped)
    assign(&params.a_batch, aBatch.map { $0 * (aStep ?? m * k) })
    assign(&params.b_batch, bBatch)
    assign(&params.c_batch, cBatch)
    assign(&params.y_batch, yBatch.map { $0 * (yStep ?? m * n) })
    return params
  }

  /// With a B that is read where it lies.
  var plainParams: maas_f32_gemm_params {
    var params = params
    usePlainB(&params)
    return params
  }

  /// B is read where it lies: packing it pays only where it is done once.
  fileprivate func usePlainB(_ params: inout maas_f32_gemm_params) {
    params.b_form = MAAS_GEMM_B_PLAIN
    (params.b_row, params.b_col, params.b_panel) = (Int64(bRow), Int64(bColumn), Int64(bPanel))
    params.b_offset = Int64(bOffset)
    assign(&params.b_batch, bBatch.map { $0 * k * n })
  }

  fileprivate var packParams: maas_f32_gemm_pack_params {
    var params = maas_f32_gemm_pack_params()
    (params.k, params.n) = (Int64(k), Int64(n))
    (params.b_row, params.b_col) = (Int64(bRow), Int64(bColumn))
    params.batch_rank = 1
    assign(&params.batch, [bCount])
    assign(&params.b_batch, [bStep ?? k * n])
    return params
  }
}

/// What the caches of most servers hold: no model with more weights finds them there again in its next run.
private let (secondLevelBytes, lastLevelBytes) = (1 << 20, 1 << 25)

/// How `emitProduct` has B lie.
func productForm(_ b: Operand) -> maas_gemm_b {
  guard b.constant != nil else { return MAAS_GEMM_B_PLAIN }
  return switch b.dtype {
  case .float16: MAAS_GEMM_B_PACKED_F16
  case .bfloat16: MAAS_GEMM_B_PACKED_BF16
  default: MAAS_GEMM_B_PACKED
  }
}

extension Lowering {
  /// A factor B as emitProduct takes it: a constant of 16 bits stays one.
  mutating func rightFactor(_ i: Int) throws(MaasError) -> Operand {
    let b = try input(i)
    return b.constant == nil ? try widened(b) : b
  }

  /// Emits the product of float operands; a constant `b` may also have 16 bits. `c` and `residual` may be nil;
  /// `residual` has y's shape.
  @inline(never)
  mutating func emitProduct(
    _ product: MatrixProduct, _ a: Operand, _ b: Operand, _ c: Operand?, _ residual: Operand?, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    let right = b.constant == nil ? b : try panels(b, product)
    emitProduct(product, a, right, productForm(b), c, residual, y)
  }

  /// With a B that already lies as `form` says.
  mutating func emitProduct(
    _ product: MatrixProduct, _ a: Operand, _ right: Operand, _ form: maas_gemm_b, _ c: Operand?,
    _ residual: Operand?, _ y: Operand
  ) {
    var params = product.params
    if form == MAAS_GEMM_B_PLAIN {
      product.usePlainB(&params)
    } else {
      params.b_form = form
      params.b_is_far = weightBytes > lastLevelBytes && right.byteCount > secondLevelBytes
    }
    let split = maas_f32_gemm_split(&params)
    emit(maas_f32_gemm, [a, right, c, residual, y], params, split)
  }

  #if !hasFeature(Embedded)
    /// Emits the product of doubles.
    mutating func emitDoubleProduct(
      _ product: MatrixProduct, _ a: Operand, _ b: Operand, _ c: Operand?, _ y: Operand
    ) {
      var params = product.params
      product.usePlainB(&params)
      let split = maas_f64_gemm_split(&params)
      emit(maas_f64_gemm, [a, b, c, nil, y], params, split, dtype: .double)
    }
  #endif

  /// B in the kernel's layout: packed once if it is constant, else by a step of every run.
  mutating func panels(_ b: Operand, _ product: MatrixProduct) throws(MaasError) -> Operand {
    var params = product.packParams
    params.is_half = b.dtype.isNarrowFloat
    let split = maas_f32_gemm_pack_split(&params)
    let one = Int(maas_f32_gemm_packed_bytes(params.k, params.n))
    guard one >= 0, let bytes = MaasCore.product(params.is_half ? one / 2 : one, product.bCount) else {
      throw MaasError(.limitExceeded, "the packed matrix is too large")
    }
    guard b.constant == nil else {
      let strides = "\(product.bRow) \(product.bColumn) \(product.bStep ?? 0)"
      let layout = "f32_gemm \(product.k) \(product.n) \(strides) \(product.bCount)"
      return try packed(
        b, layout: layout, byteCount: bytes, maas_f32_gemm_pack, params, items: Int(split.items),
        grain: Int(split.grain))
    }
    let panels = try temporary(.uint8, [bytes])
    emit(maas_f32_gemm_pack, [panels, b], params, split)
    return panels
  }
}
