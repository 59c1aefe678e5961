import CMaasSystem
import MaasCore
import MaasGraph
import MaasRuntime

/// y = x + bias for int64, an operator whose results are plain to see.
final class AddNumber: Operator {
  let bias: Int64
  let grain: Int
  let name = "AddNumber"

  init(_ bias: Int64, grain: Int = .max) {
    self.bias = bias
    self.grain = grain
  }

  func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, .int64, try node.shape(0))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    node.mayReuse(input: 0)
    node.emit(
      addNumber, [try node.output(), try node.input(0)], bias, dtype: .int64, items: try node.output().count,
      grain: grain)
  }
}

private let addNumber: maas_step_run = { step, begin, end, _ in
  guard let step, let y = step.pointee.operands[0], let x = step.pointee.operands[1],
    let bias = step.pointee.params?.load(as: Int64.self)
  else { return 0 }
  for i in Int(begin)..<Int(end) {
    y.storeBytes(
      of: x.load(fromByteOffset: 8 * i, as: Int64.self) + bias, toByteOffset: 8 * i, as: Int64.self)
  }
  return 0
}

/// The sum of two tensors of one shape, with a temporary in between.
final class AddThroughTemporary: Operator {
  let name = "AddThroughTemporary"

  func infer(_ node: inout Inference) throws(MaasError) { node.setOutput(0, .int64, try node.shape(0)) }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let output = try node.output()
    let temporary = try node.temporary(.int64, output.shape)
    node.emit(addNumber, [temporary, try node.input(0)], Int64(0), items: output.count)
    node.emit(addPair, [output, temporary, try node.input(1)], 0, items: output.count)
  }
}

private let addPair: maas_step_run = { step, begin, end, _ in
  guard let step, let y = step.pointee.operands[0], let a = step.pointee.operands[1],
    let b = step.pointee.operands[2]
  else { return 0 }
  for i in Int(begin)..<Int(end) {
    let total = a.load(fromByteOffset: 8 * i, as: Int64.self) + b.load(fromByteOffset: 8 * i, as: Int64.self)
    y.storeBytes(of: total, toByteOffset: 8 * i, as: Int64.self)
  }
  return 0
}

/// A view of input 0 with the shape that input 1 holds.
final class ReshapeTo: Operator {
  let name = "ReshapeTo"

  func infer(_ node: inout Inference) throws(MaasError) { node.setOutput(0, .int64, try node.dims(1)) }
  func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}

/// The shape of its input.
final class ShapeOf: Operator {
  let name = "ShapeOf"

  func infer(_ node: inout Inference) throws(MaasError) {
    guard let shape = try node.shape(0) else { return node.setOutput(0, .int64, node.unknownShape(rank: 1)) }
    node.setOutput(0, .int64, [.known(shape.count)], dims: shape)
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    throw MaasError(.internal, "a known shape is folded")
  }
}

/// Input 0 chooses the first body when it is not zero.
final class Choose: Operator {
  let name = "Choose"
  let bodies: [Graph]
  var selectsBody: Bool { true }

  init(_ then: Graph, _ otherwise: Graph) { bodies = [then, otherwise] }

  func infer(_ node: inout Inference) throws(MaasError) {}
  func lower(_ node: inout Lowering) throws(MaasError) {}
}

/// Fails with an index error in its step.
final class Fail: Operator {
  let name = "Fail"

  func infer(_ node: inout Inference) throws(MaasError) { node.setOutput(0, .int64, try node.shape(0)) }

  func lower(_ node: inout Lowering) throws(MaasError) {
    node.emit(
      { _, _, _, worker in
        worker?.pointee.failure = (7, -3, 3)
        return Int32(MAAS_STEP_INDEX)
      }, [try node.output(), try node.input(0)], 0)
  }
}

extension Tensor {
  static func int64(_ shape: [Int], _ elements: [Int64]) throws -> Tensor {
    try Tensor(.int64, shape, elements)
  }
  var int64s: [Int64] { elements(as: Int64.self) }
}

func makeExecutable(_ graph: Graph, threads: Int = 1, memoryLimit: Int = 1 << 40) -> Executable {
  Executable(
    graph, weights: WeightCache(graph),
    options: ExecutionOptions(threads: threads, memoryLimit: memoryLimit, planCacheLimit: 1 << 20))
}
