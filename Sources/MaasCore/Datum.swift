/// How tensors are wrapped in what flows along an edge: ONNX's types beyond the plain tensor.
public indirect enum Container: Hashable, Sendable {
  /// A list; nil: of tensors.
  case sequence(of: Container?)
  /// Something or nothing; nil: a tensor or nothing.
  case optional(of: Container?)
  /// Keys of one type, each with one element; the element type is that of the tensor.
  case map(key: DType)

  /// `seq(tensor(float))`, as ONNX writes types; `element` is the innermost element type.
  public func text(_ element: DType) -> String {
    func inner(_ container: Container?) -> String { container?.text(element) ?? "tensor(\(element.name))" }
    switch self {
    case .sequence(let container): return "seq(\(inner(container)))"
    case .optional(let container): return "optional(\(inner(container)))"
    case .map(let key): return "map(\(key.name),tensor(\(element.name)))"
    }
  }
}

/// What flows along an edge of a graph while it runs.
public enum Datum: Sendable {
  case tensor(Tensor)
  case sequence([Datum])
  /// Nil: nothing.
  indirect case optional(Datum?)
  /// Keys and values, in the order of the keys; both of rank 1.
  case map(keys: Tensor, values: Tensor)

  /// The tensor, when it is one.
  public var tensor: Tensor? { if case .tensor(let tensor) = self { tensor } else { nil } }

  /// Whether this has the form that `container` says, nil for a tensor, with elements of `dtype`.
  package func isA(_ container: Container?, of dtype: DType) -> Bool {
    switch (self, container) {
    case (.tensor(let tensor), nil): tensor.dtype == dtype
    case (.sequence(let elements), .sequence(let inner)): elements.allSatisfy { $0.isA(inner, of: dtype) }
    case (.optional(let content), .optional(let inner)): content?.isA(inner, of: dtype) ?? true
    case (.map(let keys, let values), .map(let key)): keys.dtype == key && values.dtype == dtype
    default: false
    }
  }

  package var kind: String {
    switch self {
    case .tensor: "tensor"
    case .sequence: "sequence"
    case .optional: "optional"
    case .map: "map"
    }
  }

  /// The type as ONNX writes it, e.g. `seq(tensor(float))`; of an empty container, as far as it can be told.
  package var typeText: String {
    switch self {
    case .tensor(let tensor): return "tensor(\(tensor.dtype.name))"
    case .sequence(let elements):
      var types: [String] = []
      for element in elements where !types.contains(element.typeText) { types.append(element.typeText) }
      return types.isEmpty ? "an empty sequence" : "seq(\(joined(types, " and ")))"
    case .optional(let content): return content.map { "optional(\($0.typeText))" } ?? "an empty optional"
    case .map(let keys, let values): return "map(\(keys.dtype.name),tensor(\(values.dtype.name)))"
    }
  }

  /// The same with memory that nobody takes away, so that it outlives the run it was made in.
  package func owned() throws(MaasError) -> Datum {
    try mapped { (tensor) throws(MaasError) in try tensor.owned() }
  }

  /// The same with memory that nobody else sees.
  package func copied() throws(MaasError) -> Datum {
    try mapped { (tensor) throws(MaasError) in try tensor.copied() }
  }

  private func mapped(_ change: (Tensor) throws(MaasError) -> Tensor) throws(MaasError) -> Datum {
    switch self {
    case .tensor(let tensor): return .tensor(try change(tensor))
    case .sequence(let elements):
      var changed: [Datum] = []
      changed.reserveCapacity(elements.count)
      for element in elements { changed.append(try element.mapped(change)) }
      return .sequence(changed)
    case .optional(let content):
      guard let content else { return self }
      return .optional(try content.mapped(change))
    case .map(let keys, let values): return .map(keys: try change(keys), values: try change(values))
    }
  }
}
