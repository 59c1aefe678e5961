import CMaas
import CMaasABI
import CMaasSystem
import Maas
import MaasCore
import MaasGraph

/// What a `maas_node` is: a node of a caller's operator during one call of one of its callbacks.
final class NodeHandle {
  /// A dimension that the shape callback does not know.
  static let unknown = Dim.known(-1)

  let op: CustomOperator
  private let facts: [Fact?]
  private let saysShapes: Bool
  /// What the shape callback says of the outputs, or has said.
  private(set) var results: [Fact?]
  /// Tensors of the inputs, as far as there are any.
  var inputs: [TensorHandle?] = []
  /// Tensors of the outputs: those that have a place, and those that the callback gave.
  var outputs: [TensorHandle?] = []
  /// Which outputs the compute callback has asked for or given.
  private var given: [Bool] = []
  private var infos: [ValueInfoHandle?] = []

  /// For the shape callback if there are no `results`. Inputs that are known have a tensor.
  init(_ op: CustomOperator, _ facts: [Fact?], results: [Fact?]? = nil, outputCount: Int = 0)
    throws(MaasError)
  {
    self.op = op
    self.facts = facts
    saysShapes = results == nil
    self.results = results ?? Array(repeating: nil, count: outputCount)
    for fact in facts {
      inputs.append(nil)
      if let tensor = fact?.constant { inputs[inputs.count - 1] = TensorHandle(try aligned(tensor)) }
    }
    for _ in self.results {
      outputs.append(nil)
      given.append(false)
    }
  }

  /// Calls one of the operator's functions. The text of its failure is what it, or a call of maas inside it, has set.
  func call(_ function: maas_operator_callback) throws(MaasError) {
    guard maas_abi_enter_callback() else {
      throw MaasError(
        .limitExceeded, "callbacks of operators run one another without end",
        expected: "at most \(maas_abi_callback_depth) inside one another")
    }
    defer { maas_abi_leave_callback() }
    try called { function(op.definition.context, lent(self)) }
  }

  /// Calls the compute callback, which must give what is `wanted`: memory that is ready for an output holds nothing.
  func compute(_ wanted: [Bool]) throws(MaasError) {
    for i in given.indices { given[i] = false }
    try call(op.definition.compute)
    for i in given.indices where !given[i] && wanted[at: i] ?? false { throw op.leavesOut(i, "compute") }
  }

  /// What is known of input `i`, where C can read it.
  func info(_ i: Int) throws(MaasError) -> ValueInfoHandle? {
    try checkIndex(i, facts.count, "input")
    guard let fact = facts[i] else { return nil }
    if infos.isEmpty { for _ in facts { infos.append(nil) } }
    let info =
      infos[i] ?? ValueInfoHandle(ValueInfo(name: "", dtype: fact.dtype, shape: fact.shape), unnamed: [])
    infos[i] = info
    return info
  }

  func say(
    _ i: Int, _ dtype: DType, _ shape: UnsafePointer<Int64>?,
    _ symbols: UnsafePointer<UnsafePointer<CChar>?>?,
    rank: Int
  ) throws(MaasError) {
    try check(i, inShape: true)
    var dims: [Dim] = []
    for axis in 0..<max(rank, 0) {
      let size = Int(try required(shape, "shape")[axis])
      guard rank <= maximumRank, size >= -1 else {
        throw MaasError(.shapeMismatch, "rank \(rank) or size \(size) of output \(i) is not possible")
      }
      dims.append(.known(size))
      if size < 0, let symbol = symbols?[axis] { dims[axis] = dim(String(cString: symbol)) }
    }
    results[i] = Fact(dtype, rank < 0 ? nil : Shape(dims))
  }

  /// A dimension of an input with that symbol, which may be an expression, or else a new name.
  private func dim(_ symbol: String) -> Dim {
    for case .some(let fact) in facts {
      for dim in fact.shape?.dims ?? [] where dim.value == nil && Name(dim.text) == Name(symbol) {
        return dim
      }
    }
    return .symbol(symbol)
  }

  /// The tensor of an output that has a place.
  func place(_ i: Int) throws(MaasError) -> TensorHandle? {
    try check(i, inShape: false)
    guard results[i]?.hasPlace == true else { return nil }
    given[i] = true
    return outputs[i]
  }

  func give(_ i: Int, _ tensor: Tensor) throws(MaasError) {
    let place = try place(i)?.tensor
    guard let fact = results[i] else { return }
    guard fact.allows(tensor) else {
      throw MaasError(
        tensor.dtype == fact.dtype ? .shapeMismatch : .typeMismatch,
        "output \(i) is not what the operator's shape callback said",
        expected: "\(fact.dtype.name)\(fact.shape?.text ?? "")",
        found: "\(tensor.dtype.name)\(describe(tensor.shape))")
    }
    guard let place else {
      outputs[i] = TensorHandle(tensor)
      given[i] = true
      return
    }
    if place.bytes != tensor.bytes { maas_sys_copy(place.bytes, tensor.bytes, place.byteCount) }
  }

  private func check(_ i: Int, inShape: Bool) throws(MaasError) {
    guard inShape == saysShapes else {
      throw MaasError(
        .invalidArgument, "a function for the other one of an operator's callbacks is called",
        expected: saysShapes ? "shape" : "compute", found: saysShapes ? "compute" : "shape")
    }
    try checkIndex(i, results.count, "output")
  }
}

extension Fact {
  /// Whether a tensor is what is known.
  fileprivate func allows(_ tensor: Tensor) -> Bool {
    guard dtype == tensor.dtype else { return false }
    guard let dims = shape?.dims else { return true }
    guard dims.count == tensor.shape.count else { return false }
    for (axis, dim) in dims.enumerated() {
      if let size = dim.value, size != tensor.shape[axis] { return false }
    }
    return true
  }
}

/// An attribute as C reads it.
struct NodeAttribute: @unchecked Sendable {
  let name: Text
  let value: TensorHandle
  /// Of a string.
  let text: Text?

  init(_ attribute: Attribute) throws(MaasError) {
    name = Text(attribute.name)
    if case .string(let string) = attribute.value { text = Text(string) } else { text = nil }
    value = TensorHandle(try attribute.tensor())
  }
}

extension Attribute {
  fileprivate func tensor() throws(MaasError) -> Tensor {
    switch value {
    case .int(let int): return try Tensor(.int64, [], [int])
    case .ints(let ints): return try Tensor(.int64, [ints.count], ints)
    case .float(let float): return try Tensor(.float, [], [float])
    case .floats(let floats): return try Tensor(.float, [floats.count], floats)
    case .string(let string): return try Tensor([], strings: [string])
    case .strings(let strings): return try Tensor([strings.count], strings: strings)
    case .tensor(let tensor): return try aligned(tensor)
    case .graph, .tensors, .graphs, .type:
      throw MaasError(
        .unsupported, "attribute '\(name)' is of a kind that custom operators cannot have", found: value.kind)
    }
  }
}
