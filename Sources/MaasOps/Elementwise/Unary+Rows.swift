import CMaasKernels
import MaasCore
import MaasGraph

extension Unary.Row {
  package static let abs = Self("Abs", MAAS_UNARY_ABS, types: DType.numbers)
  package static let acos = Self("Acos", MAAS_UNARY_ACOS)
  package static let acosh = Self("Acosh", MAAS_UNARY_ACOSH)
  /// alpha x + beta, which is no operator of ONNX.
  package static let affine = Self("Affine", MAAS_UNARY_AFFINE, [("alpha", 1), ("beta", 0)])
  package static let asin = Self("Asin", MAAS_UNARY_ASIN)
  package static let asinh = Self("Asinh", MAAS_UNARY_ASINH)
  package static let atan = Self("Atan", MAAS_UNARY_ATAN)
  package static let atanh = Self("Atanh", MAAS_UNARY_ATANH)
  package static let ceil = Self("Ceil", MAAS_UNARY_CEIL)
  package static let celu = Self("Celu", MAAS_UNARY_CELU, [("alpha", 1)])
  package static let clip = Self("Clip", MAAS_UNARY_CLIP, [("min", -.infinity), ("max", .infinity)])
  package static let cos = Self("Cos", MAAS_UNARY_COS)
  package static let cosh = Self("Cosh", MAAS_UNARY_COSH)
  package static let elu = Self("Elu", MAAS_UNARY_ELU, [("alpha", 1)])
  package static let erf = Self("Erf", MAAS_UNARY_ERF)
  package static let exp = Self("Exp", MAAS_UNARY_EXP)
  package static let floor = Self("Floor", MAAS_UNARY_FLOOR)
  package static let gelu = Self("Gelu", MAAS_UNARY_GELU)
  package static let geluTanh = Self("Gelu", MAAS_UNARY_GELU_TANH)
  package static let hardSigmoid = Self(
    "HardSigmoid", MAAS_UNARY_HARD_SIGMOID, [("alpha", 0.2), ("beta", 0.5)])
  package static let hardSwish = Self("HardSwish", MAAS_UNARY_HARD_SWISH)
  package static let leakyRelu = Self("LeakyRelu", MAAS_UNARY_LEAKY_RELU, [("alpha", 0.01)])
  package static let log = Self("Log", MAAS_UNARY_LOG)
  package static let mish = Self("Mish", MAAS_UNARY_MISH)
  package static let neg = Self("Neg", MAAS_UNARY_NEG, types: DType.numbers)
  package static let quickGelu = Self("QuickGelu", MAAS_UNARY_SILU, [("alpha", 1.702)])
  package static let reciprocal = Self("Reciprocal", MAAS_UNARY_RECIPROCAL)
  package static let relu = Self("Relu", MAAS_UNARY_RELU, types: DType.numbers)
  package static let round = Self("Round", MAAS_UNARY_ROUND)
  package static let selu = Self(
    "Selu", MAAS_UNARY_SELU, [("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)])
  package static let shrink = Self(
    "Shrink", MAAS_UNARY_SHRINK, [("lambd", 0.5), ("bias", 0)], types: DType.numbers)
  package static let sigmoid = Self("Sigmoid", MAAS_UNARY_SIGMOID)
  package static let sign = Self("Sign", MAAS_UNARY_SIGN, types: DType.numbers)
  package static let sin = Self("Sin", MAAS_UNARY_SIN)
  package static let sinh = Self("Sinh", MAAS_UNARY_SINH)
  package static let softplus = Self("Softplus", MAAS_UNARY_SOFTPLUS)
  package static let softsign = Self("Softsign", MAAS_UNARY_SOFTSIGN)
  package static let sqrt = Self("Sqrt", MAAS_UNARY_SQRT)
  package static let swish = Self("Swish", MAAS_UNARY_SILU, [("alpha", 1)])
  package static let tan = Self("Tan", MAAS_UNARY_TAN)
  package static let tanh = Self("Tanh", MAAS_UNARY_TANH)
  package static let thresholdedRelu = Self("ThresholdedRelu", MAAS_UNARY_THRESHOLDED_RELU, [("alpha", 1)])
}

extension Unary {
  /// Gelu, whose attribute chooses between two functions.
  package static func gelu(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    let approximate = try reader.string("approximate") ?? "none"
    guard approximate == "none" || approximate == "tanh" else {
      throw MaasError(
        .invalidModel, "attribute 'approximate' has an unknown value", expected: "none or tanh",
        found: approximate)
    }
    return try Unary(approximate == "none" ? .gelu : .geluTanh, &reader)
  }
}
