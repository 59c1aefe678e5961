import CMaasSystem
import MaasCore
import MaasGraph

/// In inference the input as it is; in training, elements are dropped with probability `ratio` and the others scaled
/// by 1 / (1 - ratio). The mask says what was kept.
///
/// Before opset 7 attribute `is_test` chooses, from opset 12 on input 2 does. The mask of an inference before
/// opset 12 is left open by ONNX; ONNX Runtime fills it with zeros.
package final class Dropout: ReadableOperator {
  package let name = "Dropout"
  /// Before opset 10 the mask has the input's element type.
  private let maskIsBool: Bool
  private let maskValue: Float
  /// The attribute's, which input 1 takes the place of where there is one.
  package let ratio: Float
  private let seed: RandomSeed
  private let trainsAlways: Bool
  private let mayTrain: Bool

  package var isRandom: Bool { mayTrain }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    maskIsBool = reader.opset >= 10
    maskValue = reader.opset >= 12 ? 1 : 0
    ratio = try reader.float("ratio") ?? 0.5
    seed = RandomSeed(try reader.int("seed"))
    trainsAlways = reader.opset < 7 ? try reader.int("is_test") ?? 0 == 0 : false
    mayTrain = trainsAlways || reader.inputCount > 2
    reader.ignore("consumed_inputs")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...3)
    if node.has(1) {
      try node.expectDType(1, DType.floats)
      try node.expectSingle(1)
    }
    if node.has(2) {
      try node.expectDType(2, [.bool])
      try node.expectSingle(2)
    }
    let dtype = try node.dtype(0)
    if mayTrain { try node.expectDType(0, DType.floats) }
    node.setOutput(0, dtype, try node.shape(0))
    if node.wantsOutput(1) { node.setOutput(1, maskIsBool ? .bool : dtype, try node.shape(0)) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let training = node.optionalInput(2)
    let isOff = training.map { $0.constant?.integers?.first == 0 } ?? !trainsAlways
    if !isOff { return try train(&node, training) }
    node.alias()
    guard let mask = node.optionalOutput(1) else { return }
    try node.emitFill(mask, try cast(try Tensor(.float, [], [maskValue]), to: mask.dtype))
  }

  /// y = (mask x) scale, where mask and scale are ones if a flag that only the run knows says so.
  private func train(_ node: inout Lowering, _ training: Operand?) throws(MaasError) {
    let (x, y, mask) = (try node.input(0), try node.output(), node.optionalOutput(1))
    let ratio = try node.optionalInput(1).map { ratio throws(MaasError) in try node.converted(ratio, .double)
    }
    var kept = try node.temporary(.bool, x.shape)
    if let mask, maskIsBool { kept = mask }
    let scale = try node.temporary(.double, [])
    let params = DropoutParams(seed: seed, ratio: Double(self.ratio), count: x.count)
    node.emit(chooseKept, [ratio, training, kept, scale], params, dtype: .double)
    let factors = try node.converted(kept, x.dtype)
    try node.emitBinary(.mul, x, factors, y)
    try node.emitBinary(.mul, y, try node.converted(scale, x.dtype), y)
    if let mask { node.narrow(kept, into: mask) }
  }
}

private struct DropoutParams {
  let seed: RandomSeed
  let ratio: Double
  let count: Int
}

/// double ratio or NULL, bool training or NULL, bool mask, double scale.
private let chooseKept: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(DropoutParams.self).pointee
  let given = chunk.optional(0, as: Double.self)?.pointee ?? params.ratio
  let ratio = chunk.optional(1, as: UInt8.self)?.pointee == 0 ? 0 : given
  guard ratio >= 0, ratio < 1 else { return chunk.refuse(value: ratio >= 1 ? 1 : -1, 0, 1) }
  let mask = chunk.output(2, as: UInt8.self)
  var random = params.seed.generator()
  for i in 0..<params.count { mask[i] = ratio == 0 || random.uniform() >= ratio ? 1 : 0 }
  chunk.output(3, as: Double.self).pointee = 1 / (1 - ratio)
  return StepStatus.ok
}
