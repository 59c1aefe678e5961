import MaasCommand

let program = "maas-run"

extension Terminal {
  static func complain(_ message: String) { complain(message, program) }
}
