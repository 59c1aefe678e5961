import MaasCore

// How expressions of sizes compare.
extension Dim {
  /// Whether it is at least 0 wherever every symbol is at least 1, as far as that can be seen.
  var isNeverNegativeForRealSizes: Bool {
    var shifted = Dim.known(0)
    for term in expression.terms {
      var product = Dim.known(term.coefficient)
      // A factor is its least value and something from 0 on.
      for factor in term.factors { product = product * (Dim(factor) + .known(factor.leastValue)) }
      shifted = shifted + product
    }
    return shifted.isNeverNegative
  }

  /// The value where every symbol is `size`.
  func value(symbols size: Double) -> Double {
    expression.terms.reduce(0) { sum, term in
      term.factors.reduce(Double(term.coefficient)) { $0 * $1.value(symbols: size) } + sum
    }
  }
}

extension DimExpression.Factor {
  /// A lower bound where every symbol is at least 1.
  fileprivate var leastValue: Int {
    switch self {
    case .symbol: 1
    case .named: 0
    case .floor(let a, let b): b.only.map { max(0, (a.leastValue ?? 0) / max(1, $0)) } ?? 0
    case .least(let a, let b): min(a.leastValue ?? 0, b.leastValue ?? 0)
    }
  }

  fileprivate func value(symbols size: Double) -> Double {
    switch self {
    case .symbol, .named: size
    case .floor(let a, let b): (a.value(symbols: size) / b.value(symbols: size)).rounded(.down)
    case .least(let a, let b): min(a.value(symbols: size), b.value(symbols: size))
    }
  }
}

extension DimExpression {
  fileprivate func value(symbols size: Double) -> Double { Dim.symbolic(self).value(symbols: size) }

  /// The number that it is.
  fileprivate var only: Int? { terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil }

  /// Nil where it may fall as a symbol grows.
  fileprivate var leastValue: Int? {
    guard terms.allSatisfy({ $0.coefficient >= 0 }) else { return nil }
    let least = terms.reduce(Dim.known(0)) { sum, term in
      sum + term.factors.reduce(.known(term.coefficient)) { $0 * .known($1.leastValue) }
    }
    return least.value
  }
}
