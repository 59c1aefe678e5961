import MaasCore
import MaasGraph

/// What does not change while plans of one graph are made.
package final class PlanContext: @unchecked Sendable {
  let weights: WeightCache
  let options: ExecutionOptions
  private let lock = Lock()
  private var bodies: [ObjectIdentifier: [Executable]] = [:]

  package init(weights: WeightCache, options: ExecutionOptions) {
    self.weights = weights
    self.options = options
  }

  var threads: Int { options.threads }
  /// Most bytes one plan's arena may have.
  var memoryLimit: Int { options.memoryLimit }

  /// The bodies of an operator of the graph, ready to run: made once, whatever the shapes around them.
  func executables(of op: any HostOperator) -> [Executable] {
    let key = ObjectIdentifier(op as AnyObject)  // Embedded Swift takes no `any HostOperator` here.
    return lock.holding {
      if let known = bodies[key] { return known }
      let made = op.bodies.map { Executable($0, weights: weights, options: options, isBody: true) }
      bodies[key] = made
      return made
    }
  }
}

/// How far planning has come: a value, so that a plan whose data decides how to go on can keep it and several
/// continuations can start from it.
struct PlanState {
  /// A graph being planned: the model's, or an If's chosen body inside it.
  struct Frame {
    let graph: Graph
    var next = 0
    /// The plan value of each graph value made so far.
    var values: [Int?]
    /// The node of the frame below whose outputs this body gives.
    let owner: Node?
    /// The graph values that a node or an output of the graph reads.
    private let read: [Bool]

    /// `wanted`: which of the graph's outputs are asked for; nil for all.
    init(_ graph: Graph, owner: Node?, wanted: [Bool]? = nil) {
      self.graph = graph
      self.owner = owner
      values = Array(repeating: nil, count: graph.values.count)
      var read = Array(repeating: false, count: graph.values.count)
      for node in graph.nodes {
        for case .some(let id) in node.inputs { read[id.index] = true }
      }
      for (i, id) in graph.outputs.enumerated() where wanted?[at: i] ?? true { read[id.index] = true }
      self.read = read
    }

    /// Which outputs of a node of the graph somebody reads.
    func wanted(_ node: Node) -> [Bool] { node.outputs.map { $0.map { read[$0.index] } ?? false } }

    func note(_ id: ValueID, in needed: inout Set<Int>) {
      if let value = values[id.index] { needed.insert(value) }
    }
  }

  /// A value of the run: a tensor, or something in a slot that no step looks into.
  struct Value {
    let name: String
    let dtype: DType
    let shape: [Int]
    /// What is known of a value that is no tensor.
    var container: (fact: Fact?, slot: Int)?
    var constant: Tensor?
    /// Where its bytes are; nil for constants that no step has asked for yet.
    var buffer: Int?
  }

  /// A piece of memory; several values may be views of one.
  struct Buffer {
    enum Place {
      /// In the arena of the plan being made, at an offset to be chosen.
      case planned
      case constant(Tensor)
      case fixed(TensorStorage)
      case placed(Location)
    }
    var place: Place
    var byteCount: Int
  }

  let context: PlanContext
  let family: PlanFamily
  /// Which of the graph's outputs the run gives.
  let wantedOutputs: [Bool]
  var frames: [Frame]
  var values: [Value] = []
  var buffers: [Buffer] = []
  /// How many plans come before the one being made.
  var level = 0
  /// Bytes of the arenas of the plans made so far.
  var chainBytes = 0
  /// Slots given away; the first are those of the graph's inputs.
  var slotCount = 0
  /// Bytes that constants made while planning may still take; nodes beyond that run like all others.
  var foldable: Int

  init(context: PlanContext, wantedOutputs: [Bool], frames: [Frame]) {
    self.context = context
    family = PlanFamily(byteLimit: context.options.planCacheLimit)
    self.wantedOutputs = wantedOutputs
    self.frames = frames
    foldable = min(context.memoryLimit, 1 << 26)
  }

  mutating func makeBuffer(_ place: Buffer.Place, _ byteCount: Int) -> Int {
    buffers.append(Buffer(place: place, byteCount: byteCount))
    return buffers.count - 1
  }

  mutating func makeValue(
    _ name: String, _ dtype: DType, _ shape: [Int], constant: Tensor? = nil, buffer: Int? = nil
  ) -> Int {
    values.append(Value(name: name, dtype: dtype, shape: shape, constant: constant, buffer: buffer))
    return values.count - 1
  }

  /// A value that is no tensor.
  mutating func makeValue(_ name: String, _ fact: Fact?, slot: Int) -> Int {
    values.append(
      Value(name: name, dtype: fact?.dtype ?? .float, shape: [], container: (fact, slot)))
    return values.count - 1
  }

  /// A value of a type that only the run has shown, in a slot.
  mutating func makeValue(
    _ name: String, _ type: DatumType, _ fact: Fact?, slot: Int
  ) throws(MaasError) -> Int {
    guard case .tensor(let dtype, let shape) = type else { return makeValue(name, fact, slot: slot) }
    let buffer = makeBuffer(.placed(.slot(slot)), try byteCount(shape, dtype, tensor: name))
    return makeValue(name, dtype, shape, buffer: buffer)
  }

  /// The value of a graph value in the innermost frame; constants of the graph get theirs at first use.
  mutating func value(_ id: ValueID) throws(MaasError) -> Int {
    let top = frames.count - 1
    if let known = frames[top].values[at: id.index] ?? nil { return known }
    let value = frames[top].graph[id]
    guard let constant = value.constant else {
      throw MaasError(.invalidModel, "the value is used before anything makes it", tensor: value.name)
    }
    let index = makeValue(value.name, constant.dtype, constant.shape, constant: constant)
    frames[top].values[id.index] = index
    return index
  }

  /// The buffer of a value, for a step to use.
  mutating func buffer(_ value: Int) -> Int {
    if let buffer = values[value].buffer { return buffer }
    guard let constant = values[value].constant else { return makeBuffer(.planned, 0) }
    let buffer = makeBuffer(.constant(constant), constant.byteCount)
    values[value].buffer = buffer
    return buffer
  }

  mutating func operand(_ value: Int) throws(MaasError) -> Operand {
    let buffer = buffer(value)
    let known = values[value]
    return try Operand(BufferID(buffer), known.dtype, known.shape, constant: known.constant)
  }

  /// Values that nodes not planned yet, or the graph's outputs, still read; `besidesNext`: apart from the very next
  /// node.
  func valuesStillNeeded(besidesNext: Bool) -> Set<Int> {
    var needed: Set<Int> = []
    for (depth, frame) in frames.enumerated() {
      // The node that owns the next frame is still under way, its inputs are that frame's.
      let first = depth + 1 < frames.count || besidesNext ? frame.next + 1 : frame.next
      for node in frame.graph.nodes.dropFirst(first) {
        for case .some(let id) in node.inputs { frame.note(id, in: &needed) }
      }
      for (i, id) in frame.graph.outputs.enumerated() where depth > 0 || wantedOutputs[i] {
        frame.note(id, in: &needed)
      }
    }
    return needed
  }
}
