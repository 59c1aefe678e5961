import CMaasKernels
import CMaasSystem

struct UpdateParams {
  var rule: UpdateRule.Rule
  var (alpha, beta, epsilon, decay) = (0.0, 0.0, 0.0, 0.0)
  var (normCoefficient, normCoefficientPost) = (0.0, 0.0)

  init(rule: UpdateRule.Rule) { self.rule = rule }

  /// The same for the kernel of floats.
  var kernel: maas_update_params {
    var params = maas_update_params()
    switch rule {
    case .adagrad: params.rule = MAAS_UPDATE_ADAGRAD
    case .adam: params.rule = MAAS_UPDATE_ADAM
    case .momentum: params.rule = MAAS_UPDATE_MOMENTUM
    case .nesterov: params.rule = MAAS_UPDATE_NESTEROV
    }
    (params.alpha, params.beta, params.epsilon) = (alpha, beta, epsilon)
    (params.rate_decay, params.l2, params.post) = (decay, normCoefficient, 1 - normCoefficientPost)
    (params.scale, params.clip, params.corrects) = (1, .infinity, rule == .adam)
    return params
  }
}

/// double rate, int64 count of steps, x, gradient, state, second state or NULL, new x, new state, new second state;
/// NULL for outputs that are not wanted. ONNX's formulas, element by element; floats have a kernel of their own.
enum UpdateKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(UpdateParams.self).pointee
    let (rate, time) = (chunk.input(0, as: Double.self)[0], chunk.input(1, as: Int64.self)[0])
    let update = Update<T>(params, rate, time)
    let (x, gradient) = (chunk.input(2, as: T.self), chunk.input(3, as: T.self))
    let (first, second) = (chunk.input(4, as: T.self), chunk.optional(5, as: T.self))
    for i in chunk.begin..<chunk.end {
      let own = update.norm * x[i] + gradient[i]
      var result = (x: x[i], first: first[i], second: second?[i] ?? 0)
      switch params.rule {
      case .adagrad: update.adagrad(own, &result)
      case .adam: update.adam(own, &result)
      case .momentum: update.momentum(own, &result, isNesterov: false)
      case .nesterov: update.momentum(own, &result, isNesterov: true)
      }
      if chunk.address(6) != nil { chunk.output(6, as: T.self)[i] = result.x }
      if chunk.address(7) != nil { chunk.output(7, as: T.self)[i] = result.first }
      if second != nil, chunk.address(8) != nil { chunk.output(8, as: T.self)[i] = result.second }
    }
    return StepStatus.ok
  }
}

/// The numbers that are the same for all elements.
private struct Update<T: BinaryFloatingPoint> {
  typealias Values = (x: T, first: T, second: T)

  let norm, rate, alpha, beta, epsilon, shrink: T
  /// The weight of the gradient in each average; 1 in the first step of Momentum.
  let first, second: T

  init(_ params: UpdateParams, _ rate: Double, _ time: Int64) {
    (norm, epsilon) = (T(params.normCoefficient), T(params.epsilon))
    (alpha, beta) = (T(params.alpha), T(params.beta))
    shrink = T(1 - params.normCoefficientPost)
    let isAdam = params.rule == .adam
    first = isAdam ? T(1 - params.alpha) : time > 0 ? T(params.beta) : 1
    second = T(1 - params.beta)
    self.rate = T(rate * Update.factor(params, time))
  }

  /// What the learning rate is multiplied by: Adam's correction of bias, Adagrad's decay.
  private static func factor(_ params: UpdateParams, _ time: Int64) -> Double {
    let t = Double(time)
    if params.rule == .adagrad { return 1 / (1 + t * params.decay) }
    guard params.rule == .adam, time > 0 else { return 1 }
    return (1 - maas_f64_pow(params.beta, t)).squareRoot() / (1 - maas_f64_pow(params.alpha, t))
  }

  @inline(__always)
  func adagrad(_ g: T, _ values: inout Values) {
    values.first += g * g
    values.x -= rate * g / (values.first.squareRoot() + epsilon)
  }

  @inline(__always)
  func adam(_ g: T, _ values: inout Values) {
    values.first = alpha * values.first + first * g
    values.second = beta * values.second + second * (g * g)
    values.x = shrink * (values.x - rate * (values.first / (values.second.squareRoot() + epsilon)))
  }

  @inline(__always)
  func momentum(_ g: T, _ values: inout Values, isNesterov: Bool) {
    values.first = alpha * values.first + first * g
    values.x -= rate * (isNesterov ? g + alpha * values.first : values.first)
  }
}
