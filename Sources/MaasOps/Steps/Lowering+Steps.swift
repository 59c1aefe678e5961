import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a step of CMaasKernels with the split that its family asks for.
  mutating func emit<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [Operand?], _ params: Params, _ split: maas_split,
    dtype: DType = .float
  ) {
    emit(
      run, operands, params, dtype: dtype, items: Int(split.items), grain: Int(split.grain),
      scratch: Int(split.scratch), kernel: kernelName(run, params, split))
  }

  private func kernelName<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ params: Params, _ split: maas_split
  ) -> String {
    withUnsafeBytes(of: params) { bytes in
      var step = maas_step()
      step.run = run
      step.params = bytes.baseAddress
      step.items = split.items
      return maas_kernel_name(&step).map { String(cString: $0) } ?? "generic"
    }
  }

  /// The contents that `infer` asked for: the plan gives every such input as a constant.
  func integers(_ i: Int) throws(MaasError) -> [Int] {
    guard let integers = try input(i).constant?.integers else {
      throw MaasError(.internal, "the contents of input \(i) are not known to the plan")
    }
    return integers
  }

  /// Lets an element-wise node write over input `i`, if its elements lie like the output's.
  mutating func mayReuseElementwise(_ i: Int) throws(MaasError) {
    let (x, y) = (try input(i), try output())
    if x.count == y.count, x.dtype.bitWidth == y.dtype.bitWidth { mayReuse(input: i) }
  }

  /// Lets the output be written over input `i`, which is read element by element as the output is written, unless the
  /// node reads the same memory in another way, too.
  mutating func mayReuseAlone(_ i: Int) {
    guard let x = optionalInput(i) else { return }
    let isShared = inputs.enumerated().contains { $0 != i && $1?.buffer == x.buffer }
    if !isShared { mayReuse(input: i) }
  }

  /// Copies between strided views: elements of `dims`, strides and offsets counted in elements.
  @inline(never)
  mutating func emitCopy(
    _ x: Operand, _ y: Operand, _ dims: [Int], xStrides: [Int], yStrides: [Int], xOffset: Int = 0,
    yOffset: Int = 0
  ) throws(MaasError) {
    guard x.dtype.isMovable else { throw unmovable(x.dtype) }
    let walk = try Walk(dims, strides: [xStrides, yStrides])
    var params = maas_copy_params()
    params.size = Int32(x.dtype.byteWidth)
    params.rank = Int32(walk.dims.count)
    assign(&params.dims, walk.dims)
    assign(&params.x_strides, walk.strides[0])
    assign(&params.y_strides, walk.strides[1])
    params.x_offset = Int64(xOffset)
    params.y_offset = Int64(yOffset)
    let split = maas_copy_split(&params)
    emit(maas_copy, [x, y], params, split, dtype: x.dtype)
  }

  /// Copies a contiguous tensor as it is, or repeated along the dimensions that broadcast.
  mutating func emitBroadcast(_ x: Operand, _ y: Operand) throws(MaasError) {
    try emitCopy(
      x, y, y.shape, xStrides: broadcastStrides(x.shape, to: y.shape), yStrides: contiguousStrides(y.shape))
  }

  /// Emits a step of plain Swift over a walk; items are elements of the output.
  mutating func emitWalk(
    _ run: maas_step_run, _ operands: [Operand], _ walk: Walk, dtype: DType, nanoseconds: Int = 2
  ) {
    emit(
      run, operands.map { $0 }, WalkParams(walk), dtype: dtype, items: walk.count,
      grain: grain(nanoseconds: nanoseconds))
  }
}

func unmovable(_ dtype: DType) -> MaasError {
  MaasError(.unsupported, "tensors of \(dtype.name) are not supported here")
}
