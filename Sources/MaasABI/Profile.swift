import CMaas
import CMaasSystem
import Maas
import MaasCore

@c @implementation
package func maas_session_profile_start(_ session: OpaquePointer?) -> maas_status {
  withStatus { () throws(MaasError) in
    if try MaasABI.session(session).startProfile() { return }
    throw MaasError(.busy, "the session already records a profile")
  }
}

@c @implementation
package func maas_session_profile_stop(
  _ session: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let session = try MaasABI.session(session)
    guard var trace = session.profile else {
      throw MaasError(.notReady, "the session records no profile")
    }
    if let path {
      let error = trace.withUTF8 { maas_sys_file_write(path, $0.baseAddress, $0.count) }
      if error != 0 { throw MaasError.unwritable(String(cString: path), error) }
    }
    _ = session.stopProfile()
    text?.pointee = copied(trace)
  }
}
