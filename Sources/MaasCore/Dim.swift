/// One dimension of a shape: a number, or an expression over symbols such as `batch` or `2*seq+1`.
///
/// Known arithmetic saturates at `Int.max` instead of overflowing: such a size is refused where memory is asked for.
public enum Dim: Hashable, Sendable {
  case known(Int)
  case symbolic(DimExpression)

  package static func symbol(_ name: String) -> Dim { .symbolic(DimExpression(atom: .symbol(Name(name)))) }

  /// The number, when there is one.
  public var value: Int? {
    if case .known(let value) = self { value } else { nil }
  }

  /// `3`, `batch`, `2*seq + 1`. Arithmetic that stopped at the largest number meant that or more.
  public var text: String {
    switch self {
    case .known(.max): "\(Int.max) or more"
    case .known(let value): "\(value)"
    case .symbolic(let expression): expression.text
    }
  }

  package var expression: DimExpression {
    switch self {
    case .known(let value): DimExpression(constant: value)
    case .symbolic(let expression): expression
    }
  }
}

/// A sum of products in canonical order, so that equal expressions compare equal.
public struct DimExpression: Hashable, Sendable {
  /// What is multiplied: a symbol, or what cannot be written as a sum of products of symbols.
  package enum Factor: Hashable, Sendable {
    case symbol(Name)
    /// An expression too large to keep, under its text or a short name.
    case named(Name)
    /// The quotient rounded down.
    case floor(DimExpression, DimExpression)
    case least(DimExpression, DimExpression)

    @inline(never)
    package var text: String {
      switch self {
      case .symbol(let name), .named(let name): name.text
      case .floor(let a, let b): "floor(\(a.operand)/\(b.operand))"
      case .least(let a, let b): "min(\(a.text), \(b.text))"
      }
    }

    fileprivate var size: Int {
      switch self {
      case .symbol, .named: 1
      case .floor(let a, let b), .least(let a, let b): 1 + a.size + b.size
      }
    }

    /// Symbols are sizes.
    fileprivate var isNeverNegative: Bool {
      switch self {
      case .symbol: true
      case .named: false
      case .floor(let a, let b), .least(let a, let b): a.isNeverNegative && b.isNeverNegative
      }
    }

    @inline(never)
    fileprivate static func precedes(_ a: Factor, _ b: Factor) -> Bool {
      Name.precedes(Name(a.text), Name(b.text))
    }
  }

  package struct Term: Hashable, Sendable {
    package var coefficient: Int
    /// Sorted; empty for the constant.
    package var factors: [Factor]
  }

  package fileprivate(set) var terms: [Term]

  fileprivate init(constant: Int) {
    terms = constant == 0 ? [] : [Term(coefficient: constant, factors: [])]
  }

  fileprivate init(atom: Factor) { terms = [Term(coefficient: 1, factors: [atom])] }

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

  /// Longer products first, the constant last: the leading term of a product is the product of the leading terms.
  private static func precedes(_ a: [Factor], _ b: [Factor]) -> Bool {
    a.count != b.count ? a.count > b.count : a.lexicographicallyPrecedes(b, by: Factor.precedes)
  }

  /// The constant, when nothing else is left.
  fileprivate var constant: Int? {
    if terms.isEmpty { return 0 }
    return terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil
  }

  /// The only factor, when nothing else is there.
  fileprivate var atom: Factor? {
    terms.count == 1 && terms[0].coefficient == 1 && terms[0].factors.count == 1 ? terms[0].factors[0] : nil
  }

  /// Products of sums, and the texts of both, grow without bound; what is larger than this gets a name instead.
  fileprivate static let limit = 256

  fileprivate var size: Int { terms.reduce(0) { $1.factors.reduce($0 + 1) { $0 + $1.size } } }

  fileprivate var isNeverNegative: Bool {
    terms.allSatisfy { $0.coefficient >= 0 && $0.factors.allSatisfy { $0.isNeverNegative } }
  }

  fileprivate var text: String {
    var text = ""
    for term in terms {
      let magnitude = term.coefficient.magnitude
      if text.isEmpty {
        text = term.coefficient < 0 ? "-" : ""
      } else {
        text += term.coefficient < 0 ? " - " : " + "
      }
      var parts = term.factors.map { $0.text }
      if magnitude != 1 || parts.isEmpty { parts.insert("\(magnitude)", at: 0) }
      text += joined(parts, "*")
    }
    return text
  }

  /// The text as one operand of a division.
  private var operand: String { atom == nil && constant == nil ? "(\(text))" : text }
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

  package init(_ atom: DimExpression.Factor) { self.init(DimExpression(atom: atom)) }

  /// A factor for the value of an expression: the text itself, or a short name that equal texts share.
  private static func named(_ text: String) -> Dim {
    guard text.utf8.count > DimExpression.limit else {
      return .symbolic(DimExpression(atom: .named(Name(text))))
    }
    // Fowler, Noll and Vo's FNV-1a.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return .symbolic(DimExpression(atom: .named(Name("size_\(hash)"))))
  }

  /// Whether it is at least 0 for all sizes of its symbols, as far as the signs of its terms tell.
  package var isNeverNegative: Bool { expression.isNeverNegative }

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
      for y in b.expression.terms { terms.append(x * y) }
    }
    return Dim(DimExpression(collecting: terms))
  }

  package static func - (a: Dim, b: Dim) -> Dim { a + .known(-1) * b }

  package func isSimpler(than other: Dim) -> Bool { expression.size < other.expression.size }

  /// The smaller one.
  package static func least(_ a: Dim, _ b: Dim) -> Dim {
    if (b - a).isNeverNegative { return a }
    if (a - b).isNeverNegative { return b }
    let (x, y) = (a.expression, b.expression)
    return Dim(Name.precedes(Name(x.text), Name(y.text)) ? .least(x, y) : .least(y, x))
  }

  package static func greatest(_ a: Dim, _ b: Dim) -> Dim {
    let least = least(a, b)
    return least == a ? b : least == b ? a : a + b - least
  }
}

// Division.
extension Dim {
  /// `floor(a / b)` for a positive `b`. What divides exactly stays a sum of products.
  package func floorDivided(by divisor: Dim) -> Dim {
    if let divisor = divisor.value { return floorDivided(by: divisor) }
    return exactlyDivided(by: divisor) ?? Dim(.floor(expression, divisor.expression))
  }

  package func floorDivided(by divisor: Int) -> Dim {
    guard divisor > 1 else {
      return divisor == 1 ? self : Dim(.floor(expression, DimExpression(constant: divisor)))
    }
    guard case .symbolic(let dividend) = self else { return .known(floored(value ?? 0, divisor)) }
    var (whole, rest, constant): ([DimExpression.Term], [DimExpression.Term], Int) = ([], [], 0)
    for term in dividend.terms {
      let isConstant = term.factors.isEmpty
      let quotient = isConstant ? floored(term.coefficient, divisor) : term.coefficient / divisor
      let remainder = term.coefficient - quotient * divisor
      whole.append(.init(coefficient: quotient, factors: term.factors))
      if isConstant {
        constant = remainder
      } else {
        rest.append(.init(coefficient: remainder, factors: term.factors))
      }
    }
    let quotient = Dim(DimExpression(collecting: whole))
    return quotient + Dim(DimExpression(collecting: rest)).smallQuotient(divisor, constant)
  }

  /// `floor((self + constant) / divisor)` for coefficients and a constant below the divisor.
  private func smallQuotient(_ divisor: Int, _ constant: Int) -> Dim {
    guard case .symbolic(let expression) = self else { return .known(0) }
    if expression.terms[0].coefficient < 0 {
      // floor(-x / d) is -floor((x + d - 1) / d).
      let turned = .known(-1) * self + .known(divisor - 1 - constant)
      return .known(-1) * turned.floorDivided(by: divisor)
    }
    if case .floor(let inner, let by) = expression.atom, let by = by.constant, let both = product(by, divisor)
    {
      return (Dim(inner) + .known(saturatingProduct(by, constant))).floorDivided(by: both)
    }
    let dividend = (self + .known(constant)).expression
    return Dim(.floor(dividend, DimExpression(constant: divisor)))
  }

  /// `a / b` when it divides exactly, as far as that can be seen; else nil.
  package func exactlyDivided(by divisor: Dim) -> Dim? {
    if case (.known(let x), .known(let y)) = (self, divisor) { return exactQuotient(x, y).map { .known($0) } }
    guard let leading = divisor.expression.terms.first else { return nil }
    var (rest, quotient): (Dim, [DimExpression.Term]) = (self, [])
    // Every step takes away the leading term of what is left.
    while let term = rest.expression.terms.first {
      guard quotient.count < Self.mostQuotientTerms, let part = term.divided(by: leading) else { return nil }
      quotient.append(part)
      rest = rest - Dim(DimExpression(collecting: [part])) * divisor
    }
    return Dim(DimExpression(collecting: quotient))
  }

  private static var mostQuotientTerms: Int { 32 }
}

extension DimExpression.Term {
  fileprivate static func * (a: Self, b: Self) -> Self {
    var factors = a.factors
    for factor in b.factors {
      let place = factors.firstIndex { DimExpression.Factor.precedes(factor, $0) } ?? factors.count
      factors.insert(factor, at: place)
    }
    return .init(coefficient: saturatingProduct(a.coefficient, b.coefficient), factors: factors)
  }

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

private func floored(_ value: Int, _ divisor: Int) -> Int {
  value >= 0 ? value / divisor : -((-(value + 1)) / divisor) - 1
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
