import MaasCore
import MaasGraph
import MaasOps

@testable import MaasRuntime

// Graphs of int64 made node by node, for tests of loops.

extension Graph {
  /// An input of any shape.
  mutating func input(_ name: String, _ dtype: DType = .int64, container: Container? = nil) -> ValueID {
    let id = add(Value(name, dtype, container: container))
    inputs.append(id)
    return id
  }

  /// As `input`, for what a body sees of the graph around it. After all other inputs.
  mutating func capture(_ name: String, _ dtype: DType = .int64, container: Container? = nil) -> ValueID {
    captureCount += 1
    return input(name, dtype, container: container)
  }

  mutating func number(_ value: Int64) throws -> ValueID {
    addConstant("\(value)", try .int64([], [value]))
  }

  mutating func node(_ op: any Operator, _ inputs: ValueID?...) -> ValueID {
    add(op, inputs, name: "\(op.name)_\(nodes.count)")[0]
  }

  mutating func nodes(_ op: any Operator, _ inputs: [ValueID?], outputs: Int) -> [ValueID] {
    add(op, inputs, name: "\(op.name)_\(nodes.count)", outputs: outputs)
  }
}

func make<Op: ReadableOperator>(
  _ type: Op.Type, _ attributes: [Attribute] = [], inputs: Int = 2, outputs: Int = 1
) throws -> Op {
  var reader = AttributeReader(attributes, opset: 21, inputCount: inputs, outputCount: outputs)
  return try type.init(&reader)
}

func make(_ row: Compare.Row) throws -> Compare {
  var reader = AttributeReader([], opset: 21, inputCount: 2, outputCount: 1)
  return try Compare(row, &reader)
}

let add = Binary(.add)
let multiply = Binary(.mul)

/// The body of a Loop. `build` is given the iteration, adds the inputs for what is carried and captured, and says
/// whether to go on (nil: as before) and what the results are.
func loopBody(
  _ build: (inout Graph, ValueID) throws -> (goesOn: ValueID?, results: [ValueID])
) rethrows -> Graph {
  var body = Graph("body")
  let iteration = body.addInput("i", .int64, Shape([] as [Int]))
  let condition = body.addInput("condition", .bool, Shape([] as [Int]))
  let made = try build(&body, iteration)
  body.outputs = [made.goesOn ?? condition] + made.results
  return body
}

extension Graph {
  /// A Loop over `carried` and what the body captures.
  mutating func loop(
    _ body: Graph, times: ValueID?, while condition: ValueID? = nil, carried: [ValueID],
    captured: [ValueID] = []
  ) throws -> [ValueID] {
    let loop = try make(
      Loop.self, [Attribute("body", .graph(body))], inputs: 2 + carried.count,
      outputs: body.outputs.count - 1)
    return nodes(loop, [times, condition] + carried + captured, outputs: body.outputs.count - 1)
  }
}

extension Datum {
  static func numbers(_ shape: [Int], _ elements: [Int64]) throws -> Datum {
    .tensor(try .int64(shape, elements))
  }

  static func number(_ value: Int64) throws -> Datum { try numbers([], [value]) }

  var elements: [Datum] { if case .sequence(let elements) = self { elements } else { [] } }
  var int64s: [Int64]? { tensor?.int64s }
}

extension Executable {
  /// All outputs of one run.
  func results(_ inputs: [Datum], limits: RunLimits = RunLimits()) throws -> [Datum] {
    let results: [Datum?] = try run(
      inputs, graph.outputs.map { _ in .allocated(keep: false) }, limits: limits)
    return results.compactMap { $0 }
  }
}
