import CMaas
import Maas
import MaasCore
import MaasRuntime

private typealias Handles = UnsafePointer<OpaquePointer?>
private typealias Names = UnsafePointer<UnsafePointer<CChar>?>

@c @implementation
package func maas_session_run(
  _ session: OpaquePointer?, _ options: OpaquePointer?, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>?,
  _ inputs: UnsafePointer<OpaquePointer?>?, _ inputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ outputs: UnsafeMutablePointer<OpaquePointer?>?,
  _ outputCount: Int
) -> maas_status {
  withStatus { () throws(MaasError) in
    let session = try MaasABI.session(session)
    let options = try runOptions(options)
    try session.located { () throws(MaasError) in
      let tensors = try given(session, inputNames, inputs, length(inputCount, "input_count"))
      let targets = try wanted(session, outputNames, outputs, length(outputCount, "output_count"))
      let results = try session.run(tensors, outputs: targets, options: options)
      for (i, result) in results.enumerated() where outputs?[i] == nil {
        outputs?[i] = handle(TensorHandle(result))
      }
    }
  }
}

/// A length that C passes.
func length(_ count: Int, _ argument: StaticString) throws(MaasError) -> Int {
  if count >= 0, count <= 1 << 20 { return count }
  let name = argument.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
  throw MaasError(
    .invalidArgument, "'\(name)' is more than any model has", found: "\(UInt(bitPattern: count))")
}

/// The inputs in the model's order.
private func given(_ session: Session, _ names: Names?, _ handles: Handles?, _ count: Int) throws(MaasError)
  -> [Tensor]
{
  if count == 0 { return [] }
  let handles = try required(handles, "inputs")
  var tensors: [Tensor] = []
  tensors.reserveCapacity(count)
  for i in 0..<count { tensors.append(try MaasABI.tensor(handles[i], "inputs[i]")) }
  guard let names, try !areInOrder(session, names, count) else { return tensors }
  return try session.order(
    tensors.enumerated().map { (i, tensor) throws(MaasError) in
      (try string(names[i], "input_names[i]"), tensor)
    })
}

/// Whether these are the names of all inputs in the model's order, as they mostly are.
private func areInOrder(_ session: Session, _ names: Names, _ count: Int) throws(MaasError) -> Bool {
  guard count == session.model.inputs.count else { return false }
  for i in 0..<count
  where try Name(string(names[i], "input_names[i]")) != Name(session.model.inputs[i].name) {
    return false
  }
  return true
}

/// Which outputs the caller asks for, and where they go.
private func wanted(
  _ session: Session, _ names: Names?, _ handles: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int
) throws(MaasError) -> [(index: Int, target: OutputTarget)] {
  if count == 0 { return [] }
  let handles = try required(handles, "outputs")
  var targets: [(index: Int, target: OutputTarget)] = []
  var indices: [Int] = []
  targets.reserveCapacity(count)
  for i in 0..<count {
    let index = try outputIndex(session, names, i, earlier: indices)
    indices.append(index)
    targets.append((index, try handles[i] == nil ? .allocated(keep: false) : .tensor(tensor(handles[i], ""))))
  }
  return targets
}

/// Which output the i-th one asked for is; each can be asked for once.
func outputIndex(
  _ session: Session, _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ i: Int, earlier: [Int]
) throws(MaasError) -> Int {
  let index = names == nil ? i : try session.model.index(ofOutput: string(names?[i], "output_names[i]"))
  if earlier.contains(index) {
    throw MaasError(
      .invalidArgument, "an output is asked for twice", tensor: session.model.outputs[at: index]?.name)
  }
  return index
}
