import CMaas
import Maas
import MaasCore
import MaasONNX

/// What a `maas_session_options` is.
final class SessionOptionsHandle {
  var options = SessionOptions()
  /// The text that the last `maas_session_options_get` gave.
  var lastText: Text?
}

/// The options behind a handle; NULL stands for the defaults.
func sessionOptions(_ handle: OpaquePointer?) throws(MaasError) -> SessionOptions {
  handle == nil ? SessionOptions() : try object(SessionOptionsHandle.self, handle, "options").options
}

private func change(_ handle: OpaquePointer?, _ body: (inout SessionOptions) throws(MaasError) -> Void)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    try body(&object(SessionOptionsHandle.self, handle, "options").options)
  }
}

@c @implementation
package func maas_session_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status {
  withStatus { () throws(MaasError) in
    try required(options, "options").pointee = handle(SessionOptionsHandle())
  }
}

@c @implementation
package func maas_session_options_close(_ options: OpaquePointer?) -> maas_status {
  close(SessionOptionsHandle.self, options)
}

@c @implementation
package func maas_session_options_set(
  _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> maas_status {
  change(options) { (options) throws(MaasError) in
    let option = try SessionOption.named(string(name, "name"))
    let text = try string(value, "value")
    if option.set(&options, text) { return }
    throw MaasError(
      .invalidArgument, "the session option '\(option.name)' cannot have this value",
      expected: option.expected, found: "'\(text)'")
  }
}

@c @implementation
package func maas_session_options_get(
  _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let options = try object(SessionOptionsHandle.self, options, "options")
    let value = try required(value, "value")
    let text = Text(try SessionOption.named(string(name, "name")).get(options.options))
    options.lastText = text
    value.pointee = text.pointer
  }
}

@c @implementation
package func maas_session_options_set_threads(_ options: OpaquePointer?, _ threads: Int) -> maas_status {
  change(options) { (options) throws(MaasError) in options.threads = try threadCount(threads) }
}

@c @implementation
package func maas_session_options_set_optimization(_ options: OpaquePointer?, _ level: maas_optimization)
  -> maas_status
{
  change(options) { (options) throws(MaasError) in
    guard let level = SessionOptions.Optimization(rawValue: Int(level.rawValue)) else {
      throw MaasError(
        .invalidArgument, "there is no such optimization level", expected: "0..2", found: "\(level.rawValue)")
    }
    options.optimization = level
  }
}

@c @implementation
package func maas_session_options_set_memory_limit(_ options: OpaquePointer?, _ bytes: UInt64) -> maas_status
{
  change(options) { $0.memoryLimit = Int(clamping: bytes) }
}

@c @implementation
package func maas_session_options_set_operators(_ options: OpaquePointer?, _ operators: OpaquePointer?)
  -> maas_status
{
  change(options) { (options) throws(MaasError) in
    options.model.operators =
      operators == nil ? nil : try object(OperatorRegistry.self, operators, "operators")
  }
}

@c @implementation
package func maas_session_options_set_copy(_ options: OpaquePointer?, _ copy: Int32) -> maas_status {
  change(options) { $0.model.copy = copy != 0 }
}
