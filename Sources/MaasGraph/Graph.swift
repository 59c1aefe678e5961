import MaasCore

/// Names a value of one graph.
package struct ValueID: Hashable, Sendable {
  package let index: Int
  package init(_ index: Int) { self.index = index }
}

/// What flows along the edges of a graph: a tensor, or tensors in a container.
package struct Value: Sendable {
  package var name: String
  /// What the model declares or inference found; nil where nothing is known.
  package var dtype: DType?
  package var shape: Shape?
  /// Nil for a tensor. Element type and shape are then those of the tensors inside.
  package var container: Container?
  /// The contents, for initializers and folded values.
  package var constant: Tensor?

  package init(
    _ name: String, _ dtype: DType? = nil, _ shape: Shape? = nil, container: Container? = nil,
    constant: Tensor? = nil
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.container = container
    self.constant = constant
  }
}

/// One operator applied to values. Optional inputs and outputs that the model leaves out are nil.
package struct Node: Sendable {
  package var name: String
  package let op: any Operator
  package var inputs: [ValueID?]
  package var outputs: [ValueID?]
  /// What a rewrite put this node in the place of.
  package var origin: NodeOrigin?

  package init(_ name: String, _ op: any Operator, _ inputs: [ValueID?], _ outputs: [ValueID?]) {
    self.name = name
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
  }
}

/// A data-flow graph in execution order. Values are numbered; nodes come after all nodes they depend on.
///
/// A body of If or Loop is a graph of its own. What it uses of the graph around it stands explicitly at the end of
/// its inputs (`captureCount` of them) and at the end of the inputs of the node that owns it.
package struct Graph: Sendable {
  package var name: String
  package var values: [Value] = []
  package var nodes: [Node] = []
  package var inputs: [ValueID] = []
  package var outputs: [ValueID] = []
  /// How many of `inputs`, the last ones, come from the graph around this body.
  package var captureCount = 0
  /// While a body is rewritten: what the model says of its inputs and outputs.
  package var declared: [Value] = []
  /// While it is rewritten: a body that its own nodes cannot run, which no rule may touch.
  package var isRefused = false
  /// How the operators stand in a file, where the graph was read to be written again.
  package var forms = OperatorForms()

  package init(_ name: String) { self.name = name }

  package subscript(_ id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  package mutating func add(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(values.count - 1)
  }

  /// Adds a node with fresh outputs named after it.
  @discardableResult
  package mutating func add(
    _ op: any Operator, _ inputs: [ValueID?], name: String, outputs count: Int = 1
  ) -> [ValueID] {
    var outputs: [ValueID] = []
    for i in 0..<count { outputs.append(add(Value(count == 1 ? name : "\(name)_\(i)"))) }
    nodes.append(Node(name, op, inputs, outputs.map { $0 }))
    return outputs
  }

  package mutating func addInput(_ name: String, _ dtype: DType, _ shape: Shape) -> ValueID {
    let id = add(Value(name, dtype, shape))
    inputs.append(id)
    return id
  }

  package mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
    add(Value(name, tensor.dtype, Shape(tensor.shape), constant: tensor))
  }
}

extension Graph {
  /// The index of the node that makes each value; nil for inputs and constants.
  package func producers() -> [Int?] {
    var producers = [Int?](repeating: nil, count: values.count)
    for (i, node) in nodes.enumerated() {
      for case .some(let output) in node.outputs { producers[output.index] = i }
    }
    return producers
  }

  /// How often each value is read, graph outputs included.
  package func useCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes {
      for case .some(let input) in node.inputs { counts[input.index] += 1 }
    }
    for output in outputs { counts[output.index] += 1 }
    return counts
  }

  /// Removes the nodes whose outputs nobody reads; tells of each value whether somebody does.
  @discardableResult
  package mutating func removeDeadNodes() -> [Bool] {
    var needed = Array(repeating: false, count: values.count)
    for output in outputs { needed[output.index] = true }
    var alive: [Node] = []
    for node in nodes.reversed()
    where node.outputs.contains(where: { $0.map { needed[$0.index] } ?? false }) {
      for case .some(let input) in node.inputs { needed[input.index] = true }
      alive.append(node)
    }
    nodes = alive.reversed()
    return needed
  }

  /// Makes every reader of a value read its replacement instead, which must not be replaced itself.
  package mutating func replaceUses(_ replacements: [ValueID: ValueID]) {
    for i in nodes.indices {
      for j in nodes[i].inputs.indices {
        if let input = nodes[i].inputs[j] { nodes[i].inputs[j] = replacements[input] ?? input }
      }
    }
    for i in outputs.indices { outputs[i] = replacements[outputs[i]] ?? outputs[i] }
  }
}
