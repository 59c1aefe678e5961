import MaasCore

extension Trainer {
  /// The names of what training changes.
  public var parameterNames: [String] { model.parameters.map { $0.name } }

  /// A copy of a parameter or of a running statistic.
  public func parameter(_ name: String) throws(MaasError) -> Tensor {
    let parameter = try found(name)
    return try parameter.plainCopy(of: parameter.tensor)
  }

  /// Gives a parameter other values, of its type and shape.
  public func setParameter(_ name: String, _ values: Tensor) throws(MaasError) {
    try expectRest()
    let own = try found(name)
    guard values.dtype == own.tensor.dtype, own.shape == values.shape else {
      throw MaasError(
        .shapeMismatch, "the parameter has another type or shape", tensor: name,
        expected: "\(own.tensor.dtype.name) \(describe(own.shape))",
        found: "\(values.dtype.name) \(describe(values.shape))")
    }
    own.set(own.tensor, to: values)
    if let i = model.parameters.firstIndex(where: { $0.name == name }), i < memory.averages.count {
      own.set(memory.averages[i], to: values)
    }
  }

  private func found(_ name: String) throws(MaasError) -> Parameter {
    if let known = (model.parameters + model.statistics).first(where: { $0.name == name }) { return known }
    throw MaasError(.notFound, "there is no parameter '\(name)'", hint: didYouMean(name, tensorNames))
  }
}
