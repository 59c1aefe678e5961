import CMaasSystem
import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer
import MaasRuntime

extension Trainer {
  /// The names of what training changes.
  public var parameterNames: [String] { model.parameters.map { $0.name } }

  /// A copy of a parameter.
  public func parameter(_ name: String) throws(MaasError) -> Tensor { try found(name).copied() }

  /// Gives a parameter other values, of its type and shape.
  public func setParameter(_ name: String, _ values: Tensor) throws(MaasError) {
    let own = try found(name)
    guard own.dtype == values.dtype, own.shape == values.shape else {
      throw MaasError(
        .shapeMismatch, "the parameter has another type or shape", tensor: name,
        expected: "\(own.dtype.name) \(describe(own.shape))",
        found: "\(values.dtype.name) \(describe(values.shape))")
    }
    maas_sys_copy(own.bytes, values.bytes, own.byteCount)
  }

  private func found(_ name: String) throws(MaasError) -> Tensor {
    if let parameter = model.parameters.first(where: { $0.name == name }) { return parameter.tensor }
    throw MaasError(.notFound, "there is no parameter '\(name)'", hint: didYouMean(name, parameterNames))
  }
}
