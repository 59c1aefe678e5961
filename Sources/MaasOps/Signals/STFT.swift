import MaasCore
import MaasGraph

/// The Fourier transforms of windowed frames of a signal [batch, length, 1 or 2].
package final class STFT: ReadableOperator {
  package let name = "STFT"
  private let onesided: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    onesided = try reader.int("onesided") ?? 1 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectDType(0, DType.floats)
    try node.expectRank(0, 3)
    if node.has(2) {
      try node.expectSameDType(0, 2)
      try node.expectRank(2, 1)
    }
    let (step, given) = (try node.scalar(1), try node.scalar(3))
    let signal = try node.shape(0) ?? node.unknownShape(rank: 3)
    try node.expectParts(signal[2], onlyReal: false, onlyComplex: false)
    var length = given
    if length == nil, !node.has(3) { length = signal[1] }
    if node.has(2) {
      let window = try node.shape(2)?[0]
      length =
        try window.flatMap { window throws(MaasError) in
          try given.map { given throws(MaasError) in
            try unified(given, window, "the lengths of frame and window")
          } ?? (node.has(3) ? nil : window)
        } ?? given
    }
    let frame = length ?? node.unknownDim()
    let bins = onesided ? frame.floorDivided(by: 2) + .known(1) : frame
    let frames = try frames(signal[1], frame, step) ?? node.unknownDim()
    node.setOutput(0, try node.dtype(0), [signal[0], frames, bins, .known(2)])
  }

  private func frames(_ signal: Dim, _ frame: Dim, _ step: Dim?) throws(MaasError) -> Dim? {
    for (value, what) in [(step?.value, "step"), (frame.value, "length")] {
      guard let value, value < 1 else { continue }
      throw MaasError(.shapeMismatch, "the frames' \(what) is not positive", found: "\(value)")
    }
    if let signal = signal.value, let frame = frame.value, frame > signal {
      throw MaasError(
        .shapeMismatch, "a frame is longer than the signal", expected: "at most \(signal)", found: "\(frame)")
    }
    return step?.value.map { (signal - frame).floorDivided(by: $0) + .known(1) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    var length = x.shape[1]
    if node.optionalInput(3) != nil { length = try node.integers(3).first ?? length }
    if let window = node.optionalInput(2) { length = window.count }
    let plan = try FourierPlan(length)
    let wide = try node.converted(x, .double)
    var window = node.optionalInput(2)
    if let given = window { window = try node.converted(given, .double) }
    let target = try node.target(y, .double)
    let params = STFTParams(
      plan: plan, signal: x.shape[1], parts: x.shape[2], step: try node.integers(1).first ?? 1,
      frames: y.shape[1], bins: y.shape[2])
    node.emit(
      { transformFrames(Chunk($0, $1, $2, $3)) },
      [wide, try node.constant(try plan.table(.double)), window, target], params,
      dtype: .double, items: y.shape[0] * y.shape[1], grain: grain(nanoseconds: 20 * plan.inner),
      scratch: plan.scratch(.double))
    node.narrow(target, into: y)
  }
}

private struct STFTParams {
  let plan: FourierPlan
  let signal, parts, step, frames, bins: Int
}

/// x, table, window or NULL, y [batch, frames, bins, 2], all doubles. Items are frames.
private func transformFrames(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(STFTParams.self)
  guard let scratch = chunk.worker.pointee.scratch?.assumingMemoryBound(to: Complex<Double>.self) else {
    return StepStatus.value
  }
  let (parts, bins) = (p.pointee.parts, p.pointee.bins)
  let window = chunk.optional(2, as: Double.self)
  for item in chunk.begin..<chunk.end {
    let (image, frame) = (item / p.pointee.frames, item % p.pointee.frames)
    let x = chunk.input(0, as: Double.self) + (image * p.pointee.signal + frame * p.pointee.step) * parts
    for i in 0..<p.pointee.plan.length {
      let weight = window?[i] ?? 1
      scratch[i] = Complex(re: weight * x[i * parts], im: parts == 2 ? weight * x[i * parts + 1] : 0)
    }
    let result = p.pointee.plan.transform(chunk.input(1, as: Complex<Double>.self), scratch)
    let y = chunk.output(3, as: Double.self) + item * bins * 2
    for k in 0..<bins { (y[2 * k], y[2 * k + 1]) = (result[k].re, result[k].im) }
  }
  return StepStatus.ok
}
