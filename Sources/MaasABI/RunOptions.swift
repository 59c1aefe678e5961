import CMaas
import Maas
import MaasCore

/// What a `maas_run_options` is.
final class RunOptionsHandle {
  var options: RunOptions
  let flag = CancelFlag()

  init() {
    options = RunOptions()
    options.cancelFlag = flag
  }
}

/// The options behind a handle; NULL stands for none.
@inline(__always)
func runOptions(_ handle: OpaquePointer?) throws(MaasError) -> RunOptions {
  handle == nil ? RunOptions() : try object(RunOptionsHandle.self, handle, "options").options
}

@c @implementation
package func maas_run_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status {
  withStatus { () throws(MaasError) in
    try required(options, "options").pointee = handle(RunOptionsHandle())
  }
}

@c @implementation
package func maas_run_options_close(_ options: OpaquePointer?) -> maas_status {
  close(RunOptionsHandle.self, options)
}

@c @implementation
package func maas_run_options_set_deadline(_ options: OpaquePointer?, _ nanoseconds: Int64) -> maas_status {
  withStatus { () throws(MaasError) in
    let options = try object(RunOptionsHandle.self, options, "options")
    guard nanoseconds >= 0 else {
      throw MaasError(
        .invalidArgument, "a deadline must not be negative", expected: "nanoseconds, or 0 for none",
        found: "\(nanoseconds)")
    }
    options.options.deadline = nanoseconds == 0 ? nil : nanoseconds
  }
}

@c @implementation
package func maas_run_options_cancel(_ options: OpaquePointer?) -> maas_status {
  withStatus { () throws(MaasError) in
    try object(RunOptionsHandle.self, options, "options").flag.cancel()
  }
}

@c @implementation
package func maas_run_options_reset(_ options: OpaquePointer?) -> maas_status {
  withStatus { () throws(MaasError) in
    try object(RunOptionsHandle.self, options, "options").flag.reset()
  }
}
