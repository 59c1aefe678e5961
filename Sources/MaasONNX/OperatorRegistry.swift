import MaasCore

/// Operators that the caller brings along, from any thread. They go before the model's functions and `operatorTable`.
package final class OperatorRegistry: @unchecked Sendable {
  private let lock = Lock()
  private var rows: [Registration] = []

  package init() {}

  package func add(_ row: Registration) throws(MaasError) {
    let since = row.opsets.lowerBound
    if canonical(domain: row.domain).isEmpty || since < 1 {
      throw MaasError(
        .invalidArgument, "an operator cannot be added to ai.onnx or before version 1",
        found: "'\(row.name)' of '\(row.domain)', version \(since)")
    }
    try lock.with { () throws(MaasError) in
      for known in rows where known.isNamed(row.name, row.domain) && known.opsets.lowerBound == since {
        throw MaasError(
          .invalidArgument, "version \(since) of operator '\(row.name)' of \(row.domain) was added before")
      }
      rows.append(row)
    }
  }

  /// All versions of an operator.
  func versions(_ name: String, _ domain: String) -> [Registration] {
    lock.holding { rows.filter { $0.isNamed(name, domain) } }
  }

  func names(in domain: String) -> [String] {
    lock.holding { rows.filter { $0.domain == domain }.map { $0.name } }
  }
}

extension Registration {
  fileprivate func isNamed(_ name: String, _ domain: String) -> Bool {
    self.name == name && self.domain == domain
  }
}
