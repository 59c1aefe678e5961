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
    guard var trace = try MaasABI.session(session).stopProfile() else {
      throw MaasError(.notReady, "the session records no profile")
    }
    if let path {
      let error = trace.withUTF8 { maas_sys_file_write(path, $0.baseAddress, $0.count) }
      if error != 0 { throw MaasError.file(String(cString: path), "cannot be written", error) }
    }
    text?.pointee = copied(trace)
  }
}
