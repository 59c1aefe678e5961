import MaasCore
import MaasGraph
import MaasOps

/// Bytes that are a function of other bytes, element by element, whatever operators on floats and integers that is
/// written in, are looked up in a table.
let tabulateBytes = Rule(name: "TabulateBytes", effect: .exact, isInternal: true) {
  (graph: inout Graph) throws(MaasError) -> Int in
  var known: [ValueID: ByteFunction] = [:]
  return try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.outputs.count == 1, let y = node.outputs[0], node.op.isOfElements,
      let function = try matcher.function(node, known)
    else { return nil }
    known[y] = function
    guard matcher.isByte(y), function.length > 1 else { return nil }
    let table = matcher.constant("\(node.name)/table", function.table)
    return Node(node.name, ByteTable(), [function.x, table], node.outputs)
  }
}

/// What a value is for each byte of x.
private struct ByteFunction {
  let x: ValueID
  let table: Tensor
  /// Operators that it is written in.
  var length = 0
}

extension Operator {
  /// Whether each element of the output is made of those of the inputs in its place.
  fileprivate var isOfElements: Bool {
    if let binary = self as? Binary { return binary.isPlain }
    return self is Unary || self is Clip || self is QuantizeLinear || self is DequantizeLinear
      || self is QLinearBinary || self is QLinearLookup
  }
}

extension Matcher {
  /// The output of a node as a function of the only bytes that it depends on.
  fileprivate func function(
    _ node: Node, _ known: [ValueID: ByteFunction]
  ) throws(MaasError) -> ByteFunction? {
    var x: ValueID?
    var length = 1
    var inputs: [Tensor?] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      if let number = graph[input].constant, number.count == 1 {
        inputs.append(try number.reshaped([]))
        continue
      }
      var own = known[input]
      if own == nil { own = try identity(input) }
      guard let own, x == nil || x == own.x else { return nil }
      x = own.x
      length = max(length, own.length + 1)
      inputs.append(own.table)
    }
    guard let x, let y = node.outputs[0], let shape = shape(x), shape == self.shape(y),
      let table = tabulated(node.op, inputs)
    else { return nil }
    return ByteFunction(x: x, table: table, length: length)
  }

  private func identity(_ x: ValueID) throws(MaasError) -> ByteFunction? {
    guard isByte(x), graph[x].constant == nil, let dtype = graph[x].dtype else { return nil }
    let all = (0..<256).map { UInt8($0) }
    let table =
      dtype == .uint8
      ? try Tensor(.uint8, [256], all) : try Tensor(.int8, [256], all.map { Int8(bitPattern: $0) })
    return ByteFunction(x: x, table: table)
  }

  /// Nil for what fails: the plan will say why where it matters.
  private func tabulated(_ op: any Operator, _ inputs: [Tensor?]) -> Tensor? {
    do {
      let outputs = try evaluate(op, inputs, outputs: [true], byteLimit: 1 << 12)
      return outputs?.first.flatMap { $0?.shape == [256] ? $0 : nil }
    } catch {
      return nil
    }
  }
}
