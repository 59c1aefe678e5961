import MaasCore

/// What predictions lose against targets.
public enum LossFunction: String, Sendable, CaseIterable {
  case mse, mae, huber
  /// Scores of classes, without softmax, against indices (int64) or probabilities of classes.
  case crossEntropy = "cross-entropy"
  /// Scores, without sigmoid, against 0…1.
  case binaryCrossEntropy = "bce"
  case hinge
  /// Scores of classes against their probabilities.
  case divergence = "kl"

  /// Whether dimension 1 of predictions are scores of classes.
  public var looksAtClasses: Bool { self == .crossEntropy || self == .divergence }

  /// Whether targets that are numbers are probabilities.
  var wantsProbabilities: Bool { looksAtClasses || self == .binaryCrossEntropy }
}

/// Small matrices beside the large ones, which stay as they are; by Hu and others (2021). An export adds them up.
public struct LoRAOptions: Sendable, Equatable {
  /// 0: all parameters are trained themselves.
  public var rank: Int
  public var alpha: Double
  /// Names of weights of MatMul and Gemm; `*` stands for anything.
  public var patterns: [String]

  public init(rank: Int = 0, alpha: Double = 16, patterns: [String] = ["*"]) {
    (self.rank, self.alpha, self.patterns) = (rank, alpha, patterns)
  }
}

/// How a network is trained. `set` has every option by name.
public struct TrainerOptions: Sendable, Equatable {
  public var loss = LossFunction.mse
  /// Where Huber's square becomes a line.
  public var huberDelta = 1.0
  /// The part of a class's probability that is spread over all classes.
  public var labelSmoothing = 0.0
  /// One for each class; empty: all count the same.
  public var classWeights: [Float] = []

  public var update = UpdateMethod.adam
  public var learningRate = 1e-3
  public var schedule = Schedule.constant
  public var weightDecay = 0.0
  /// Penalties: l1 Σ|x| + l2/2 Σx², which the reported loss is without.
  public var l1 = 0.0
  public var l2 = 0.0
  /// The largest norm of all gradients together; 0 for none.
  public var clipNorm = 0.0
  /// The largest magnitude of an element of a gradient; 0 for none.
  public var clipValue = 0.0
  /// Batches whose gradients are averaged for a step.
  public var accumulate = 1
  /// How slowly an average of the parameters follows them, which evaluation and export then use; 0 for none.
  public var ema = 0.0

  public var batchSize = 32
  public var epochs = 100
  public var shuffles = true
  /// The last part of the data, when `fit` is given none for validation.
  public var validationSplit = 0.0
  /// Epochs without a better loss after which training ends; 0: never. The best parameters are then restored.
  public var patience = 0
  /// What a better loss is better by.
  public var minDelta = 0.0
  /// All random numbers follow from it.
  public var seed: Int64 = 0
  /// 0 for every CPU the process may use. Results do not depend on it.
  public var threads = 0
  /// Names of parameters that stay as they are; `*` stands for anything.
  public var frozen: [String] = []
  public var lora = LoRAOptions()

  public init() {}
}
