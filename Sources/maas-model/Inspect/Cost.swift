import MaasCore
import MaasGraph

/// The arithmetic of one node: multiply-accumulates of products, and how many elements everything else works on.
struct Cost {
  var macs = Dim.known(0)
  /// An operation for each element of the output; of reductions, normalizations and pooling, for each they read.
  var elements = Dim.known(0)
  /// False where a shape that counts is not known, so that the cost is not in the numbers.
  var isKnown = true

  init(_ node: Node, _ attributes: [Attribute], inputs: [Fact?], outputs: [Fact?]) {
    let work = Work(attributes: attributes, inputs: inputs, outputs: outputs)
    let kind = OperatorKind(node.op.name)
    if let rule = Work.products[node.op.name] {
      macs = known(rule(work))
    } else if let window = Work.windows[node.op.name] {
      elements = known(window(work))
    } else {
      switch kind {
      case .movement, .control: break
      case .reduction, .normalization: elements = known(work.count(inputs, 0))
      default: elements = known(work.count(outputs, 0))
      }
    }
  }

  private mutating func known(_ dim: Dim?) -> Dim {
    isKnown = dim != nil
    return dim ?? .known(0)
  }
}

/// What a rule sees of a node.
struct Work {
  let attributes: [Attribute]
  let inputs: [Fact?]
  let outputs: [Fact?]

  typealias Rule = @Sendable (Work) -> Dim?

  static let products: [String: Rule] = [
    "Attention": { $0.attention() },
    "CausalConvWithState": { $0.convolution(weight: 1) },
    "Conv": { $0.convolution(weight: 1) },
    "ConvInteger": { $0.convolution(weight: 1) },
    "ConvTranspose": { $0.transposedConvolution() },
    "DeformConv": { $0.convolution(weight: 1) },
    "DynamicQuantizeLSTM": { $0.recurrent() },
    "DynamicQuantizeMatMul": { $0.matrixProduct() },
    "Einsum": { $0.einsum() },
    "FlexAttention": { $0.attention() },
    "FusedMatMul": { $0.fusedProduct() },
    "GRU": { $0.recurrent() },
    "Gemm": { $0.gemm() },
    // Their inputs may be packed, in ways that shapes alone do not tell.
    "GroupQueryAttention": { _ in nil },
    "LSTM": { $0.recurrent() },
    "MatMul": { $0.matrixProduct() },
    "MatMulInteger": { $0.matrixProduct() },
    "MatMulIntegerToFloat": { $0.matrixProduct() },
    "MatMulNBits": { $0.matrixProduct() },
    "MultiHeadAttention": { _ in nil },
    "QAttention": { _ in nil },
    "QGemm": { $0.gemm() },
    "QLinearConv": { $0.convolution(weight: 3) },
    "QLinearMatMul": { $0.matrixProduct() },
    "RNN": { $0.recurrent() },
  ]

  static let windows: [String: Rule] = [
    "AveragePool": { $0.pool() }, "LpPool": { $0.pool() }, "MaxPool": { $0.pool() },
    "NhwcMaxPool": { $0.pool() },
    "QLinearAveragePool": { $0.pool() },
  ]

  func count(_ facts: [Fact?], _ i: Int) -> Dim? { shape(facts, i)?.count }

  private func shape(_ facts: [Fact?], _ i: Int) -> Shape? {
    guard let fact = facts[at: i] ?? nil, fact.container == nil else { return nil }
    return fact.shape
  }

  private func value(_ name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }

  /// Every output element is a sum over one filter.
  private func convolution(weight i: Int) -> Dim? {
    guard let y = count(outputs, 0), let filter = shape(inputs, i)?.dims.dropFirst() else { return nil }
    return y * Shape(Array(filter)).count
  }

  /// Every input element is spread over one filter.
  private func transposedConvolution() -> Dim? {
    guard let x = count(inputs, 0), let filter = shape(inputs, 1)?.dims.dropFirst() else { return nil }
    return x * Shape(Array(filter)).count
  }

  private func gemm() -> Dim? {
    guard let y = count(outputs, 0), let a = shape(inputs, 0), a.rank == 2 else { return nil }
    if case .int(1) = value("transA") { return y * a.dims[0] }
    return y * a.dims[1]
  }

  private func fusedProduct() -> Dim? {
    guard case .int(1) = value("transA") else { return matrixProduct() }
    guard let y = count(outputs, 0), let inner = length(0) else { return nil }
    return y * inner
  }

  private func matrixProduct() -> Dim? {
    guard let y = count(outputs, 0), let inner = shape(inputs, 0)?.dims.last else { return nil }
    return y * inner
  }

  /// Queries times keys, then weights times values.
  private func attention() -> Dim? {
    // An input of rank 2 is com.microsoft's weight of a projection.
    guard let q = count(inputs, 0), let y = count(outputs, 0), let keys = length(1),
      shape(inputs, 1)?.rank ?? 0 > 2
    else { return nil }
    guard inputs[at: 4] ?? nil != nil else { return keys * (q + y) }
    return length(4).map { ($0 + keys) * (q + y) }
  }

  private func length(_ i: Int) -> Dim? {
    guard let dims = shape(inputs, i)?.dims, dims.count >= 2 else { return nil }
    return dims[dims.count - 2]
  }

  /// Every step of every sequence uses all weights once.
  private func recurrent() -> Dim? {
    guard let x = shape(inputs, 0), x.rank == 3, let w = count(inputs, 1), let r = count(inputs, 2) else {
      return nil
    }
    return x.dims[0] * x.dims[1] * (w + r)
  }

  /// The product of the sizes of all letters, as if computed in one sum.
  private func einsum() -> Dim? {
    guard case .string(let bytes) = value("equation") else { return nil }
    let equation = String(decoding: bytes, as: UTF8.self)
    if equation.contains(".") { return nil }
    let terms = equation.filter { $0 != " " }.prefix { $0 != "-" }.split(separator: ",")
    var sizes: [Character: Dim] = [:]
    for (i, term) in terms.enumerated() {
      guard let dims = shape(inputs, i)?.dims, dims.count == term.count else { return nil }
      for (letter, dim) in zip(term, dims) where sizes[letter] == nil || sizes[letter] == .known(1) {
        sizes[letter] = dim
      }
    }
    return sizes.keys.sorted().reduce(.known(1)) { $0 * (sizes[$1] ?? .known(1)) }
  }

  private func pool() -> Dim? {
    guard let y = count(outputs, 0), case .ints(let window) = value("kernel_shape") else { return nil }
    return y * Shape(window).count
  }
}
