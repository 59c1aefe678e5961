import MaasCore
import MaasGraph

/// com.microsoft's FusedConv and FusedGemm: Conv and Gemm with a function of their results in attributes.
package enum FusedActivation {
  private static let functions: [Unary.Row] = [
    .celu, .clip, .elu, .hardSigmoid, .hardSwish, .leakyRelu, .relu, .selu, .sigmoid, .softplus, .softsign,
    .tanh, .thresholdedRelu,
  ]

  package static func conv(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    let activation = try activation(&reader)
    return try Conv(&reader, activation)
  }

  package static func gemm(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    let activation = try activation(&reader)
    return try Gemm(&reader, activation)
  }

  /// Its parameters are in one list, or in attributes of their own.
  private static func activation(_ reader: inout AttributeReader) throws(MaasError) -> Activation {
    let list = try reader.floats("activation_params") ?? []
    guard reader.has("activation") else { return .none }
    let row = try reader.choice("activation", functions.map { ($0.name, $0) })
    var values: [Float] = []
    for (i, attribute) in row.attributes.enumerated() {
      let own = try reader.float("activation_\(attribute.name)")
      values.append(list[at: i] ?? own ?? attribute.value)
    }
    reader.ignore("activation_alpha", "activation_beta", "activation_gamma")
    return Unary(row, alpha: values[at: 0] ?? 0, beta: values[at: 1] ?? 0).activation
  }
}
