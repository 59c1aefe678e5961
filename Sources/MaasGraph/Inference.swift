import MaasCore

/// What is known of a value before anything runs. Of a value in a container, the element type and shape are those of
/// the tensors inside.
package struct Fact: Sendable {
  package var dtype: DType
  /// Nil when not even the rank is known.
  package var shape: Shape?
  /// Nil for a tensor.
  package var container: Container?
  /// The contents, when constant.
  package var constant: Tensor?
  /// The elements of a small integer tensor as dimensions, when they are known at least symbolically.
  package var dims: [Dim]?

  package init(_ dtype: DType, _ shape: Shape?, dims: [Dim]? = nil, container: Container? = nil) {
    self.dtype = dtype
    self.shape = shape
    self.dims = dims
    self.container = container
  }

  /// `tensor(float)`, `seq(tensor(int64))`
  package var typeText: String { container?.text(dtype) ?? "tensor(\(dtype.name))" }

  package init(constant tensor: Tensor) {
    dtype = tensor.dtype
    shape = Shape(tensor.shape)
    constant = tensor
    if tensor.count <= Inference.smallCount { dims = tensor.integers.map { $0.map { .known($0) } } }
  }
}

/// What an operator sees while it says what its outputs are.
package struct Inference {
  /// Integer tensors up to this size are followed element by element.
  package static let smallCount = 64

  /// Nil for an optional input that was left out. All others are known facts.
  package let inputs: [Fact?]
  package private(set) var outputs: [Fact?]
  /// Inputs whose contents the operator needs for its shape and did not find: the plan reads them first.
  package private(set) var neededContents: [Int] = []
  private let makeSymbol: (String) -> Dim
  private let outputNames: [String?]

  /// `outputNames` has a name for each output the node has, nil where it is left out.
  package init(inputs: [Fact?], outputNames: [String?], makeSymbol: @escaping (String) -> Dim) {
    self.inputs = inputs
    self.outputNames = outputNames
    self.makeSymbol = makeSymbol
    outputs = outputNames.map { _ in nil }
  }

  package func has(_ i: Int) -> Bool { (inputs[at: i] ?? nil) != nil }
  package var outputCount: Int { outputNames.count }
  package func wantsOutput(_ i: Int) -> Bool { (outputNames[at: i] ?? nil) != nil }

  /// An input that must be a tensor.
  package func input(_ i: Int) throws(MaasError) -> Fact {
    let fact = try anyInput(i)
    guard fact.container == nil else {
      throw MaasError(
        .typeMismatch, "input \(i) is of the wrong kind", expected: "a tensor", found: fact.typeText)
    }
    return fact
  }

  /// An input of whatever kind.
  package func anyInput(_ i: Int) throws(MaasError) -> Fact {
    guard let fact = inputs[at: i] ?? nil else {
      throw MaasError(.invalidModel, "input \(i) is missing")
    }
    return fact
  }

  package func dtype(_ i: Int) throws(MaasError) -> DType { try input(i).dtype }
  /// Nil when the rank is unknown.
  package func shape(_ i: Int) throws(MaasError) -> [Dim]? { try input(i).shape?.dims }

  /// The contents of an integer input as dimensions. Nil when they are not known: the outputs then depend on data,
  /// and the input is remembered as one to read.
  package mutating func dims(_ i: Int) throws(MaasError) -> [Dim]? {
    let fact = try input(i)
    if let dims = fact.dims { return dims }
    if let integers = fact.constant?.integers { return integers.map { .known($0) } }
    if !neededContents.contains(i) { neededContents.append(i) }
    return nil
  }

  /// As `dims`, when every element must be a number.
  package mutating func integers(_ i: Int) throws(MaasError) -> [Int]? {
    guard let dims = try dims(i) else { return nil }
    var integers: [Int] = []
    for dim in dims {
      guard let value = dim.value else {
        if !neededContents.contains(i) { neededContents.append(i) }
        return nil
      }
      integers.append(value)
    }
    return integers
  }

  /// As `dims`, for the contents of any type.
  package mutating func constant(_ i: Int) throws(MaasError) -> Tensor? {
    let fact = try input(i)
    if fact.constant == nil, !neededContents.contains(i) { neededContents.append(i) }
    return fact.constant
  }

  /// A dimension nobody can name yet, different from all others.
  package func unknownDim() -> Dim { makeSymbol((outputNames.first ?? nil) ?? "") }

  package func unknownShape(rank: Int) -> [Dim] {
    (0..<rank).map { _ in unknownDim() }
  }

  /// The same for a rank that comes from the model; nil, any rank, where it is not known or not possible.
  package func unknownShape(given rank: Int?) -> [Dim]? {
    guard let rank, rank >= 0, rank <= maximumRank else { return nil }
    return unknownShape(rank: rank)
  }

  /// Says what output `i` is. `shape` nil: the rank is unknown. `dims`: its elements, where they are followed.
  package mutating func setOutput(_ i: Int, _ dtype: DType, _ shape: [Dim]?, dims: [Dim]? = nil) {
    guard i < outputs.count else { return }
    let followed = (dims?.count ?? 0) <= Self.smallCount ? dims : nil
    outputs[i] = Fact(dtype, shape.map { Shape($0) }, dims: followed)
  }

  /// Says what output `i` is, container and all.
  package mutating func setOutput(_ i: Int, _ fact: Fact?) {
    guard i < outputs.count else { return }
    outputs[i] = fact
  }

  /// What another operator in the node's place gives for these inputs.
  package func outputs(of op: any Operator, _ inputs: [Fact?]) throws(MaasError) -> [Fact?] {
    var inner = Inference(inputs: inputs, outputNames: outputNames, makeSymbol: makeSymbol)
    try op.infer(&inner)
    return inner.outputs
  }

  /// What the bodies of the node give for these inputs, which are followed by the captures; nil where that is unknown.
  package func bodyOutputs(_ body: Graph, _ inputs: [Fact?]) throws(MaasError) -> [Fact?] {
    var inference = GraphInference(makeSymbol: makeSymbol)
    let facts = try inference.facts(of: body, inputs: inputs)
    return body.outputs.map { facts[$0.index] }
  }
}

// What most operators check.
extension Inference {
  package func expectDType(_ i: Int, _ allowed: [DType]) throws(MaasError) {
    let found = try dtype(i)
    guard !allowed.contains(found) else { return }
    throw MaasError(
      .typeMismatch, "input \(i) has an element type that is not supported here",
      expected: joined(allowed.map { $0.name }, " or "), found: found.name)
  }

  package func expectSameDType(_ i: Int, _ j: Int) throws(MaasError) {
    let (a, b) = (try dtype(i), try dtype(j))
    guard a != b else { return }
    throw MaasError(
      .typeMismatch, "inputs \(i) and \(j) differ in element type", expected: a.name, found: b.name)
  }

  package func expectRank(_ i: Int, _ rank: Int) throws(MaasError) {
    guard let shape = try input(i).shape, shape.rank != rank else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) has the wrong rank", expected: "\(rank)",
      found: "\(shape.rank) \(shape.text)")
  }
}

/// The shape two shapes broadcast to under NumPy's rules.
package func broadcast(_ a: [Dim], _ b: [Dim]) throws(MaasError) -> [Dim] {
  var result: [Dim] = []
  let rank = max(a.count, b.count)
  for i in 0..<rank {
    let x = i < rank - a.count ? .known(1) : a[i - (rank - a.count)]
    let y = i < rank - b.count ? .known(1) : b[i - (rank - b.count)]
    result.append(try broadcast(x, y, a, b))
  }
  return result
}

private func broadcast(_ x: Dim, _ y: Dim, _ a: [Dim], _ b: [Dim]) throws(MaasError) -> Dim {
  if x == y || y == .known(1) { return x }
  if x == .known(1) { return y }
  if x.value != nil, y.value != nil {
    throw MaasError(
      .shapeMismatch, "the shapes \(Shape(a).text) and \(Shape(b).text) do not broadcast",
      hint: "aligned at the right, dimensions must be equal or 1")
  }
  // A symbol beside a number other than 1 can only be that number or 1. Of two expressions the simpler one stays.
  return x.value != nil || (y.value == nil && x.isSimpler(than: y)) ? x : y
}
