import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: minus the (log-)probability of the class that is the target,
/// times the weight of that class, for every place of [batch, classes, d1, d2, …].
///
/// The mean is the sum divided by the sum of the weights. Places whose target is `ignore_index` count nowhere.
package final class Loss: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    /// The input holds scores, whose log-softmax is output 1.
    let takesScores: Bool

    package static let negativeLogLikelihood = Row(name: "NegativeLogLikelihoodLoss", takesScores: false)
    package static let softmaxCrossEntropy = Row(name: "SoftmaxCrossEntropyLoss", takesScores: true)
  }

  let row: Row
  let reduction: String
  let ignored: Int?
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    reduction = try reader.string("reduction") ?? "mean"
    ignored = try reader.int("ignore_index")
    try reader.finish()
    guard ["none", "sum", "mean"].contains(reduction) else {
      throw MaasError(
        .invalidModel, "attribute 'reduction' has an unknown value", expected: "none, sum or mean",
        found: reduction)
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.floats)
    try node.expectDType(1, [.int32, .int64])
    try node.expectMinimumRank(0, 2)
    let (dtype, x) = (try node.dtype(0), try node.shape(0))
    var target = try node.shape(1)
    if let x, let own = target {
      try node.expectRank(1, x.count - 1)
      let expected = [x[0]] + x[2...]
      for d in own.indices { target?[d] = try unified(expected[d], own[d], "dimension \(d) of the targets") }
    }
    if node.has(2) {
      try node.expectSameDType(0, 2)
      try node.expectRank(2, 1)
      if let x, let own = try node.shape(2)?.first { _ = try unified(x[1], own, "the classes and weights") }
    }
    node.setOutput(0, dtype, reduction == "none" ? target : [])
    if row.takesScores, node.wantsOutput(1) { node.setOutput(1, dtype, x) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (own, y) = (try node.input(0), try node.output())
    let wide = own.dtype.wide
    var x = try node.converted(own, wide)
    if row.takesScores { x = try logSoftmax(&node, x) }
    let weights = try node.optionalInput(2).map { (w) throws(MaasError) in try node.converted(w, wide) }
    let targets = try node.converted(try node.input(1), .int64)
    let result = try node.target(y, wide)
    let losses = reduction == "none" ? result : try node.temporary(wide, targets.shape)
    let shares = reduction == "mean" ? try node.temporary(wide, targets.shape) : nil
    let params = LossParams(
      classes: own.shape[1], inner: own.shape[2...].reduce(1, *), ignored: ignored ?? 0,
      ignores: ignored != nil)
    node.emit(
      { dispatch(LossKernel.self, Chunk($0, $1, $2, $3)) }, [x, targets, weights, losses, shares], params,
      dtype: wide, items: losses.count, grain: grain(nanoseconds: 5))
    if reduction != "none" { try emitReduction(&node, losses, shares, result) }
    node.narrow(result, into: y)
  }

  private func emitReduction(
    _ node: inout Lowering, _ losses: Operand, _ shares: Operand?, _ y: Operand
  ) throws(MaasError) {
    let axes = Array(losses.shape.indices)
    try node.emitReduce(MAAS_REDUCE_SUM, losses, y, axes)
    guard let shares else { return }
    let whole = try node.temporary(y.dtype, [])
    try node.emitReduce(MAAS_REDUCE_SUM, shares, whole, axes)
    try node.emitBinary(.div, y, whole, y)
  }

  private func logSoftmax(_ node: inout Lowering, _ x: Operand) throws(MaasError) -> Operand {
    let result = try node.target(1, x.dtype, x.shape)
    var params = maas_f32_softmax_params()
    params.log = true
    (params.outer, params.axis) = (Int64(x.shape[0]), Int64(x.shape[1]))
    params.inner = Int64(x.shape[2...].reduce(1, *))
    node.emitSoftmax(params, x, result)
    node.deliver(result, 1)
    return result
  }
}

private struct LossParams {
  let classes, inner: Int
  let ignored: Int
  let ignores: Bool
}

/// x [batch, classes, inner], int64 targets, weights or NULL, losses, the weight of each place or NULL.
private enum LossKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(LossParams.self).pointee
    let (x, weights) = (chunk.input(0, as: T.self), chunk.optional(2, as: T.self))
    for item in chunk.begin..<chunk.end {
      let target = Int(chunk.input(1, as: Int64.self)[item])
      var (loss, share) = (T(0), T(0))
      if !params.ignores || target != params.ignored {
        guard target >= 0, target < params.classes else {
          return chunk.refuse(unsigned: target, limit: params.classes)
        }
        share = weights?[target] ?? 1
        let (image, place) = (item / params.inner, item % params.inner)
        loss = -x[(image * params.classes + target) * params.inner + place] * share
      }
      chunk.output(3, as: T.self)[item] = loss
      if chunk.address(4) != nil { chunk.output(4, as: T.self)[item] = share }
    }
    return StepStatus.ok
  }
}
