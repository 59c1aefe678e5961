import CMaasKernels

/// A rule of gradient descent with its numbers; what they mean is said beside `maas_update_params`.
package struct UpdateSettings: Sendable {
  package enum Rule: Sendable {
    case descent, momentum, nesterov, adam, adagrad, rmsprop, rmspropMomentum, lion, average, lamb

    /// Tensors that go along with each one that is trained.
    package var states: Int {
      switch self {
      case .descent, .average: 0
      case .momentum, .nesterov, .adagrad, .rmsprop, .lion: 1
      case .adam, .rmspropMomentum, .lamb: 2
      }
    }

    fileprivate var kernel: maas_update_rule {
      switch self {
      case .descent: MAAS_UPDATE_DESCENT
      case .momentum: MAAS_UPDATE_MOMENTUM
      case .nesterov: MAAS_UPDATE_NESTEROV
      case .adam: MAAS_UPDATE_ADAM
      case .adagrad: MAAS_UPDATE_ADAGRAD
      case .rmsprop, .rmspropMomentum: MAAS_UPDATE_RMSPROP
      case .lion: MAAS_UPDATE_LION
      case .average: MAAS_UPDATE_AVERAGE
      case .lamb: MAAS_UPDATE_DIRECTION
      }
    }

    fileprivate var corrects: Bool {
      switch self {
      case .adam, .lamb: true
      default: false
      }
    }
  }

  package let rule: Rule
  package var (alpha, beta, epsilon) = (0.0, 0.0, 0.0)
  package var (l1, l2, decay) = (0.0, 0.0, 0.0)
  package var scale = 1.0
  package var clip = Double.infinity

  package init(_ rule: Rule) { self.rule = rule }

  var params: maas_update_params {
    var params = maas_update_params()
    params.rule = rule.kernel
    (params.alpha, params.beta, params.epsilon) = (alpha, beta, epsilon)
    (params.l1, params.l2, params.decay) = (l1, l2, decay)
    (params.scale, params.clip, params.post) = (scale, clip, 1)
    (params.corrects, params.corrects_epsilon, params.ahead) = (rule.corrects, true, 1)
    return params
  }
}

/// What training computes once a step.
package func cosine(_ x: Double) -> Double {
  maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_COS, alpha: 0, beta: 0), x)
}

package func power(_ base: Double, _ exponent: Double) -> Double { maas_f64_pow(base, exponent) }
