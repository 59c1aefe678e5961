import CMaasKernels
import MaasCore
import MaasGraph

/// The weights' gradient of a PanelProduct and the step along it in one: what the product comes to is used where the
/// caches still have it, and never written.
///
/// Inputs: the learning rate (double), the count of steps so far (int64), a guard, dY, A, the weights in panels, and
/// their states. Outputs: the new weights and states, each of which may be where its old one is. Where a number of the
/// guard is not finite they stay as they are.
package final class PanelProductUpdate: Operator {
  package let name = "PanelProductUpdate"
  private let params: maas_update_params
  private let states: Int
  private let part: SharedPart?

  /// Of any rule but LAMB's, which goes by the whole gradient. Where processes share the weights it is the step of a
  /// part, and the guard says that all have left their gradients; outputs must then be where their inputs are.
  package init(_ settings: UpdateSettings, _ part: SharedPart? = nil) {
    (params, states, self.part) = (settings.params, settings.rule.states, part)
  }

  private static let weights = 5

  /// Whether it takes less time than a product and a step for themselves. Narrow panels are finished several at a time,
  /// and their products fetch nothing of what the step reads.
  package static var isFaster: Bool { PanelProduct.width >= 32 }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, [.double])
    try node.expectDType(1, [.int64])
    for i in 2...Self.weights + states { try node.expectDType(i, [.float]) }
    for i in 0...states { node.setOutput(i, .float, try node.shape(Self.weights + i)) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, a, w) = (try node.input(3), try node.input(4), try node.input(Self.weights))
    var tensor = UpdatedTensor(x: w, gradient: nil, newX: node.optionalOutput(0))
    node.mayReuse(output: 0, input: Self.weights)
    for i in 1..<states + 1 {
      tensor.states.append(try node.input(Self.weights + i))
      tensor.newStates.append(node.optionalOutput(i))
      node.mayReuse(output: i, input: Self.weights + i)
    }
    let shared = UpdateInputs(rate: try node.input(0), time: try node.input(1), guarded: try node.input(2))
    node.emitUpdate(params, shared, tensor, along: a, dy, part)
  }
}

/// A number for each product Aᵀ dY that is finite where no sum of its terms can leave the range of floats: how many
/// there are times the greatest |a| and |dy|, and what as many roundings of 2^-24 may add, twice; also when so many such
/// sums are added.
///
/// Inputs: dY and A of each product. Output: the numbers.
package final class ProductBound: Operator {
  package let name = "ProductBound"
  private let sums: Int

  package init(sums: Int = 1) { self.sums = sums }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices { try node.expectDType(i, [.float]) }
    node.setOutput(0, .float, [.known(node.inputs.count / 2)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let factors = node.inputs.compactMap { $0 }
    let (greatest, blocks) = try node.emitMeasure(MAAS_BLOCK_GREATEST, factors)
    let terms = stride(from: 0, to: factors.count, by: 2).map { i in
      Int64(sums * factors[i].count / max(1, factors[i].shape.last ?? 1))
    }
    let operands = [
      greatest, try node.constant(try node.begins(blocks)),
      try node.constant(try Tensor(.int64, [terms.count], terms)), try node.output(),
    ]
    node.emit(bounds, operands, terms.count)
  }
}

/// The greatest of each block, the begins of the factors' blocks, the terms of each product, the bounds. The parameter
/// is the number of products.
private let bounds: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let greatest = chunk.input(0, as: Float.self)
  let (begins, terms) = (chunk.input(1, as: Int64.self), chunk.input(2, as: Int64.self))
  func most(_ factor: Int) -> Double {
    var most = 0.0
    for i in Int(begins[factor])..<Int(begins[factor + 1]) {
      // A maximum would leave out what is NaN.
      most = Double(greatest[i]) <= most ? most : Double(greatest[i])
      if !most.isFinite { break }
    }
    return most
  }
  for i in 0..<chunk.params(Int.self).pointee {
    let count = Double(terms[i])
    // A float that is not finite, where the number is too large for one.
    chunk.output(3, as: Float.self)[i] = Float(most(2 * i) * most(2 * i + 1) * count * (1 + count * 0x1p-23))
  }
  return StepStatus.ok
}

extension MatrixProduct {
  /// Aᵀ dY in panels, as weights of this shape lie.
  init(gradientOf shape: [Int], _ dy: Operand) {
    let (rows, width, columns) = (shape[1], shape[2], dy.shape[dy.rank - 1])
    self.init(m: rows, n: columns, k: dy.count / max(1, columns))
    (aRow, aColumn, isStepped) = (1, rows, true)
    (yRow, yPanel) = (width, rows * width)
  }

  /// The parameters for some panels of Y.
  func params(of panels: Range<Int>) -> maas_f32_gemm_params {
    var part = self
    let width = yRow ?? n
    (part.n, part.bOffset) = (panels.count * width, panels.lowerBound * width)
    var params = part.plainParams
    params.taken_first = Int64(panels.lowerBound * yPanel)
    return params
  }
}
