import MaasCore

/// Operators that the caller brings along, from any thread. They go before the model's functions and `operatorTable`.
package final class OperatorRegistry: @unchecked Sendable {
  private let lock = Lock()
  /// Later versions first.
  private var rows: [Registration] = []

  package init() {}

  package func add(_ row: Registration) throws(MaasError) {
    let since = row.opsets.lowerBound
    if row.name.isEmpty { throw MaasError(.invalidArgument, "an operator must have a name") }
    if canonical(domain: row.domain).isEmpty || since < 1 {
      throw MaasError(
        .invalidArgument, "an operator cannot be added to ai.onnx or before version 1",
        found: "'\(row.name)' of '\(row.domain)', version \(since)")
    }
    try lock.with { () throws(MaasError) in
      var place = 0
      for known in rows {
        if known.opsets.lowerBound > since { place += 1 }
        guard known.opsets.lowerBound != since || !known.isNamed(row.name, row.domain) else {
          throw MaasError(
            .invalidArgument, "version \(since) of operator '\(row.name)' of \(row.domain) was added before")
        }
      }
      rows.insert(row, at: place)
    }
  }

  /// All that was added so far, later versions first.
  var added: [Registration] { lock.holding { rows } }

  /// All versions of an operator.
  func versions(_ name: String, _ domain: String) -> [Registration] {
    var versions: [Registration] = []
    for row in added where row.isNamed(name, domain) { versions.append(row) }
    return versions
  }
}

extension Registration {
  fileprivate func isNamed(_ name: String, _ domain: String) -> Bool {
    Name(self.name) == Name(name) && Name(self.domain) == Name(domain)
  }
}
