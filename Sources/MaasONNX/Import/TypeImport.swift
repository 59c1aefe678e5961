import MaasCore

/// What a model declares of a value.
package struct Declaration: Sendable {
  package let name: String
  /// Nil where the model does not say.
  package let dtype: DType?
  /// Nil when not even the rank is declared.
  package let shape: Shape?
  /// Nil for a tensor; element type and shape are otherwise those of the tensors inside.
  package let container: Container?
  package let docString: String
}

extension ValueInfoProto {
  /// Reads the declaration.
  func declaration(_ source: ModelSource, _ symbols: inout SymbolNames) throws(MaasError) -> Declaration {
    let name = try source.name(name)
    let type = try type.value?.declared(name, source, &symbols)
    return Declaration(
      name: name, dtype: type?.dtype, shape: type?.shape, container: type?.container,
      docString: source.text(docString))
  }
}

/// A type as far as a model tells it.
struct DeclaredType {
  var dtype: DType?
  var shape: Shape?
  var container: Container?
}

extension TypeProto {
  /// The most containers in one another.
  private static var maximumDepth: Int { 8 }

  /// Nil when no kind of type is given. `name` is the value's, for errors.
  func declared(
    _ name: String, _ source: ModelSource, _ symbols: inout SymbolNames, depth: Int = 0
  ) throws(MaasError) -> DeclaredType? {
    if depth > Self.maximumDepth {
      throw MaasError(
        .limitExceeded, "the value's type is nested too deeply", tensor: name,
        expected: "at most \(Self.maximumDepth) levels")
    }
    if let sequence = kinds.sequence.value {
      return try wrapped(sequence.elemType.value, name, source, &symbols, depth) { .sequence(of: $0) }
    }
    if let optional = kinds.optional.value {
      return try wrapped(optional.elemType.value, name, source, &symbols, depth) { .optional(of: $0) }
    }
    if let map = kinds.map.value {
      let key = try elementType(map.keyType ?? 0, name) ?? .int64
      return try wrapped(map.valueType.value, name, source, &symbols, depth) { _ in .map(key: key) }
    }
    guard let tensor = kinds.tensor.value else { return try refuseOthers(name) }
    let shape = try tensor.shape.value?.shape(of: name, source, &symbols)
    let dtype = try elementType(tensor.elemType ?? 0, name)
    try shape?.check(dtype, tensor: name)
    return DeclaredType(dtype: dtype, shape: shape)
  }

  private func wrapped(
    _ inner: TypeProto?, _ name: String, _ source: ModelSource, _ symbols: inout SymbolNames, _ depth: Int,
    _ wrap: (Container?) -> Container
  ) throws(MaasError) -> DeclaredType {
    var type = try inner?.declared(name, source, &symbols, depth: depth + 1) ?? DeclaredType()
    type.container = wrap(type.container)
    return type
  }

  private func refuseOthers(_ name: String) throws(MaasError) -> DeclaredType? {
    let other = kinds.sparseTensor.value != nil ? "sparse tensor" : "opaque value"
    guard kinds.sparseTensor.value != nil || kinds.opaque.value != nil else { return nil }
    throw MaasError(
      .unsupported, "the value's type is not supported", tensor: name,
      expected: "tensor, sequence, map or optional", found: other)
  }

  private func elementType(_ number: Int32, _ name: String) throws(MaasError) -> DType? {
    if number == 0 { return nil }
    if let dtype = DType(rawValue: number) { return dtype }
    throw MaasError(.unsupported, "element type \(number) is not known", tensor: name)
  }
}

extension TensorShapeProto {
  fileprivate func shape(of name: String, _ source: ModelSource, _ symbols: inout SymbolNames)
    throws(MaasError) -> Shape
  {
    try checkRank(dims.count, tensor: name)
    var shape: [Dim] = []
    for (axis, dim) in dims.enumerated() {
      let param = try source.name(dim.param)
      switch dim.value {
      case .some(let value) where value >= 0: shape.append(.known(Int(value)))
      // Exporters wrote -1 for "unknown" before dimensions had names.
      case .some(let value) where value < -1: throw negative(value, axis, name)
      default: shape.append(param.isEmpty ? symbols.symbol(name, axis) : .symbol(param))
      }
    }
    return Shape(shape)
  }

  private func negative(_ value: Int64, _ axis: Int, _ name: String) -> MaasError {
    MaasError(
      .invalidModel, "dimension \(axis) of the declared shape is negative", tensor: name,
      expected: "0 or more", found: "\(value)")
  }
}
