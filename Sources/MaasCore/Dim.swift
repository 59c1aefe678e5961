/// One dimension of a shape: a number, or an expression over symbols such as `batch` or `2*seq+1`.
///
/// Known arithmetic saturates at `Int.max` instead of overflowing: such a size is refused where memory is asked for.
public enum Dim: Hashable, Sendable {
  case known(Int)
  case symbolic(DimExpression)

  package static func symbol(_ name: String) -> Dim { .symbolic(DimExpression(atom: name)) }

  /// The number, when there is one.
  public var value: Int? {
    if case .known(let value) = self { value } else { nil }
  }

  /// `3`, `batch`, `2*seq + 1`.
  public var text: String {
    switch self {
    case .known(let value): "\(value)"
    case .symbolic(let expression): expression.text
    }
  }

  fileprivate var expression: DimExpression {
    switch self {
    case .known(let value): DimExpression(constant: value)
    case .symbolic(let expression): expression
    }
  }
}

/// A sum of products of symbols in canonical order, so that equal expressions compare equal.
public struct DimExpression: Hashable, Sendable {
  struct Term: Hashable, Sendable {
    var coefficient: Int
    /// Sorted; empty for the constant.
    var factors: [String]
  }

  fileprivate var terms: [Term]

  fileprivate init(constant: Int) {
    terms = constant == 0 ? [] : [Term(coefficient: constant, factors: [])]
  }

  fileprivate init(atom: String) { terms = [Term(coefficient: 1, factors: [atom])] }

  fileprivate init(collecting loose: [Term]) {
    terms = []
    for term in loose.sorted(by: { DimExpression.precedes($0.factors, $1.factors) }) {
      if terms.last?.factors == term.factors {
        terms[terms.count - 1].coefficient = saturatingSum(
          terms[terms.count - 1].coefficient, term.coefficient)
      } else {
        terms.append(term)
      }
    }
    terms.removeAll { $0.coefficient == 0 }
  }

  /// Longer products first, the constant last.
  private static func precedes(_ a: [String], _ b: [String]) -> Bool {
    a.count != b.count ? a.count > b.count : a.lexicographicallyPrecedes(b)
  }

  /// The constant, when nothing else is left.
  fileprivate var constant: Int? {
    if terms.isEmpty { return 0 }
    return terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil
  }

  /// Products of sums, and the texts of both, grow without bound; what is larger than this gets a name instead.
  fileprivate static let limit = 256

  fileprivate var size: Int { terms.reduce(0) { $0 + 1 + $1.factors.count } }

  fileprivate var text: String {
    var text = ""
    for term in terms {
      let magnitude = term.coefficient.magnitude
      if text.isEmpty {
        text = term.coefficient < 0 ? "-" : ""
      } else {
        text += term.coefficient < 0 ? " - " : " + "
      }
      var parts = term.factors
      if magnitude != 1 || parts.isEmpty { parts.insert("\(magnitude)", at: 0) }
      text += joined(parts, "*")
    }
    return text
  }
}

package func joined(_ parts: [String], _ separator: String) -> String {
  var text = ""
  for (i, part) in parts.enumerated() { text += i == 0 ? part : separator + part }
  return text
}

extension Dim {
  private init(_ expression: DimExpression) {
    if let constant = expression.constant {
      self = .known(constant)
    } else {
      self = expression.size > DimExpression.limit ? .named(expression.text) : .symbolic(expression)
    }
  }

  /// A symbol for the value of an expression: the text itself, or a short name that equal texts share.
  private static func named(_ text: String) -> Dim {
    guard text.utf8.count > DimExpression.limit else { return .symbol(text) }
    // Fowler, Noll and Vo's FNV-1a.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return .symbol("size_\(hash)")
  }

  package static func + (a: Dim, b: Dim) -> Dim {
    if case (.known(let x), .known(let y)) = (a, b) { return .known(saturatingSum(x, y)) }
    return Dim(DimExpression(collecting: a.expression.terms + b.expression.terms))
  }

  package static func * (a: Dim, b: Dim) -> Dim {
    if case (.known(let x), .known(let y)) = (a, b) { return .known(saturatingProduct(x, y)) }
    let limit = DimExpression.limit
    if a.expression.size * b.expression.size > 4 * limit { return named("(\(a.text))*(\(b.text))") }
    var terms: [DimExpression.Term] = []
    for x in a.expression.terms {
      for y in b.expression.terms {
        let coefficient = saturatingProduct(x.coefficient, y.coefficient)
        terms.append(.init(coefficient: coefficient, factors: (x.factors + y.factors).sorted()))
      }
    }
    return Dim(DimExpression(collecting: terms))
  }

  package static func - (a: Dim, b: Dim) -> Dim { a + .known(-1) * b }

  /// `floor(a / b)` for a known positive `b`; exact division of every term stays a polynomial.
  package func floorDivided(by divisor: Int) -> Dim {
    if divisor == 1 { return self }
    guard divisor > 0 else { return .named("floor((\(text))/\(divisor))") }
    switch self {
    case .known(let value):
      return .known(value >= 0 ? value / divisor : -((-(value + 1)) / divisor) - 1)
    case .symbolic(var expression):
      if expression.terms.allSatisfy({ $0.coefficient % divisor == 0 }) {
        for i in expression.terms.indices { expression.terms[i].coefficient /= divisor }
        return Dim(expression)
      }
      return .named("floor((\(text))/\(divisor))")
    }
  }

  /// `a / b` when it divides exactly: products cancel factor by factor. Nil when that cannot be seen.
  package func exactlyDivided(by divisor: Dim) -> Dim? {
    if case (.known(let x), .known(let y)) = (self, divisor) { return exactQuotient(x, y).map { .known($0) } }
    if self == divisor { return .known(1) }
    let divisorTerms = divisor.expression.terms
    guard divisorTerms.count == 1 else { return nil }
    var quotient: [DimExpression.Term] = []
    for term in expression.terms {
      guard let part = term.divided(by: divisorTerms[0]) else { return nil }
      quotient.append(part)
    }
    return Dim(DimExpression(collecting: quotient))
  }
}

extension DimExpression.Term {
  fileprivate func divided(by divisor: Self) -> Self? {
    guard let quotient = exactQuotient(coefficient, divisor.coefficient) else { return nil }
    var rest = factors
    for factor in divisor.factors {
      guard let i = rest.firstIndex(of: factor) else { return nil }
      rest.remove(at: i)
    }
    return .init(coefficient: quotient, factors: rest)
  }
}

/// `a / b` where nothing is left over and the result fits.
private func exactQuotient(_ a: Int, _ b: Int) -> Int? {
  guard b != 0, a.remainderReportingOverflow(dividingBy: b) == (0, false) else { return nil }
  return a / b
}

private func saturatingSum(_ a: Int, _ b: Int) -> Int {
  sum(a, b) ?? (a > 0 ? Int.max : -Int.max)
}

private func saturatingProduct(_ a: Int, _ b: Int) -> Int {
  product(a, b) ?? ((a > 0) == (b > 0) ? Int.max : -Int.max)
}
