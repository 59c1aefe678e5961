import CMaas
import CMaasABI
import MaasCore

/// Runs the body of an exported function: its error becomes the status and this thread's message. A failure that the
/// caller's own functions decide on is not logged.
@inline(__always)
func withStatus(isLogged: Bool = true, _ body: () throws(MaasError) -> Void) -> maas_status {
  do {
    try body()
    return MAAS_OK
  } catch {
    return failed(error, isLogged)
  }
}

@inline(never)
private func failed(_ error: MaasError, _ isLogged: Bool) -> maas_status {
  var message = error.message
  message.withUTF8 { maas_abi_set_message($0.baseAddress, $0.count) }
  if isLogged { log(MAAS_LOG_ERROR) { String(cString: maas_error_message()) } }
  return maas_status(rawValue: UInt32(error.code.rawValue))
}

/// The pointer, or an error that names the argument.
@inline(__always)
func required<P>(_ pointer: P?, _ argument: StaticString) throws(MaasError) -> P {
  guard let pointer else { throw missing(argument) }
  return pointer
}

@inline(never)
private func missing(_ argument: StaticString) -> MaasError {
  let name = argument.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
  return MaasError(.invalidArgument, "the argument '\(name)' must not be NULL")
}

/// The element at an index that C passes, or an error that says how many there are.
func element<T>(_ list: [T], _ index: Int, _ kind: StaticString) throws(MaasError) -> T {
  try checkIndex(index, list.count, kind)
  return list[index]
}

@inline(never)
func checkIndex(_ index: Int, _ count: Int, _ kind: StaticString) throws(MaasError) {
  if index >= 0, index < count { return }
  let kind = kind.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
  throw MaasError(
    .invalidArgument, "there is no \(kind) with this index", expected: "less than \(count)",
    found: "\(UInt(bitPattern: index))")
}

/// Calls a function of the caller's: the error is the status and the message that it left.
func called(_ function: () -> maas_status) throws(MaasError) {
  let count = maas_abi_message_count()
  let status = function()
  if status == MAAS_OK { return }
  let code = Int32(exactly: status.rawValue).flatMap { MaasError.Code(rawValue: $0) } ?? .invalidArgument
  let text = maas_abi_message_count() != count ? maas_error_message() : maas_status_text(status)
  throw MaasError(code, text.map { String(cString: $0) } ?? "")
}
