import CMaasKernels

/// A unary function that Conv, Gemm, MatMul and others apply to their results while those are still in cache.
package struct Activation: Sendable {
  let function: maas_f32_activation

  init(_ function: maas_f32_activation) { self.function = function }

  package static let none = Activation(maas_f32_activation())
  package static let relu = Activation(maas_f32_activation(op: MAAS_UNARY_RELU, alpha: 0, beta: 0))

  /// Holds values in `low`...`high`.
  package static func clip(_ low: Float, _ high: Float) -> Activation {
    Activation(maas_f32_activation(op: MAAS_UNARY_CLIP, alpha: low, beta: high))
  }

  /// Whether it holds values in `low`...`high`.
  package func clips(_ low: Float, _ high: Float) -> Bool {
    function.op == MAAS_UNARY_CLIP && function.alpha == low && function.beta == high
  }

  /// Whether it is what HardSwish multiplies its argument by.
  package var isHardSwishGate: Bool {
    function.op == MAAS_UNARY_HARD_SIGMOID && abs(function.alpha - 1.0 / 6) < 1e-4 && function.beta == 0.5
  }

  package var isNone: Bool { function.op == MAAS_UNARY_IDENTITY }

  /// Whether it does nothing but hold values within bounds.
  package var isClamp: Bool { isNone || function.op == MAAS_UNARY_RELU || function.op == MAAS_UNARY_CLIP }
}
