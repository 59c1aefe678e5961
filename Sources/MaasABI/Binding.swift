import CMaas
import Maas
import MaasCore
import MaasRuntime

/// What a `maas_binding` is. The lock is only ever tried: a second thread is told, not kept waiting.
final class BindingHandle {
  fileprivate let session: Session
  fileprivate let binding: Binding
  private let lock = Lock()

  init(_ session: Session) {
    self.session = session
    binding = Binding(session.executable)
  }

  /// Runs `body`, unless another thread is inside the binding.
  @inline(__always)
  fileprivate func alone(_ body: () throws(MaasError) -> Void) throws(MaasError) {
    guard lock.tryAcquire() else { throw busy() }
    defer { lock.release() }
    try session.located(body)
  }

  @inline(never)
  private func busy() -> MaasError {
    MaasError(
      .busy, "another thread is using the binding", hint: "give each thread a binding of its own")
  }
}

private func change(_ handle: OpaquePointer?, _ body: (BindingHandle) throws(MaasError) -> Void)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let binding = try object(BindingHandle.self, handle, "binding")
    try binding.alone { () throws(MaasError) in try body(binding) }
  }
}

@c @implementation
package func maas_binding_create(_ session: OpaquePointer?, _ binding: UnsafeMutablePointer<OpaquePointer?>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let session = try MaasABI.session(session)
    try required(binding, "binding").pointee = handle(BindingHandle(session))
  }
}

@c @implementation
package func maas_binding_close(_ binding: OpaquePointer?) -> maas_status {
  close(BindingHandle.self, binding)
}

@c @implementation
package func maas_binding_set_input(
  _ binding: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: OpaquePointer?
) -> maas_status {
  change(binding) { (handle) throws(MaasError) in
    let index = try handle.session.model.index(ofInput: string(name, "name"))
    try handle.binding.setInput(index, MaasABI.tensor(tensor, "tensor"))
  }
}

@c @implementation
package func maas_binding_set_input_buffer(
  _ binding: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ dtype: maas_dtype,
  _ shape: UnsafePointer<Int64>?, _ rank: Int, _ data: UnsafeRawPointer?, _ bytes: Int
) -> maas_status {
  change(binding) { (handle) throws(MaasError) in
    let index = try handle.session.model.index(ofInput: string(name, "name"))
    let memory = UnsafeMutableRawPointer(mutating: data)
    try handle.binding.setInput(index, borrowed(dtype, shape, rank, memory, bytes, release: nil))
  }
}

@c @implementation
package func maas_binding_set_output(
  _ binding: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: OpaquePointer?
) -> maas_status {
  change(binding) { (handle) throws(MaasError) in
    let index = try handle.session.model.index(ofOutput: string(name, "name"))
    let target: OutputTarget =
      tensor == nil ? .allocated(keep: true) : .tensor(try MaasABI.tensor(tensor, "tensor"))
    try handle.binding.setOutput(index, target)
  }
}

@c @implementation
package func maas_binding_set_output_buffer(
  _ binding: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ data: UnsafeMutableRawPointer?, _ bytes: Int
) -> maas_status {
  change(binding) { (handle) throws(MaasError) in
    let index = try handle.session.model.index(ofOutput: string(name, "name"))
    let memory = try required(data, "data")
    try handle.binding.setOutput(index, .memory(memory, byteCount: bytes < 0 ? Int.max : bytes))
  }
}

@c @implementation
package func maas_binding_clear_inputs(_ binding: OpaquePointer?) -> maas_status {
  change(binding) { $0.binding.clearInputs() }
}

@c @implementation
package func maas_binding_clear_outputs(_ binding: OpaquePointer?) -> maas_status {
  change(binding) { $0.binding.clearOutputs() }
}

@c @implementation
package func maas_binding_run(_ binding: OpaquePointer?, _ options: OpaquePointer?) -> maas_status {
  guard let binding else { return change(binding) { _ in } }
  // No reference counting: a run of a small model takes less than a microsecond.
  return Unmanaged<BindingHandle>.fromOpaque(UnsafeRawPointer(binding))._withUnsafeGuaranteedRef { handle in
    withStatus { () throws(MaasError) in
      let options = try runOptions(options)
      try handle.alone { () throws(MaasError) in try handle.binding.run(limits: options.limits) }
      // The limits point into the options' cancel flag.
      withExtendedLifetime(options) {}
    }
  }
}

@c @implementation
package func maas_binding_output(
  _ binding: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  change(binding) { (handle) throws(MaasError) in
    let result = try required(tensor, "tensor")
    let index = try handle.session.model.index(ofOutput: string(name, "name"))
    result.pointee = MaasABI.handle(TensorHandle(try handle.binding.output(index)))
  }
}
