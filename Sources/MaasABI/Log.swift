import CMaas
import CMaasABI

/// Gives a line to the process's log callback, made only when somebody wants it.
func log(_ level: maas_log_level, _ line: () -> String) {
  guard maas_abi_logs(Int32(level.rawValue)) else { return }
  let text = Text(line())
  maas_abi_log(Int32(level.rawValue), text.pointer)
}
