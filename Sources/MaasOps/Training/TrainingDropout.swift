import CMaasKernels
import MaasCore
import MaasGraph

/// y = x, elements of it 0 with the probability `ratio` and the others divided by 1 - ratio. Inputs: x, and the int64
/// scalars seed and step.
///
/// Which elements are kept depends on seed, stream, step and the element's place alone, so the same operator makes the
/// gradient of x out of that of y.
package final class TrainingDropout: Operator {
  package let name = "TrainingDropout"
  private let params: maas_f32_dropout_params

  /// - Parameters:
  ///   - ratio: In 0..<1.
  ///   - stream: Another number for each place of a network that draws numbers of its own.
  package init(ratio: Double, stream: UInt32) throws(MaasError) {
    guard ratio >= 0, ratio < 1 else {
      throw MaasError(
        .outOfRange, "the ratio of dropout is no probability", expected: "at least 0 and below 1",
        found: "\(ratio)")
    }
    // Words below the threshold are dropped.
    let threshold = UInt32(min(ratio * 0x1p32, 0x1p32 - 1))
    params = maas_f32_dropout_params(
      n: 0, threshold: threshold, stream: stream, scale: 1 / (1 - ratio), is_double: false)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, DType.floats)
    for i in 1..<3 {
      try node.expectDType(i, [.int64])
      try node.expectSingle(i)
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.mayReuseElementwise(0)
    let y = try node.output()
    let x = try node.floating(try node.input(0))
    let target = try node.target(y, x.dtype)
    var own = params
    (own.n, own.is_double) = (Int64(x.count), x.dtype == .double)
    node.emit(
      maas_f32_dropout, [x, try node.input(1), try node.input(2), target], own, maas_f32_dropout_split(&own),
      dtype: x.dtype)
    node.narrow(target, into: y)
  }

  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard node.wants(0) else { return }
    let inputs: [ValueID?] = [try node.gradient(), try node.input(1), try node.input(2)]
    try node.contribute(node.add(self, inputs), to: 0)
  }
}
