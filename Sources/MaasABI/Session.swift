import CMaas
import Maas
import MaasCore
import MaasRuntime

/// The session behind a handle.
func session(_ handle: OpaquePointer?) throws(MaasError) -> Session {
  try object(Session.self, handle, "session")
}

private func ready(_ model: Model, _ options: SessionOptions) throws(MaasError) -> OpaquePointer {
  let session = try Session(model, options: options)
  log(MAAS_LOG_INFO) { "session ready: \(model.path ?? "model from memory")" }
  return handle(session)
}

@c @implementation
package func maas_session_create(
  _ model: OpaquePointer?, _ options: OpaquePointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(session, "session")
    let model = try object(ModelHandle.self, model, "model").model
    result.pointee = try ready(model, sessionOptions(options))
  }
}

@c @implementation
package func maas_session_open(
  _ path: UnsafePointer<CChar>?, _ options: OpaquePointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(session, "session")
    let options = try sessionOptions(options)
    result.pointee = try ready(try openModel(path, options), options)
  }
}

@c @implementation
package func maas_session_open_memory(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ options: OpaquePointer?, _ release: maas_release?,
  _ context: UnsafeMutableRawPointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(session, "session")
    let options = try sessionOptions(options)
    let bytes = try ModelBytes(bytes, size, release, context)
    result.pointee = try bytes.open(options.model) { (model) throws(MaasError) in try ready(model, options) }
  }
}

@c @implementation
package func maas_session_close(_ session: OpaquePointer?) -> maas_status {
  close(Session.self, session)
}

@c @implementation
package func maas_session_model(_ session: OpaquePointer?, _ model: UnsafeMutablePointer<OpaquePointer?>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let session = try MaasABI.session(session)
    try required(model, "model").pointee = handle(ModelHandle(session.model))
  }
}

@c @implementation
package func maas_session_statistic(
  _ session: OpaquePointer?, _ which: maas_statistic, _ value: UnsafeMutablePointer<Int64>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let now = try MaasABI.session(session).statistics
    let values = [now.steps, now.arenaBytes, now.packedBytes, now.plans, now.runs, now.allocations]
    try required(value, "value").pointee = Int64(try element(values, Int(which.rawValue), "statistic"))
  }
}
