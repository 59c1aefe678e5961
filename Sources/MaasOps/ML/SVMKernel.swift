import CMaasKernels
import MaasCore
import MaasGraph

/// The attributes of support vector machines, and the values of their kernel for rows and vectors.
final class SVMKernel: Sendable {
  enum Kind: Sendable { case linear, poly, rbf, sigmoid }

  private let kind: Kind
  private let gamma, coef0, degree: Float
  let coefficients: [Float]
  let rho: [Float]
  let vectors: LinearScores

  /// `count` is how many support vectors there are. Without any, `outputs` rows of coefficients weigh the features,
  /// whatever the kernel, and the first of rho is added.
  init(_ reader: inout AttributeReader, count: Int, outputs: Int) throws(MaasError) {
    let named = try reader.choice(
      "kernel_type", [("LINEAR", Kind.linear), ("POLY", .poly), ("RBF", .rbf), ("SIGMOID", .sigmoid)])
    kind = count == 0 ? .linear : named
    let params = try reader.floats("kernel_params") ?? []
    if !params.isEmpty || named != .linear { try expectCount("kernel_params", params.count, 3) }
    (gamma, coef0, degree) = (params[at: 0] ?? 0, params[at: 1] ?? 0, params[at: 2] ?? 0)
    coefficients = try reader.floats("coefficients") ?? []
    rho = try reader.floats("rho") ?? []
    guard let first = rho.first else { throw MaasError(.invalidModel, "attribute 'rho' is empty") }
    let support = try reader.floats("support_vectors") ?? []
    let constant: Float? = count == 0 ? first : kind == .linear || kind == .rbf ? nil : coef0
    let constants = constant.map { [$0] } ?? []
    vectors =
      try count == 0
      ? LinearScores(coefficients, outputs: outputs, constants)
      : LinearScores(support, "support_vectors", outputs: count, constants)
  }

  /// Emits y [rows, vectors]: the kernel's value for each row and support vector, or the scores without any.
  func emit(_ node: inout Lowering, _ y: Operand) throws(MaasError) {
    switch kind {
    case .linear: try vectors.emit(&node, y)
    case .rbf: try emitDistances(&node, y)
    case .poly:
      try vectors.emit(&node, y, alpha: gamma)
      node.emit({ power(Chunk($0, $1, $2, $3)) }, [y], degree, items: y.count, grain: grain(nanoseconds: 10))
    case .sigmoid:
      try vectors.emit(&node, y, alpha: gamma)
      node.emitUnary(maas_f32_activation(op: MAAS_UNARY_TANH, alpha: 0, beta: 0), y, y)
    }
  }

  private func emitDistances(_ node: inout Lowering, _ y: Operand) throws(MaasError) {
    let x = try node.widenedInput(0)
    let params = DistanceParams(vectors: vectors.outputs, features: vectors.features, gamma: gamma)
    node.emit(
      { squaredDistances(Chunk($0, $1, $2, $3)) }, [x, try node.constant(vectors.coefficients), y], params,
      items: y.shape[0], grain: grain(nanoseconds: params.vectors * (params.features / 4 + 1)))
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0), y, y)
  }
}

private struct DistanceParams {
  let vectors, features: Int
  let gamma: Float
}

/// x [rows, features], vectors, y [rows, vectors] = -gamma |x - v|². Items are rows.
private func squaredDistances(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(DistanceParams.self).pointee
  let (x, vectors, y) = (
    chunk.input(0, as: Float.self), chunk.input(1, as: Float.self), chunk.output(2, as: Float.self)
  )
  for item in chunk.begin..<chunk.end {
    for v in 0..<params.vectors {
      let distance = squaredDistance(
        x + item * params.features, vectors + v * params.features, params.features)
      y[item * params.vectors + v] = -params.gamma * distance
    }
  }
  return StepStatus.ok
}

/// Eight sums side by side, which a single one could not be made into.
private func squaredDistance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var sums = InlineArray<8, Float>(repeating: 0)
  let whole = count & ~7
  for i in stride(from: 0, to: whole, by: 8) {
    for l in 0..<8 {
      let difference = a[i + l] - b[i + l]
      sums[l] += difference * difference
    }
  }
  for i in whole..<count { sums[i & 7] += (a[i] - b[i]) * (a[i] - b[i]) }
  var total: Float = 0
  for l in 0..<8 { total += sums[l] }
  return total
}

/// x to the power of the parameter, in place.
private func power(_ chunk: Chunk) -> Int32 {
  let (x, degree) = (chunk.output(0, as: Float.self), chunk.params(Float.self).pointee)
  for i in chunk.begin..<chunk.end {
    x[i] =
      degree == 3
      ? x[i] * x[i] * x[i] : degree == 2 ? x[i] * x[i] : Float(maas_f64_pow(Double(x[i]), Double(degree)))
  }
  return StepStatus.ok
}
