import CMaasKernels
import MaasCore
import MaasGraph

extension Recurrent {
  /// The node becomes one that also keeps what the walk back needs.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let training = try TrainingRecurrent(self)
    let gradients = (0..<3).map { node.gradient(of: $0) }
    let kept = (3..<6).map { node.output(making: $0) }
    node.replaceOperator(by: training)
    var inputs: [ValueID?] = gradients + kept
    for i in 0..<8 { inputs.append(node.optionalInput(i)) }
    let results = node.add(RecurrentGradient(training), inputs, outputs: recurrentInputs.count)
    for (i, input) in recurrentInputs.enumerated() where node.wants(input) {
      try node.contribute(results[i], to: input)
    }
  }

  /// The kernel's parameters for these sizes.
  func trainingParams(
    _ sizes: RecurrentSizes, _ slopes: [maas_slope], _ dtype: DType
  ) -> (params: maas_recurrent_params, split: maas_split) {
    var params = maas_recurrent_params()
    params.cell = cell == .lstm ? MAAS_CELL_LSTM : cell == .gru ? MAAS_CELL_GRU : MAAS_CELL_RNN
    params.is_double = dtype == .double
    params.first_is_reverse = direction == .reverse
    (params.linear_before_reset, params.input_forget, params.clip) = (linearBeforeReset, inputForget, clip)
    (params.steps, params.batch) = (Int64(sizes.steps), Int64(sizes.batch))
    (params.hidden, params.directions) = (Int64(sizes.hidden), Int64(sizes.directions))
    let each = activations.count / sizes.directions
    withUnsafeMutableBytes(of: &params.functions) { functions in
      withUnsafeMutableBytes(of: &params.slopes) { all in
        for i in activations.indices {
          let place = i / each * 3 + i % each
          functions.storeBytes(
            of: activations[i], toByteOffset: place * MemoryLayout<maas_f32_activation>.stride,
            as: maas_f32_activation.self)
          all.storeBytes(
            of: slopes[i], toByteOffset: place * MemoryLayout<maas_slope>.stride, as: maas_slope.self)
        }
      }
    }
    let split = maas_recurrent_split(&params)
    return (params, split)
  }
}

/// The inputs that have gradients, in the order of RecurrentGradient's outputs: X, W, R, B, initial_h, initial_c, P.
let recurrentInputs = [0, 1, 2, 3, 5, 6, 7]

extension maas_slope {
  /// Of a function whose derivative is a polynomial in its result on either side of 0.
  init(_ f: maas_f32_activation) throws(MaasError) {
    let (a, b) = (f.alpha, f.beta)
    switch f.op {
    case MAAS_UNARY_SIGMOID: self.init((0, 1, -1))
    case MAAS_UNARY_TANH: self.init((1, 0, -1))
    case MAAS_UNARY_SCALED_TANH where a != 0: self.init((a * b, 0, -b / a))
    case MAAS_UNARY_AFFINE: self.init((a, 0, 0))
    case MAAS_UNARY_RELU: self.init((1, 0, 0), (0, 0, 0))
    case MAAS_UNARY_LEAKY_RELU where a >= 0: self.init((1, 0, 0), (a, 0, 0))
    case MAAS_UNARY_ELU where a >= 0: self.init((1, 0, 0), (a, 1, 0))
    case MAAS_UNARY_SOFTSIGN: self.init((1, -2, 1), (1, 2, 1))
    default:
      throw MaasError(
        .unsupported, "the operator has no gradient with one of its activations",
        expected: "Sigmoid, Tanh, ScaledTanh, Affine, Relu, LeakyRelu, Elu or Softsign")
    }
  }

  private init(_ above: (Float, Float, Float), _ below: (Float, Float, Float)? = nil) {
    self.init(above: above, below: below ?? above)
  }
}
