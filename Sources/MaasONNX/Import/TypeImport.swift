import MaasCore

/// What a model declares of a value.
package struct Declaration: Sendable {
  package let name: String
  /// Nil where the model does not say.
  package let dtype: DType?
  /// Nil when not even the rank is declared.
  package let shape: Shape?
  package let docString: String
}

/// Gives each unnamed dimension a symbol of its own.
struct SymbolNames {
  private(set) var unnamed: Set<String> = []
  private var repeats = 0

  /// `x[0]`: the size of dimension 0 of value x. Equal names in different bodies are told apart by a number.
  mutating func symbol(_ value: String, _ axis: Int) -> Dim {
    var name = "\(value)[\(axis)]"
    while !unnamed.insert(name).inserted {
      repeats += 1
      name = "\(value)[\(axis)]'\(repeats)"
    }
    return .symbol(name)
  }
}

extension ValueInfoProto {
  /// Reads the declaration; a value that is no dense tensor is refused.
  func declaration(_ source: ModelSource, _ symbols: inout SymbolNames) throws(MaasError) -> Declaration {
    let name = source.text(name)
    let docString = source.text(docString)
    guard let type = type.value, let tensor = try type.tensor(of: name) else {
      return Declaration(name: name, dtype: nil, shape: nil, docString: docString)
    }
    let dtype = try elementType(tensor.elemType ?? 0, name)
    let shape = try tensor.shape.value?.shape(of: name, source, &symbols)
    return Declaration(name: name, dtype: dtype, shape: shape, docString: docString)
  }

  private func elementType(_ number: Int32, _ name: String) throws(MaasError) -> DType? {
    if number == 0 { return nil }
    if let dtype = DType(rawValue: number) { return dtype }
    throw MaasError(.unsupported, "element type \(number) is not known", tensor: name)
  }
}

extension TypeProto {
  /// Nil when no kind of type is given.
  fileprivate func tensor(of name: String) throws(MaasError) -> TensorTypeProto? {
    let other: String
    if kinds.sequence.value != nil {
      other = "sequence"
    } else if kinds.map.value != nil {
      other = "map"
    } else if kinds.optional.value != nil {
      other = "optional"
    } else if kinds.sparseTensor.value != nil {
      other = "sparse tensor"
    } else if kinds.opaque.value != nil {
      other = "opaque value"
    } else {
      return kinds.tensor.value
    }
    throw MaasError(
      .unsupported, "the value's type is not supported", tensor: name, expected: "tensor", found: other)
  }
}

extension TensorShapeProto {
  fileprivate func shape(of name: String, _ source: ModelSource, _ symbols: inout SymbolNames)
    throws(MaasError) -> Shape
  {
    var shape: [Dim] = []
    for (axis, dim) in dims.enumerated() {
      let param = source.text(dim.param)
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
