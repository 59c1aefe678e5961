import CMaasSystem
import MaasCore
import MaasGraph

/// Runs its body once for each slice of its scan inputs and stacks what it gives.
///
/// Inputs are the state variables, the scan inputs, the captures of the body. Up to opset 8 the first input gives the
/// lengths of sequences, and all others have a batch dimension in front.
package final class Scan: ReadableOperator, HostOperator {
  package let name = "Scan"
  let body: Graph
  let batched: Bool
  let stateCount: Int
  let inputs: [Direction]
  let outputs: [Direction]

  struct Direction {
    let axis: Int
    let reversed: Bool
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    body = try reader.graph("body")
    batched = reader.opset < 9
    let scanCount = try reader.int("num_scan_inputs") ?? 0
    let ownInputs = body.inputs.count - body.captureCount
    guard scanCount > 0, scanCount <= ownInputs, reader.inputCount == ownInputs + (batched ? 1 : 0) else {
      throw MaasError(
        .invalidModel, "num_scan_inputs does not fit the inputs of the node and its body",
        expected: "1 to \(ownInputs) of \(ownInputs) inputs", found: "\(scanCount) of \(reader.inputCount)")
    }
    stateCount = ownInputs - scanCount
    guard body.outputs.count >= stateCount, reader.outputCount <= body.outputs.count else {
      throw MaasError(
        .invalidModel, "the body '\(body.name)' has the wrong number of outputs",
        expected: "at least \(max(stateCount, reader.outputCount))", found: "\(body.outputs.count)")
    }
    let axes = batched ? ["", "directions"] : ["scan_input_axes", "scan_input_directions"]
    inputs = try Self.directions(&reader, axes[0], axes[1], scanCount)
    outputs = try Self.directions(
      &reader, "scan_output_axes", "scan_output_directions", body.outputs.count - stateCount)
    try reader.finish()
  }

  private static func directions(
    _ reader: inout AttributeReader, _ axesName: String, _ directionsName: String, _ count: Int
  ) throws(MaasError) -> [Direction] {
    let axes = axesName.isEmpty ? nil : try reader.ints(axesName)
    let directions = try reader.ints(directionsName)
    for (name, list) in [(axesName, axes), (directionsName, directions)] {
      if let list, list.count != count {
        throw MaasError(
          .invalidModel, "attribute '\(name)' has the wrong length", expected: "\(count)",
          found: "\(list.count)")
      }
    }
    return (0..<count).map { Direction(axis: axes?[$0] ?? 0, reversed: (directions?[$0] ?? 0) != 0) }
  }

  init(_ body: Graph, states: Int, inputs: [Direction], outputs: [Direction]) {
    (self.body, batched, stateCount) = (body, false, states)
    (self.inputs, self.outputs) = (inputs, outputs)
  }

  package init(_ scan: Scan, _ body: Graph) {
    (self.body, batched, stateCount) = (body, scan.batched, scan.stateCount)
    (inputs, outputs) = (scan.inputs, scan.outputs)
  }

  package var bodies: [Graph] { [body] }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let first = batched ? 1 : 0
    if node.has(0), batched { try node.expectDType(0, [.int64]) }
    var facts: [Fact?] = []
    for i in 0..<stateCount + inputs.count {
      let fact = try node.input(first + i)
      facts.append(Fact(fact.dtype, i < stateCount ? nil : try slice(fact, inputs[i - stateCount])))
    }
    facts += node.inputs.dropFirst(first + stateCount + inputs.count)
    let results = try node.bodyOutputs(body, facts)
    for i in 0..<node.outputCount {
      guard let dtype = i < stateCount ? facts[i]?.dtype : results[at: i]??.dtype else { continue }
      node.setOutput(i, dtype, nil)
    }
  }

  private func slice(_ fact: Fact, _ direction: Direction) throws(MaasError) -> Shape? {
    guard var dims = fact.shape?.dims else { return nil }
    if batched {
      guard dims.count >= 2 else { return nil }
      return Shape(Array(dims[2...]))
    }
    dims.remove(at: try normalized(axis: direction.axis, rank: dims.count))
    return Shape(dims)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    guard let runner = call.bodies.first else { throw MaasError(.internal, "the body is missing") }
    if batched { return try runBatch(call, runner) }
    var tensors: [Tensor] = []
    for i in 0..<stateCount + inputs.count { tensors.append(try call.tensor(i)) }
    return try scan(tensors, length: nil, runner)
  }

  /// One pass over all slices. `length`: how many there are where the tensors hold more.
  private func scan(
    _ tensors: [Tensor], length: Int?, _ runner: any BodyRunner
  ) throws(MaasError) -> [Datum?] {
    var sources: [(slices: Slices, slice: Tensor)] = []
    var count = length
    for (tensor, direction) in zip(tensors[stateCount...], inputs) {
      let axis = try normalized(axis: direction.axis, rank: tensor.shape.count)
      count = try common(count, tensor.shape[axis], length != nil)
      let slices = try Slices(tensor.shape, axis: axis, tensor.dtype)
      sources.append((slices, try Tensor(tensor.dtype, slices.shape)))
    }
    let steps = count ?? 0
    var values: [Datum] = tensors[..<stateCount].map { .tensor($0) } + sources.map { .tensor($0.slice) }
    var collected: [Collected] = outputs.map { Collected($0.axis, $0.reversed, steps) }
    var results: [Datum] = []
    for t in 0..<steps {
      for (i, source) in sources.enumerated() {
        let at = inputs[i].reversed ? steps - 1 - t : t
        source.slices.take(at, from: tensors[stateCount + i].bytes, to: source.slice.bytes)
      }
      try runner.run(&values, &results)
      for i in 0..<stateCount { values[i] = results[i] }
      for i in collected.indices { try collected[i].put(t, results[stateCount + i]) }
    }
    var outputs: [Datum?] = values[..<stateCount].map { $0 }
    for (i, output) in collected.enumerated() {
      outputs.append(.tensor(try output.tensor(body[body.outputs[stateCount + i]])))
    }
    return outputs
  }

  private func common(_ a: Int?, _ b: Int, _ longerIsFine: Bool) throws(MaasError) -> Int {
    guard let a else { return b }
    if a == b || (longerIsFine && a <= b) { return a }
    throw MaasError(
      .shapeMismatch, "the scan inputs differ in length", expected: "\(a)", found: "\(b)")
  }
}

/// A scan output on its way: slices of a tensor whose type the first iteration shows.
private struct Collected {
  private let axis: Int
  private let reversed: Bool
  private let count: Int
  private var whole: (tensor: Tensor, slices: Slices)?

  init(_ axis: Int, _ reversed: Bool, _ count: Int) {
    self.axis = axis
    self.reversed = reversed
    self.count = count
  }

  mutating func put(_ t: Int, _ result: Datum) throws(MaasError) {
    guard let slice = result.tensor else {
      throw MaasError(.typeMismatch, "a scan output must be a tensor", found: "a \(result.kind)")
    }
    if whole == nil { whole = try make(slice) }
    guard let whole else { return }
    guard whole.slices.shape == slice.shape, whole.tensor.dtype == slice.dtype else {
      throw changedScan(whole.tensor.dtype, whole.slices.shape, slice, iteration: t)
    }
    whole.slices.put(reversed ? count - 1 - t : t, from: slice.bytes, to: whole.tensor.bytes)
  }

  private func make(_ slice: Tensor) throws(MaasError) -> (tensor: Tensor, slices: Slices) {
    if slice.dtype == .string { throw unmovable(.string) }
    var shape = slice.shape
    let axis = try normalized(axis: axis, rank: shape.count + 1)
    shape.insert(count, at: axis)
    return (try Tensor(slice.dtype, shape), try Slices(shape, axis: axis, slice.dtype))
  }

  /// Where nothing was scanned the type is what the body declares.
  func tensor(_ declared: Value) throws(MaasError) -> Tensor {
    if let whole { return whole.tensor }
    var shape = declared.shape?.dims.map { $0.value ?? 0 } ?? []
    shape.insert(0, at: min(max(axis, 0), shape.count))
    return try Tensor(declared.dtype ?? .float, shape)
  }
}

// Opset 8: a batch of scans.
extension Scan {
  private func runBatch(_ call: HostCall, _ runner: any BodyRunner) throws(MaasError) -> [Datum?] {
    var tensors: [Tensor] = []
    for i in 0..<stateCount + inputs.count { tensors.append(try call.tensor(1 + i)) }
    guard let batch = tensors.last?.shape.first,
      tensors.allSatisfy({ $0.shape.first == batch }),
      tensors[stateCount...].allSatisfy({ $0.shape.count > 1 })
    else {
      throw MaasError(
        .shapeMismatch, "the inputs have no common batch dimension",
        expected: "shapes [batch, …], of scan inputs [batch, length, …]")
    }
    let lengths = call.has(0) ? try call.integers(0) : nil
    var results: [[Datum?]] = []
    for b in 0..<batch {
      let parts = try tensors.map { (tensor) throws(MaasError) in try part(b, of: tensor) }
      results.append(try scan(parts, length: try length(lengths, b, tensors), runner))
    }
    var outputs: [Datum?] = []
    for i in 0..<body.outputs.count {
      outputs.append(try stacked(results.map { $0[i] }, i < stateCount ? nil : tensors[stateCount].shape[1]))
    }
    return outputs
  }

  private func length(_ lengths: [Int]?, _ b: Int, _ tensors: [Tensor]) throws(MaasError) -> Int? {
    guard let lengths else { return nil }
    let most = tensors[stateCount].shape[1]
    guard let length = lengths[at: b], length >= 0, length <= most else {
      throw MaasError(
        .outOfRange, "a sequence length is out of range", expected: "0..\(most)",
        found: "\(lengths[at: b] ?? 0)")
    }
    return length
  }

  private func part(_ b: Int, of tensor: Tensor) throws(MaasError) -> Tensor {
    let slices = try Slices(tensor.shape, axis: 0, tensor.dtype)
    let part = try Tensor(tensor.dtype, slices.shape)
    slices.take(b, from: tensor.bytes, to: part.bytes)
    return part
  }

  /// The results of all batches; scan outputs shorter than `length` are filled up with zeros.
  private func stacked(_ parts: [Datum?], _ length: Int?) throws(MaasError) -> Datum? {
    var stack = Stack(limit: parts.count)
    for part in parts {
      guard let tensor = part?.tensor else { return nil }
      try stack.append(length.map { (n) throws(MaasError) in try padded(tensor, n) } ?? tensor)
    }
    return .tensor(try stack.tensor(empty: nil))
  }

  private func padded(_ tensor: Tensor, _ length: Int) throws(MaasError) -> Tensor {
    guard tensor.shape.first != length, !tensor.shape.isEmpty else { return tensor }
    let padded = try Tensor(tensor.dtype, [length] + tensor.shape.dropFirst())
    maas_sys_zero(padded.bytes, padded.byteCount)
    maas_sys_copy(padded.bytes, tensor.bytes, min(tensor.byteCount, padded.byteCount))
    return padded
  }
}
