import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// Element-wise functions of floats one after the other, of which a rewrite has made one node: each tile of the result
/// goes through all of them while it is in the first-level cache.
///
/// Inputs: the operands of all links in their order, without what the link before makes.
package final class ElementChain: Operator {
  package let name = "ElementChain"
  private let links: [Link]

  /// A unary function, or a binary one with a unary function behind it. Operands are inputs of the chain; nil is what
  /// the link before made.
  fileprivate struct Link {
    let binary: Binary.Row?
    let function: Activation
    var a: Int?
    var b: Int?
  }

  private init(_ links: [Link]) { self.links = links }

  /// One node for a node and the one that reads its output as input `j`; nil where one of them is no such function.
  package static func joining(_ producer: Node, _ reader: Node, input j: Int) -> Node? {
    guard let first = links(of: producer.op), let own = links(of: reader.op), own.count == 1,
      first.count < ChainParams.most, var last = own.first, !(reader.op is ElementChain)
    else { return nil }
    var inputs = producer.inputs
    last.a = nil
    if last.binary != nil {
      (last.a, last.b) = j == 0 ? (nil, inputs.count) : (inputs.count, nil)
      inputs.append(reader.inputs[1 - j])
    }
    return Node(reader.name, ElementChain(first + [last]), inputs, reader.outputs)
  }

  private static func links(of op: any Operator) -> [Link]? {
    if let chain = op as? ElementChain { return chain.links }
    if let unary = op as? Unary { return [Link(binary: nil, function: unary.activation, a: 0, b: nil)] }
    return (op as? Binary)?.kernelFunction.map { [Link(binary: $0.row, function: $0.activation, a: 0, b: 1)] }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices { try node.expectDType(i, [.float]) }
    var shape: [Dim]?
    for link in links {
      let a = try link.a.map { (i) throws(MaasError) in try node.shape(i) } ?? shape
      let b = try link.b.map { (i) throws(MaasError) in try node.shape(i) } ?? shape
      guard let a, let b = link.binary == nil ? a : b else { return node.setOutput(0, .float, nil) }
      shape = try broadcast(a, b)
    }
    node.setOutput(0, .float, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    var params = ChainParams()
    var nanoseconds = 0.0
    for (i, link) in links.enumerated() {
      let split = try params.append(link, isFirst: i == 0, node, y)
      nanoseconds += 30_000 / Double(max(1, split.grain))
    }
    // What is written over must not be read by a later link.
    let later = links.dropFirst().flatMap { [$0.a, $0.b].compactMap { $0 } }
    let buffers = try later.map { (i) throws(MaasError) in try node.input(i).buffer }
    for i in 0..<2 where links[0].a == i || links[0].b == i {
      let own = try node.input(i)
      if own.shape == y.shape, !buffers.contains(own.buffer) { try node.mayReuseElementwise(i) }
    }
    node.emit(
      { runChain(Chunk($0, $1, $2, $3)) }, node.inputs + [y], params, items: y.count,
      grain: max(1, Int(30_000 / max(nanoseconds, 0.01))), kernel: "element_chain")
  }
}

/// The kernels of a chain, each as if it were a step of its own over all elements.
private struct ChainParams {
  static let most = 8, tile = 2048

  struct Part {
    var isBinary = false
    /// Operands of the step; the output is -1.
    var (a, b) = (-1, -1)
    var unary = maas_f32_unary_params()
    var binary = maas_f32_binary_params()
  }

  var count = 0
  var parts = InlineArray<8, Part>(repeating: Part())

  mutating func append(
    _ link: ElementChain.Link, isFirst: Bool, _ node: Lowering, _ y: Operand
  ) throws(MaasError) -> maas_split {
    var part = Part()
    (part.a, part.b, part.isBinary) = (link.a ?? -1, link.b ?? -1, link.binary != nil)
    let a = try link.a.map { (i) throws(MaasError) in try node.input(i).shape } ?? y.shape
    let b = try link.b.map { (i) throws(MaasError) in try node.input(i).shape } ?? y.shape
    guard try Shape(broadcast(Shape(a).dims, Shape(link.binary == nil ? a : b).dims)).concrete == y.shape
    else {
      throw MaasError(.shapeMismatch, "a part of a chain of functions has another shape than its end")
    }
    let split: maas_split
    if let row = link.binary, let kernel = row.kernel {
      part.binary = try maas_f32_binary_params(kernel, a, b, y.shape, link.function)
      split = maas_f32_binary_split(&part.binary)
    } else {
      part.unary = maas_f32_unary_params(function: link.function.function, n: Int64(y.count))
      split = withUnsafePointer(to: part.unary) { maas_f32_unary_split($0) }
    }
    parts[count] = part
    count += 1
    return split
  }
}

/// The chain's inputs, y. Items are elements.
private func runChain(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(ChainParams.self)
  let operands = chunk.step.pointee.operands.unsafelyUnwrapped
  // The output stands behind the inputs.
  var last = 0
  for i in 0..<p.pointee.count { last = max(last, p.pointee.parts[i].a + 1, p.pointee.parts[i].b + 1) }
  var first = chunk.begin
  while first < chunk.end {
    let end = min(chunk.end, first + ChainParams.tile)
    for i in 0..<p.pointee.count {
      runPart(p.pointee.parts[i], operands, output: last, first, end, chunk.worker)
    }
    first = end
  }
  return StepStatus.ok
}

private func runPart(
  _ part: ChainParams.Part, _ operands: UnsafePointer<UnsafeMutableRawPointer?>, output: Int, _ first: Int,
  _ end: Int, _ worker: UnsafeMutablePointer<maas_worker>
) {
  let (a, y) = (operands[part.a < 0 ? output : part.a], operands[output])
  let own: InlineArray<3, UnsafeMutableRawPointer?> =
    part.isBinary ? [a, operands[part.b < 0 ? output : part.b], y] : [a, y, nil]
  withUnsafeBytes(of: own) { pointers in
    var step = maas_step()
    step.operands = pointers.baseAddress?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    if part.isBinary {
      withUnsafeBytes(of: part.binary) {
        step.params = $0.baseAddress
        _ = maas_f32_binary(&step, Int64(first), Int64(end), worker)
      }
    } else {
      withUnsafeBytes(of: part.unary) {
        step.params = $0.baseAddress
        _ = maas_f32_unary(&step, Int64(first), Int64(end), worker)
      }
    }
  }
}
