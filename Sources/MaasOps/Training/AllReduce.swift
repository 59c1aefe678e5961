import CMaasSystem
import MaasCore
import MaasGraph

/// How gradients are added up over the processes of a job.
package struct Collective: Sendable {
  nonisolated(unsafe) let calls: UnsafePointer<maas_collective>

  /// `calls` must stay where it is for as long as anything that was planned with it runs.
  package init(_ calls: UnsafePointer<maas_collective>) { self.calls = calls }

  package var rank: Int { Int(calls.pointee.rank) }
  package var ranks: Int { Int(calls.pointee.ranks) }
}

private struct CollectiveParams {
  let calls: UnsafePointer<maas_collective>
  let count: Int64
  let slot: Int32
}

/// Starts adding up float tensors over all processes, as one bucket: the output holds their elements one after the
/// other, and must be read by nothing but `AllReduceFinish`. A single tensor is added up where it lies.
package final class AllReduceStart: Operator {
  package let name = "AllReduceStart"
  private let collective: Collective
  private let slot: Int

  package init(_ collective: Collective, slot: Int) { (self.collective, self.slot) = (collective, slot) }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices { try node.expectDType(i, [.float]) }
    guard node.inputs.count > 1 else { return node.setOutput(0, .float, try node.shape(0)) }
    var total: Dim? = .known(0)
    for i in node.inputs.indices {
      let count = try node.shape(i)?.reduce(Dim.known(1)) { $0 * $1 }
      total = total.flatMap { sum in count.map { sum + $0 } }
    }
    node.setOutput(0, .float, total.map { [$0] })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let bucket = try node.output()
    if node.inputs.count == 1 { node.alias() } else { try node.emitGather(into: bucket) }
    let params = CollectiveParams(calls: collective.calls, count: Int64(bucket.count), slot: Int32(slot))
    let data = node.inputs.count == 1 ? try node.input(0) : bucket
    node.emit(
      { (step, begin, end, worker) in
        let chunk = Chunk(step, begin, end, worker)
        let params = chunk.params(CollectiveParams.self).pointee
        return params.calls.pointee.start(
          params.calls.pointee.context, chunk.output(0, as: Float.self), params.count, params.slot)
          == 0 ? StepStatus.ok : StepStatus.stopped
      }, [data], params, kernel: "all-reduce")
  }
}

/// Waits for a bucket of `AllReduceStart`, input 0, and gives its tensors; the other inputs are those that went into
/// it.
package final class AllReduceFinish: Operator {
  package let name = "AllReduceFinish"
  private let collective: Collective
  private let slot: Int

  package init(_ collective: Collective, slot: Int) { (self.collective, self.slot) = (collective, slot) }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, [.float])
    for i in 1..<node.inputs.count { node.setOutput(i - 1, .float, try node.shape(i)) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let bucket = try node.input(0)
    let params = CollectiveParams(calls: collective.calls, count: 0, slot: Int32(slot))
    node.emit(
      { (step, begin, end, worker) in
        let params = Chunk(step, begin, end, worker).params(CollectiveParams.self).pointee
        return params.calls.pointee.finish(params.calls.pointee.context, params.slot)
          == 0 ? StepStatus.ok : StepStatus.stopped
      }, [bucket], params, kernel: "all-reduce")
    if node.inputs.count == 2 { return node.alias() }
    try node.emitScatter(from: bucket)
  }
}

extension Lowering {
  /// The inputs' elements one after the other.
  fileprivate mutating func emitGather(into bucket: Operand) throws(MaasError) {
    var offset = 0
    for i in inputs.indices {
      let x = try input(i)
      try emitCopy(x, bucket, [x.count], xStrides: [1], yStrides: [1], yOffset: offset)
      offset += x.count
    }
  }

  fileprivate mutating func emitScatter(from bucket: Operand) throws(MaasError) {
    var offset = 0
    for i in outputs.indices {
      let y = try output(i)
      try emitCopy(bucket, y, [y.count], xStrides: [1], yStrides: [1], xOffset: offset)
      offset += y.count
    }
  }
}

extension Collective {
  /// Adds up floats over all processes, in place, at once.
  package func addUp(_ values: UnsafeMutablePointer<Float>, _ count: Int) throws(MaasError) {
    let (context, own) = (calls.pointee.context, calls.pointee)
    guard own.start(context, values, Int64(count), 0) == 0, own.finish(context, 0) == 0 else {
      throw .processEnded
    }
  }
}

extension MaasError {
  static var processEnded: MaasError {
    MaasError(.cancelled, "another process of the job has ended, or this one was told to")
  }
}
