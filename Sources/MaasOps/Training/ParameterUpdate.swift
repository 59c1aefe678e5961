import CMaasKernels
import MaasCore
import MaasGraph

/// A step of gradient descent for all tensors of a network, in one pass over them.
///
/// Inputs: the learning rate (double), the count of steps so far (int64), a factor of all gradients or nothing, a guard
/// or nothing, then all tensors, all their gradients, and all of each kind of state. Outputs: the new tensors and the
/// new states, in the same order; each may be where its old one is. Where a number of the guard is not finite they stay
/// as they are.
package final class ParameterUpdate: Operator {
  package let name = "ParameterUpdate"
  private let params: maas_update_params
  private let states: Int

  package init(_ settings: UpdateSettings) { (params, states) = (settings.params, settings.rule.states) }

  static let firstTensor = 4

  private func count(_ inputs: Int) -> Int { (inputs - Self.firstTensor) / (states + 2) }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, [.double])
    try node.expectDType(1, [.int64])
    let count = count(node.inputs.count)
    for i in 0..<count {
      let first = Self.firstTensor + i
      try node.expectDType(first, [.float])
      for kind in 0...states where kind != 1 || states > 0 {
        let source = kind == 0 ? first : first + (kind + 1) * count
        node.setOutput(i + kind * count, .float, try node.shape(source))
      }
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let count = count(node.inputs.count)
    var tensors: [UpdatedTensor] = []
    for i in 0..<count {
      tensors.append(try node.updatedTensor(i, of: count, first: Self.firstTensor, states: states))
    }
    let shared = UpdateInputs(
      rate: try node.input(0), time: try node.input(1), factor: node.optionalInput(2),
      guarded: node.optionalInput(3))
    if params.rule == MAAS_UPDATE_DIRECTION {
      try node.emitLayerwise(params, shared, tensors)
    } else {
      try node.emitUpdate(params, shared, tensors)
    }
  }
}

/// What one tensor's step reads and writes.
struct UpdatedTensor {
  let x: Operand
  /// Nil where the product that gives it is part of the step.
  var gradient: Operand?
  var states: [Operand?] = []
  var newX: Operand?
  var newStates: [Operand?] = []

  init(x: Operand, gradient: Operand?, newX: Operand?) {
    (self.x, self.gradient, self.newX) = (x, gradient, newX)
  }

  /// As the kernel takes them.
  var operands: [Operand?] {
    [
      x, gradient, states[at: 0] ?? nil, states[at: 1] ?? nil, newX, newStates[at: 0] ?? nil,
      newStates[at: 1] ?? nil,
    ]
  }
}

/// What all tensors' steps read.
struct UpdateInputs {
  let rate, time: Operand
  var factor: Operand?
  var guarded: Operand?
  /// A factor of the rate for each tensor.
  var ratios: Operand?
}

extension Lowering {
  /// Tensor `i` of `count`, of which the first one is input `first`; it may be written where it is.
  mutating func updatedTensor(_ i: Int, of count: Int, first: Int, states: Int) throws(MaasError)
    -> UpdatedTensor
  {
    let input = first + i
    var tensor = UpdatedTensor(
      x: try self.input(input), gradient: try self.input(input + count), newX: optionalOutput(i))
    mayReuse(output: i, input: input)
    for kind in 1..<states + 1 {
      tensor.states.append(try self.input(input + (kind + 1) * count))
      tensor.newStates.append(optionalOutput(i + kind * count))
      mayReuse(output: i + kind * count, input: input + (kind + 1) * count)
    }
    return tensor
  }

  func begins(_ counts: [Int]) throws(MaasError) -> Tensor {
    var begins: [Int64] = [0]
    for count in counts { begins.append((begins.last ?? 0) + Int64(count)) }
    return try Tensor(.int64, [begins.count], begins)
  }

  /// Emits a rule for float tensors.
  mutating func emitUpdate(
    _ params: maas_update_params, _ shared: UpdateInputs, _ tensors: [UpdatedTensor]
  ) throws(MaasError) {
    var params = params
    params.tensors = Int32(tensors.count)
    params.elements = Int64(tensors.reduce(0) { $0 + $1.x.count })
    params.guards = Int32(shared.guarded?.count ?? 0)
    let begins = try constant(try begins(tensors.map { $0.x.count }))
    let operands = [shared.rate, shared.time, begins, shared.factor, shared.guarded, shared.ratios]
    emit(maas_f32_update, operands + tensors.flatMap { $0.operands }, params, maas_f32_update_split(&params))
  }

  /// Emits a rule for weights in panels, whose gradient is Aᵀ dY: for all, or for a process's part of them.
  mutating func emitUpdate(
    _ params: maas_update_params, _ shared: UpdateInputs, _ tensor: UpdatedTensor, along a: Operand,
    _ dy: Operand, _ part: SharedPart?
  ) {
    let shape = tensor.x.shape
    var all = maas_product_update_params()
    all.product = MatrixProduct(gradientOf: shape, dy).params(of: part?.ownPanels ?? 0..<shape[0])
    all.update = params
    (all.update.tensors, all.update.elements) = (1, Int64(tensor.x.count))
    all.update.guards = Int32(shared.guarded?.count ?? 0)
    if let part { all.part = part.params }
    let split = maas_f32_product_update_split(&all)
    let own = [shared.rate, shared.time, nil, shared.factor, shared.guarded, shared.ratios] + tensor.operands
    emit(maas_f32_gemm, [a, dy, nil, nil, nil] + own, all, split)
    if let part { keep(part.weights) }
  }

  /// Emits what is measured of each block of the tensors; says how many blocks each has.
  mutating func emitMeasure(
    _ measure: maas_block_measure, _ tensors: [Operand]
  ) throws(MaasError) -> (measures: Operand, blocks: [Int]) {
    let blocks = tensors.map { squareBlocks($0.count) }
    var params = maas_square_sums_params()
    (params.tensors, params.blocks) = (Int32(tensors.count), Int64(blocks.reduce(0, +)))
    params.measure = measure
    let measures = try temporary(.float, [Int(params.blocks)])
    let counts = try Tensor(.int64, [tensors.count], tensors.map { Int64($0.count) })
    let operands = [try constant(try begins(blocks)), try constant(counts), measures] + tensors
    emit(maas_f32_square_sums, operands, params, maas_f32_square_sums_split(&params))
    return (measures, blocks)
  }

  /// Emits LAMB's step: Adam's direction u, then x -= rate |x| / |u| u for each tensor.
  fileprivate mutating func emitLayerwise(
    _ params: maas_update_params, _ shared: UpdateInputs, _ tensors: [UpdatedTensor]
  ) throws(MaasError) {
    var (first, second): ([UpdatedTensor], [UpdatedTensor]) = ([], [])
    for tensor in tensors {
      var own = tensor
      let direction = try temporary(.float, tensor.x.shape)
      own.newX = direction
      first.append(own)
      second.append(UpdatedTensor(x: tensor.x, gradient: direction, newX: tensor.newX))
    }
    try emitUpdate(params, shared, first)
    let (sums, blocks) = try emitMeasure(
      MAAS_BLOCK_SQUARES, tensors.map { $0.x } + second.compactMap { $0.gradient })
    let ratios = try temporary(.float, [tensors.count])
    emit(
      layerRatios, [try constant(try begins(blocks)), sums, ratios], tensors.count, items: tensors.count,
      grain: grain(nanoseconds: 100))
    var descent = params
    (descent.rule, descent.corrects) = (MAAS_UPDATE_DESCENT, false)
    (descent.l1, descent.l2, descent.scale, descent.clip) = (0, 0, 1, .infinity)
    (descent.decay, descent.rate_decay) = (0, 0)
    var inputs = UpdateInputs(rate: shared.rate, time: shared.time)
    (inputs.ratios, inputs.guarded) = (ratios, shared.guarded)
    try emitUpdate(descent, inputs, second)
  }
}

/// Sums of the blocks of all x, then of all directions; their begins; the ratio of the norms for each tensor, 1 where
/// one of them is 0. The parameter is the number of tensors.
private let layerRatios: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let count = chunk.params(Int.self).pointee
  let (begins, sums) = (chunk.input(0, as: Int64.self), chunk.input(1, as: Float.self))
  func norm(_ tensor: Int) -> Double {
    var sum = 0.0
    for i in Int(begins[tensor])..<Int(begins[tensor + 1]) { sum += Double(sums[i]) }
    return sum.squareRoot()
  }
  for i in chunk.begin..<chunk.end {
    let (x, direction) = (norm(i), norm(count + i))
    chunk.output(2, as: Float.self)[i] = x > 0 && direction > 0 ? Float(x / direction) : 1
  }
  return StepStatus.ok
}

/// What all gradients together are like. Inputs: the gradients. Outputs: their norm and the factor that holds it at
/// `limit`; or without a limit, a number that is finite where all elements of all gradients are.
package final class GradientMeasure: Operator {
  package let name = "GradientMeasure"
  private let limit: Double?

  package init(limit: Double?) { self.limit = limit }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices { try node.expectDType(i, [.float]) }
    for i in 0..<(limit == nil ? 1 : 2) { node.setOutput(i, .float, []) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let gradients = node.inputs.compactMap { $0 }
    let measure = limit == nil ? MAAS_BLOCK_CHECK : MAAS_BLOCK_SQUARES
    let (sums, _) = try node.emitMeasure(measure, gradients)
    node.emit(limitedNorm, [sums, try node.output(0), node.optionalOutput(1)], (limit ?? 0, sums.count))
  }
}

/// The blocks that sums of squares are made of.
private func squareBlocks(_ count: Int) -> Int {
  (count + Int(MAAS_SQUARE_BLOCK) - 1) / Int(MAAS_SQUARE_BLOCK)
}

/// Sums of squares, norm, factor or NULL; the parameters are the limit and the number of sums.
private let limitedNorm: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let (limit, count) = chunk.params((Double, Int).self).pointee
  let sums = chunk.input(0, as: Float.self)
  var sum = 0.0
  for i in 0..<count { sum += Double(sums[i]) }
  let norm = sum.squareRoot()
  chunk.output(1, as: Float.self).pointee = Float(norm)
  // As PyTorch has it.
  if chunk.address(2) != nil {
    chunk.output(2, as: Float.self).pointee = Float(min(1, limit / (norm + 1e-6)))
  }
  return StepStatus.ok
}
