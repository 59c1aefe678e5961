import CMaasKernels
import Foundation
import Testing

private func sigmoid(_ x: Double) -> Double {
  let e = exp(-abs(x))
  return (x < 0 ? e : 1) / (1 + e)
}
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
private func elu(_ x: Double, _ scale: Double, _ divisor: Double) -> Double {
  x.isNaN || x > 0 ? x : scale * expm1(x / divisor)
}
private func larger(_ x: Double, _ bound: Double) -> Double { x < bound ? bound : x }
private func smaller(_ x: Double, _ bound: Double) -> Double { x > bound ? bound : x }
private func clamp(_ x: Double, _ lo: Double, _ hi: Double) -> Double { smaller(larger(x, lo), hi) }

/// A function with ONNX's formula in double precision.
struct UnaryCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let op: maas_unary
  var alpha: Float = 0
  var beta: Float = 0
  /// Nil: exact bits. Otherwise the allowed units in the last place, or, with `cancels`, of max(1, |x|, |y|).
  var ulp: Double = 4
  var cancels = false
  let exact: @Sendable (Double) -> Double

  init(
    _ name: String, _ op: maas_unary, _ alpha: Float = 0, _ beta: Float = 0, ulp: Double = 4,
    cancels: Bool = false,
    _ exact: @escaping @Sendable (Double) -> Double
  ) {
    testDescription = name
    (self.op, self.alpha, self.beta) = (op, alpha, beta)
    (self.ulp, self.cancels, self.exact) = (ulp, cancels, exact)
  }

  static let third = Double(Float(0.3125))
  static let selu = (alpha: Float(1.67326319217681884765625), gamma: Float(1.05070102214813232421875))
  static let sqrt2OverPi = (2 / Double.pi).squareRoot()

  static let exactOnes: [UnaryCase] = [
    UnaryCase("identity", MAAS_UNARY_IDENTITY, ulp: 0) { $0 },
    UnaryCase("relu", MAAS_UNARY_RELU, ulp: 0) { larger($0, 0) },
    UnaryCase("leakyRelu", MAAS_UNARY_LEAKY_RELU, 0.3125, ulp: 0.5) { $0 < 0 ? third * $0 : $0 },
    UnaryCase("thresholdedRelu", MAAS_UNARY_THRESHOLDED_RELU, 0.3125, ulp: 0) { $0 <= third ? 0 : $0 },
    UnaryCase("clip", MAAS_UNARY_CLIP, -2.5, 3.25, ulp: 0) { clamp($0, -2.5, 3.25) },
    UnaryCase("shrink", MAAS_UNARY_SHRINK, 0.3125, 0.25, ulp: 0.5) {
      $0 < -third ? $0 + 0.25 : $0 > third ? $0 - 0.25 : 0
    },
    UnaryCase("abs", MAAS_UNARY_ABS, ulp: 0) { abs($0) },
    UnaryCase("neg", MAAS_UNARY_NEG, ulp: 0) { -$0 },
    UnaryCase("sign", MAAS_UNARY_SIGN, ulp: 0) { $0 == 0 || $0.isNaN ? $0 : $0 < 0 ? -1 : 1 },
    UnaryCase("reciprocal", MAAS_UNARY_RECIPROCAL, ulp: 0.5) { 1 / $0 },
    UnaryCase("sqrt", MAAS_UNARY_SQRT, ulp: 0.5) { $0.squareRoot() },
    UnaryCase("square", MAAS_UNARY_SQUARE, ulp: 0.5) { $0 * $0 },
    UnaryCase("floor", MAAS_UNARY_FLOOR, ulp: 0) { $0.rounded(.down) },
    UnaryCase("ceil", MAAS_UNARY_CEIL, ulp: 0) { $0.rounded(.up) },
    UnaryCase("round", MAAS_UNARY_ROUND, ulp: 0) { $0.rounded(.toNearestOrEven) },
  ]

  static let smoothOnes: [UnaryCase] = [
    UnaryCase("exp", MAAS_UNARY_EXP) { exp($0) },
    UnaryCase("log", MAAS_UNARY_LOG) { log($0) },
    UnaryCase("erf", MAAS_UNARY_ERF) { erf($0) },
    UnaryCase("tanh", MAAS_UNARY_TANH) { tanh($0) },
    UnaryCase("sigmoid", MAAS_UNARY_SIGMOID) { sigmoid($0) },
    UnaryCase("hardSigmoid", MAAS_UNARY_HARD_SIGMOID, 0.3125, 0.5, cancels: true) {
      clamp(third * $0 + 0.5, 0, 1)
    },
    UnaryCase("hardSwish", MAAS_UNARY_HARD_SWISH, cancels: true) { $0 * clamp($0 / 6 + 0.5, 0, 1) },
    UnaryCase("elu", MAAS_UNARY_ELU, 0.3125) { elu($0, third, 1) },
    UnaryCase("selu", MAAS_UNARY_SELU, selu.alpha, selu.gamma) {
      Double(selu.gamma) * elu($0, Double(selu.alpha), 1)
    },
    UnaryCase("celu", MAAS_UNARY_CELU, 0.3125) { elu($0, third, third) },
    UnaryCase("softplus", MAAS_UNARY_SOFTPLUS) { softplus($0) },
    UnaryCase("softsign", MAAS_UNARY_SOFTSIGN) { $0 / (1 + abs($0)) },
    UnaryCase("gelu", MAAS_UNARY_GELU, cancels: true) { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) },
    UnaryCase("geluTanh", MAAS_UNARY_GELU_TANH, cancels: true) {
      $0 * sigmoid(2 * sqrt2OverPi * ($0 + 0.044715 * $0 * $0 * $0))
    },
    UnaryCase("silu", MAAS_UNARY_SILU, 1, cancels: true) { $0 * sigmoid($0) },
    UnaryCase("mish", MAAS_UNARY_MISH, cancels: true) { $0 * tanh(softplus($0)) },
    UnaryCase("affine", MAAS_UNARY_AFFINE, 0.3125, 0.5, cancels: true) { third * $0 + 0.5 },
    UnaryCase("scaledTanh", MAAS_UNARY_SCALED_TANH, 0.3125, 0.75, cancels: true) { third * tanh(0.75 * $0) },
    UnaryCase("sin", MAAS_UNARY_SIN) { sin($0) },
    UnaryCase("cos", MAAS_UNARY_COS) { cos($0) },
    UnaryCase("tan", MAAS_UNARY_TAN) { tan($0) },
    UnaryCase("asin", MAAS_UNARY_ASIN) { asin($0) },
    UnaryCase("acos", MAAS_UNARY_ACOS) { acos($0) },
    UnaryCase("atan", MAAS_UNARY_ATAN) { atan($0) },
    UnaryCase("sinh", MAAS_UNARY_SINH) { sinh($0) },
    UnaryCase("cosh", MAAS_UNARY_COSH) { cosh($0) },
    UnaryCase("asinh", MAAS_UNARY_ASINH) { asinh($0) },
    UnaryCase("acosh", MAAS_UNARY_ACOSH) { acosh($0) },
    UnaryCase("atanh", MAAS_UNARY_ATANH) { atanh($0) },
  ]

  static let all = exactOnes + smoothOnes

  func params(_ n: Int) -> maas_f32_unary_params {
    let function = maas_f32_activation(op: op, alpha: alpha, beta: beta)
    return maas_f32_unary_params(function: function, n: Int64(n))
  }

  func error(_ x: [Float], _ y: [Float]) -> Double {
    let expected = x.map { exact(Double($0)) }
    guard cancels else { return largestError(y, expected) }
    return zip(zip(x, y), expected).reduce(0) { most, pair in
      let scale = pair.0.0.isFinite ? Double(abs(pair.0.0)) : 1
      return max(most, largestDifference([pair.0.1], [pair.1], scale: scale) * 0x1p22 * 4)
    }
  }
}

@Suite struct UnaryTests {
  /// Special values, every exponent, and the ranges where the functions bend.
  static let values: [Float] = {
    var random = Random(1)
    let special: [Float] = [
      0, -0.0, .infinity, -.infinity, .nan, Float(bitPattern: 71_362), -Float(bitPattern: 71_362),
      .leastNonzeroMagnitude, 3e38, -3e38, 88.7, 88.73, -87.4, -103.9,
      -104.1,
      0.5, 1.5, 2.5, -0.5, -2.5, 4_194_303.5, -4_194_305.5, 8_388_607.5, 8_388_609, 1, -1,
    ]
    let bits = (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    return special + bits + random.floats(20_000, -20, 20) + random.floats(10_000, -110, 100)
      + random.floats(10_000, -1.5, 1.5)
  }()

  @Test func everyFunctionHasACase() {
    #expect(Set(UnaryCase.all.map(\.op.rawValue)) == Set(0..<MAAS_UNARY_COUNT.rawValue))
  }

  @Test(arguments: KernelRow.supported("maas_f32_unary"), UnaryCase.all)
  func matchesDoublePrecision(row: KernelRow, unary: UnaryCase) {
    let x = Fenced(Self.values)
    let n = Self.values.count
    let y = Fenced<Float>(repeating: 0, count: n)
    var params = unary.params(n)
    run(row, params, [x, y], maas_f32_unary_split(&params))
    #expect(unary.error(Self.values, y.values) <= unary.ulp)
  }

  @Test(arguments: KernelRow.supported("maas_f32_unary"), UnaryCase.all)
  func keepsToItsOperandsAndToTheBitsOfOneRun(row: KernelRow, unary: UnaryCase) {
    var random = Random(2)
    for n in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 67] {
      for side in [Fenced<Float>.Side.start, .end] {
        let values = random.floats(n, -5, 5)
        let x = Fenced(values, at: side)
        var params = unary.params(n)
        let split = maas_f32_unary_split(&params)
        let y = outputOf(
          row, params, split, output: 1, start: [Float](repeating: 0, count: n), operands: [x, nil],
          at: side, &random)
        run(row, params, [x, x], split)
        #expect(x.values.map(\.bitPattern) == y.map(\.bitPattern), "in place, n = \(n)")
      }
    }
  }
}
