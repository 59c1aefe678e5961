import MaasCore
import MaasGraph

/// The discrete Fourier transform along an axis. The last dimension holds the real, or real and imaginary, parts.
package final class DFT: ReadableOperator {
  package let name = "DFT"
  private let inverse: Bool
  private let onesided: Bool
  /// Nil since opset 20, where it is input 2.
  private let axis: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    inverse = try reader.int("inverse") ?? 0 != 0
    onesided = try reader.int("onesided") ?? 0 != 0
    axis = reader.opset < 20 ? try reader.int("axis") ?? 1 : nil
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(axis == nil ? 1...3 : 1...2)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 2)
    let dtype = try node.dtype(0)
    let given = try node.scalar(1)
    let axisGiven = axis == nil && node.has(2)
    let place = axisGiven ? try node.scalar(2).flatMap { $0.value } : axis ?? -2
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    guard let place, !node.has(1) || given != nil else {
      return node.setOutput(0, dtype, node.unknownShape(rank: shape.count))
    }
    try node.expectParts(
      shape[shape.count - 1], onlyReal: onesided && !inverse, onlyComplex: onesided && inverse)
    let axis = try signalAxis(place, shape.count)
    let own = onesided && inverse ? .known(2) * (shape[axis] - .known(1)) : shape[axis]
    let length = given ?? own
    if let value = length.value, value < 1 {
      throw MaasError(
        .shapeMismatch, "the transform has no length", expected: "at least 1", found: "\(value)")
    }
    shape[axis] = onesided && !inverse ? length.floorDivided(by: 2) + .known(1) : length
    shape[shape.count - 1] = .known(onesided && inverse ? 1 : 2)
    node.setOutput(0, dtype, shape)
  }

  private func signalAxis(_ axis: Int, _ rank: Int) throws(MaasError) -> Int {
    let axis = try normalized(axis: axis, rank: rank)
    if axis < rank - 1 { return axis }
    throw MaasError(.invalidModel, "the axis is the one of real and imaginary parts", found: "\(axis)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let given = axis == nil && node.optionalInput(2) != nil ? try node.integers(2).first : axis
    let axis = try signalAxis(given ?? -2, x.rank)
    var length = onesided && inverse ? 2 * (x.shape[axis] - 1) : x.shape[axis]
    if node.optionalInput(1) != nil { length = try node.integers(1).first ?? length }
    let plan = try FourierPlan(length)
    // The precision that NumPy takes: ONNX's cases compare with its rounding where exact results would be 0.
    let wide = inverse ? try node.floating(x) : try node.converted(x, .double)
    let target = try node.target(y, wide.dtype)
    let params = DFTParams(
      plan: plan, input: x.shape[axis], output: y.shape[axis],
      inner: x.shape[(axis + 1)...].dropLast().reduce(1, *), parts: x.shape[x.rank - 1], inverse: inverse,
      mirrors: onesided && inverse)
    let items = x.shape[..<axis].reduce(1, *) * params.inner
    node.emit(
      { dispatch(DFTKernel.self, Chunk($0, $1, $2, $3)) },
      [wide, try node.constant(try plan.table(wide.dtype)), target],
      params, dtype: wide.dtype, items: items, grain: grain(nanoseconds: 20 * plan.inner),
      scratch: plan.scratch(wide.dtype))
    node.narrow(target, into: y)
  }
}

extension Inference {
  /// The only element of an integer input; nil where it is left out or not known yet.
  mutating func scalar(_ i: Int) throws(MaasError) -> Dim? {
    guard has(i) else { return nil }
    try expectDType(i, [.int32, .int64])
    guard let dims = try dims(i) else { return nil }
    if dims.count == 1 { return dims[0] }
    throw MaasError(.shapeMismatch, "input \(i) is no scalar", expected: "1 element", found: "\(dims.count)")
  }

  /// Checks the size of a signal's last dimension.
  func expectParts(_ parts: Dim, onlyReal: Bool, onlyComplex: Bool) throws(MaasError) {
    guard let found = parts.value else { return }
    if (found == 1 && !onlyComplex) || (found == 2 && !onlyReal) { return }
    throw MaasError(
      .shapeMismatch, "the last dimension does not hold real, or real and imaginary, parts",
      expected: onlyReal ? "1" : onlyComplex ? "2" : "1 or 2", found: "\(found)")
  }
}

private struct DFTParams {
  let plan: FourierPlan
  /// Elements along the axis.
  let input, output: Int
  let inner, parts: Int
  let inverse: Bool
  /// The input is half a spectrum, the output real.
  let mirrors: Bool
}

/// x [outer, input, inner, parts], table, y [outer, output, inner, 2], or 1 where it mirrors. Items are transforms.
private enum DFTKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(DFTParams.self)
    let table = chunk.input(1, as: Complex<T>.self)
    guard let scratch = chunk.worker.pointee.scratch?.assumingMemoryBound(to: Complex<T>.self) else {
      return StepStatus.value
    }
    for item in chunk.begin..<chunk.end {
      let (outer, inner) = (item / p.pointee.inner, item % p.pointee.inner)
      let x =
        chunk.input(0, as: T.self) + (outer * p.pointee.input * p.pointee.inner + inner) * p.pointee.parts
      load(p, x, scratch)
      let parts = p.pointee.mirrors ? 1 : 2
      let y = chunk.output(2, as: T.self) + (outer * p.pointee.output * p.pointee.inner + inner) * parts
      store(p, p.pointee.plan.transform(table, scratch), y, parts)
    }
    return StepStatus.ok
  }

  private static func load<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ p: UnsafePointer<DFTParams>, _ x: UnsafePointer<T>, _ to: UnsafeMutablePointer<Complex<T>>
  ) {
    let (length, step) = (p.pointee.plan.length, p.pointee.inner * p.pointee.parts)
    let count = min(p.pointee.input, p.pointee.mirrors ? length / 2 + 1 : length)
    for i in 0..<length { to[i] = Complex() }
    for i in 0..<count {
      var value = Complex(re: x[i * step], im: p.pointee.parts == 2 ? x[i * step + 1] : 0)
      // What a real signal has no imaginary part for.
      if p.pointee.mirrors, i == 0 || 2 * i == length { value.im = 0 }
      to[i] = p.pointee.inverse ? value.swapped : value
      if p.pointee.mirrors, i > 0 { to[length - i] = value.conjugate.swapped }
    }
  }

  private static func store<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ p: UnsafePointer<DFTParams>, _ result: UnsafePointer<Complex<T>>, _ y: UnsafeMutablePointer<T>,
    _ parts: Int
  ) {
    let step = p.pointee.inner * parts
    for i in 0..<p.pointee.output {
      var value = result[i]
      if p.pointee.inverse {
        value = 1 / T(p.pointee.plan.length) * value.swapped
      }
      y[i * step] = value.re
      if parts == 2 { y[i * step + 1] = value.im }
    }
  }
}
