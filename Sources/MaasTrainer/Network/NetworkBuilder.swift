import MaasCore
import MaasGraph
import MaasONNX

/// The version of ai.onnx that networks made here follow.
let networkOpset = 17

/// A graph that grows layer by layer.
struct NetworkBuilder: ~Copyable {
  private(set) var graph = Graph("network")
  private(set) var current = ValueID(0)
  /// Of one sample.
  private(set) var shape: [Int] = []
  private var dtype = DType.float
  private let seed: Int64
  /// Whether only the layers are checked: parameters are not filled.
  private let isDraft: Bool
  private var counts: [String: Int] = [:]
  /// Of all constants.
  private var bytes = 0
  /// What layers learn.
  private(set) var learned: [ValueID] = []
  /// What `residual` began with.
  private var entries: [(value: ValueID, shape: [Int])] = []

  init(seed: Int64, isDraft: Bool) { (self.seed, self.isDraft) = (seed, isDraft) }

  mutating func add(_ line: LayerLine) throws(MaasError) {
    guard let row = layerTable.first(where: { $0.name == line.name }) else {
      let names = layerTable.map { $0.name }
      throw MaasError(
        .invalidArgument, "layer '\(line.name)' is not known", expected: joined(names, ", "),
        hint: didYouMean(line.name, names))
    }
    guard (line.name == "input") == graph.inputs.isEmpty else {
      throw MaasError(.invalidArgument, "a network has one input, in its first line")
    }
    var reader = LayerReader(line)
    counts[line.name, default: 0] += 1
    try row.add(&self, &reader, "\(line.name)_\(counts[line.name] ?? 1)")
    try reader.finish()
    try expectRoom(byteCount(shape, dtype), "a sample takes too much memory here")
  }

  private func expectRoom(_ bytes: Int, _ problem: String, tensor: String? = nil) throws(MaasError) {
    guard bytes > mostBytes else { return }
    throw MaasError(
      .limitExceeded, problem, tensor: tensor, expected: "at most 2147483648 bytes", found: "\(bytes)")
  }

  /// Counts a constant, before there is memory for it.
  private mutating func count(_ name: String, _ shape: [Int]) throws(MaasError) {
    bytes += try byteCount(shape, .float, tensor: name)
    try expectRoom(bytes, "the network up to here takes too much memory", tensor: name)
  }

  mutating func finished() throws(MaasError) -> Graph {
    guard entries.isEmpty else {
      throw MaasError(.invalidArgument, "a residual block has no end", expected: "end")
    }
    // What leaves the network has a name of its own.
    let last = graph.nodes.count - 1
    if last >= 0, graph.nodes[last].outputs[0] == current { graph[current].name = "output" }
    graph.outputs = [current]
    try graph.inferValues()
    return graph
  }

  // What layers are made of.

  mutating func setInput(_ shape: [Int], _ dtype: DType) {
    current = graph.addInput("input", dtype, Shape([.symbol("batch")] + shape.map { .known($0) }))
    (self.shape, self.dtype) = (shape, dtype)
  }

  /// Refuses inputs of another rank.
  func expectRank(_ ranks: ClosedRange<Int>, _ what: String, _ type: DType = .float) throws(MaasError) {
    guard dtype == type else {
      throw MaasError(
        .typeMismatch, "the layer cannot read \(dtype.name)", expected: type.name,
        hint: type == .int64 ? "say 'input … type=int64'" : "put an embedding in front")
    }
    guard !ranks.contains(shape.count) else { return }
    throw MaasError(
      .shapeMismatch, "the layer cannot read this shape", expected: what, found: describe(shape))
  }

  /// Adds a node that reads the current value and parameters, and makes the current value.
  mutating func apply(
    _ type: String, _ name: String, _ others: [ValueID?] = [], _ attributes: [Attribute] = [],
    to shape: [Int]? = nil
  ) throws(MaasError) {
    current = try node(type, name, [current] + others, attributes)
    if let shape { self.shape = shape }
  }

  mutating func node(
    _ type: String, _ name: String, _ inputs: [ValueID?], _ attributes: [Attribute] = []
  ) throws(MaasError) -> ValueID {
    let output = graph.add(Value(name))
    try graph.add(type, opset: networkOpset, inputs, name, attributes, outputs: [output])
    return output
  }

  /// A node of which only output `i` of `count` is wanted.
  mutating func node(
    _ type: String, _ name: String, _ inputs: [ValueID?], _ attributes: [Attribute], output i: Int
  ) throws(MaasError) -> ValueID {
    let output = graph.add(Value(name))
    let outputs: [ValueID?] = (0...i).map { $0 == i ? output : nil }
    try graph.add(type, opset: networkOpset, inputs, name, attributes, outputs: outputs)
    return output
  }

  mutating func setCurrent(_ value: ValueID, _ shape: [Int], _ dtype: DType = .float) {
    (current, self.shape, self.dtype) = (value, shape, dtype)
  }

  mutating func constant(_ name: String, _ values: [Int]) throws(MaasError) -> ValueID {
    graph.addConstant(name, try Tensor(.int64, [values.count], values.map { Int64($0) }))
  }

  mutating func constant(_ name: String, _ tensor: Tensor) -> ValueID { graph.addConstant(name, tensor) }

  /// Floats that are not trained: zeros, but for what `fill` writes.
  mutating func fixed(
    _ name: String, _ shape: [Int], _ fill: (UnsafeMutablePointer<Float>) -> Void
  ) throws(MaasError) -> ValueID {
    try count(name, shape)
    let tensor = try isDraft ? Tensor(.float, shape) : Tensor.zeros(shape)
    if !isDraft { fill(tensor.bytes.assumingMemoryBound(to: Float.self)) }
    return graph.addConstant(name, tensor)
  }

  /// A size that is a product.
  func sized(_ a: Int, _ b: Int) throws(MaasError) -> Int {
    if let size = product(a, b) { return size }
    throw MaasError(.limitExceeded, "the layer is too large", found: "\(a) times \(b)")
  }

  mutating func parameter(_ name: String, _ shape: [Int], _ initializer: Initializer) throws(MaasError)
    -> ValueID
  {
    learned.append(ValueID(graph.values.count))
    try count(name, shape)
    // Nobody reads a draft's elements: no memory is touched.
    let tensor =
      try isDraft
      ? Tensor(.float, shape) : initializer.tensor(shape, seed: seed, stream: UInt32(learned.count))
    return graph.addConstant(name, tensor)
  }

  mutating func beginResidual() { entries.append((current, shape)) }

  mutating func endResidual() throws(MaasError) -> (value: ValueID, shape: [Int]) {
    if let entry = entries.popLast() { return entry }
    throw MaasError(.invalidArgument, "there is no residual block to end", expected: "residual … end")
  }
}

/// Of a network's weights together, and of what a sample becomes behind a layer: gradients and states of update rules
/// take as much again, and a model of 2 GB cannot be written into memory.
private let mostBytes = 1 << 31

/// The name of a part.
@inline(never)
func / (name: String, part: String) -> String { name + "/" + part }
