import CMaasKernels
import CMaasSystem

/// The operands of a kernel that another step calls.
typealias KernelOperands = InlineArray<8, UnsafeMutableRawPointer?>

extension Chunk {
  /// Runs a kernel of CMaasKernels on the calling thread, as part of this step. The step's scratch memory, or what is
  /// `offset` bytes behind its beginning, is the kernel's.
  func call<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: KernelOperands, _ params: Params, _ split: maas_split,
    scratch offset: Int = 0
  ) {
    call(run, operands, params, split, items: 0..<Int(split.items), scratch: offset)
  }

  /// Some items of it only.
  func call<let count: Int, Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: InlineArray<count, UnsafeMutableRawPointer?>, _ params: Params,
    _ split: maas_split, items: Range<Int>, scratch offset: Int = 0
  ) {
    var worker = worker.pointee
    worker.scratch = worker.scratch.map { $0 + offset }
    withUnsafeBytes(of: operands) { pointers in
      withUnsafeBytes(of: params) { bytes in
        var step = maas_step()
        step.run = run
        step.operands = pointers.baseAddress?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
        step.params = bytes.baseAddress
        (step.items, step.grain, step.scratch) = (split.items, split.items, split.scratch)
        _ = run(&step, Int64(items.lowerBound), Int64(items.upperBound), &worker)
      }
    }
  }

  /// y = function(x), in place too.
  func apply(
    _ function: maas_f32_activation, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    var params = maas_f32_unary_params(function: function, n: Int64(count))
    let split = maas_f32_unary_split(&params)
    call(
      maas_f32_unary, [UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(y), nil, nil, nil, nil, nil, nil],
      params, split)
  }
}
