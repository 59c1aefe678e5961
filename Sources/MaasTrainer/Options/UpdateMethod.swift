import MaasCore
import MaasOps

/// How parameters follow their gradients.
public struct UpdateMethod: Sendable, Equatable {
  public enum Rule: String, Sendable, CaseIterable {
    case sgd, adam, adamw, adagrad, rmsprop, lamb, lion
  }

  public var rule: Rule
  /// Of `sgd` and `rmsprop`: how much of the last step is taken again.
  public var momentum = 0.0
  public var isNesterov = false
  /// How slowly the averages of gradients and of their squares move.
  public var beta1 = 0.9
  public var beta2: Double
  /// Added to what steps are divided by.
  public var epsilon: Double

  public init(_ rule: Rule) {
    self.rule = rule
    beta2 = rule == .lion || rule == .rmsprop ? 0.99 : 0.999
    epsilon = rule == .adagrad ? 1e-10 : rule == .lamb ? 1e-6 : 1e-8
  }

  public static let adam = UpdateMethod(.adam)

  public static func sgd(momentum: Double = 0, isNesterov: Bool = false) -> UpdateMethod {
    var method = UpdateMethod(.sgd)
    (method.momentum, method.isNesterov) = (momentum, isNesterov)
    return method
  }
}

extension UpdateMethod {
  /// Whether weight decay is no part of the gradient.
  private var decaysApart: Bool { rule == .adamw || rule == .lamb || rule == .lion }

  private var settingsRule: UpdateSettings.Rule {
    switch rule {
    case .sgd: momentum == 0 ? .descent : isNesterov ? .nesterov : .momentum
    case .adam, .adamw: .adam
    case .adagrad: .adagrad
    case .rmsprop: momentum == 0 ? .rmsprop : .rmspropMomentum
    case .lion: .lion
    case .lamb: .lamb
    }
  }

  /// The rule with what the options say besides.
  func settings(_ options: TrainerOptions) -> UpdateSettings {
    var settings = UpdateSettings(settingsRule)
    (settings.alpha, settings.beta, settings.epsilon) = (beta1, beta2, epsilon)
    if rule == .sgd { (settings.alpha, settings.beta) = (momentum, 1) }
    if rule == .rmsprop { settings.alpha = momentum }
    settings.l1 = options.l1
    settings.l2 = options.l2 + (decaysApart ? 0 : options.weightDecay)
    settings.decay = decaysApart ? options.weightDecay : 0
    settings.scale = 1 / Double(options.accumulate)
    if options.clipValue > 0 { settings.clip = options.clipValue }
    return settings
  }
}
