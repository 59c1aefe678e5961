import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension Loss {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard !node.wants(2) else { throw MaasError(.unsupported, "the weights of classes have no gradient") }
    let inputs: [ValueID?] = [
      try node.gradient(), try node.input(0), try node.input(1), node.optionalInput(2),
    ]
    try node.contribute(node.add(LossGradient(self), inputs), to: 0)
  }
}

/// The gradient of a loss with respect to the scores, softmax minus one-hot, or to log-probabilities, minus one-hot;
/// both times the weight of the place and the loss's own gradient. Inputs: that, then those of the loss.
final class LossGradient: Operator {
  let name = "LossGradient"
  private let loss: Loss

  init(_ loss: Loss) { self.loss = loss }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(1), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (own, dx) = (try node.input(1), try node.output())
    guard dx.count > 0 else { return }
    let wide = own.dtype.wide
    let target = try node.target(dx, wide)
    var params = LossGradientParams(loss, own.shape)
    if loss.row.takesScores {
      node.emitSoftmax(params.softmax, try node.converted(own, wide), target)
    } else {
      try node.emitFill(target, try cast(try Tensor(.double, [], [0.0]), to: wide))
    }
    let targets = try node.converted(try node.input(2), .int64)
    let weights = try node.optionalInput(3).map { (w) throws(MaasError) in try node.converted(w, wide) }
    params.isMean = loss.reduction == "mean"
    var whole: Operand?
    if params.isMean, weights != nil || params.ignores {
      let (shares, sum) = (try node.temporary(wide, targets.shape), try node.temporary(wide, []))
      node.emitLossGradient(params, [targets, weights, nil, nil, nil, shares], wide)
      try node.emitReduce(MAAS_REDUCE_SUM, shares, sum, Array(shares.shape.indices))
      whole = sum
    }
    let dy = try node.converted(try node.input(0), wide)
    node.emitLossGradient(params, [targets, weights, dy, whole, target, nil], wide)
    node.narrow(target, into: dx)
  }
}

private struct LossGradientParams {
  let classes, inner, places: Int
  let ignored: Int
  let ignores, takesScores, isEach: Bool
  var isMean = false

  init(_ loss: Loss, _ shape: [Int]) {
    (classes, inner) = (shape[1], shape[2...].reduce(1, *))
    places = shape[0] * inner
    (ignored, ignores) = (loss.ignored ?? 0, loss.ignored != nil)
    (takesScores, isEach) = (loss.row.takesScores, loss.reduction == "none")
  }

  var softmax: maas_f32_softmax_params {
    var params = maas_f32_softmax_params()
    params.outer = Int64(places / max(1, inner))
    (params.axis, params.inner) = (Int64(classes), Int64(inner))
    return params
  }
}

extension Lowering {
  fileprivate mutating func emitLossGradient(
    _ params: LossGradientParams, _ operands: [Operand?], _ dtype: DType
  ) {
    let elements = operands[4] == nil ? 1 : params.classes
    emit(
      { dispatch(LossGradientKernel.self, Chunk($0, $1, $2, $3)) }, operands, params, dtype: dtype,
      items: params.places, grain: grain(nanoseconds: 5 + elements))
  }
}

/// int64 targets, weights or NULL, dy, the sum of all shares or NULL, dx [batch, classes, inner] with softmaxes or
/// zeros, which is updated, or NULL; then shares or NULL, which are written. Items are places.
private enum LossGradientKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(LossGradientParams.self).pointee
    let (targets, weights) = (chunk.input(0, as: Int64.self), chunk.optional(1, as: T.self))
    let dy = chunk.optional(2, as: T.self)
    let whole = chunk.optional(3, as: T.self)?.pointee ?? T(params.places)
    for item in chunk.begin..<chunk.end {
      let target = Int(targets[item])
      var share = T(0)
      if !params.ignores || target != params.ignored {
        guard target >= 0, target < params.classes else {
          return chunk.refuse(unsigned: target, limit: params.classes)
        }
        share = weights?[target] ?? 1
      }
      guard let dy, chunk.address(4) != nil else {
        chunk.output(5, as: T.self)[item] = share
        continue
      }
      let (image, place) = (item / params.inner, item % params.inner)
      let dx = chunk.output(4, as: T.self) + (image * params.classes * params.inner + place)
      let factor = share * dy[params.isEach ? item : 0] / (params.isMean ? whole : 1)
      if params.takesScores { scale(dx, params.classes, params.inner, factor) }
      if share != 0 { dx[target * params.inner] -= factor }
    }
    return StepStatus.ok
  }

  private static func scale<T: BinaryFloatingPoint>(
    _ dx: UnsafeMutablePointer<T>, _ count: Int, _ step: Int, _ factor: T
  ) {
    if step == 1 {
      for c in 0..<count { dx[c] *= factor }
    } else {
      for c in 0..<count { dx[c * step] *= factor }
    }
  }
}
