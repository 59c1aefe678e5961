import MaasCore
import Testing

@Suite struct DimTests {
  private let n = Dim.symbol("n")
  private let m = Dim.symbol("m")

  @Test func equalExpressionsAreEqual() {
    #expect(n + m == m + n)
    #expect(n * (m + .known(1)) == n * m + n)
    #expect((n + .known(2)) * (n - .known(2)) == n * n - .known(4))
    #expect(n - n == .known(0))
    #expect(n * .known(0) == .known(0))
  }

  @Test func textReadsLikeAFormula() {
    #expect(n.text == "n")
    #expect((.known(2) * n + .known(1)).text == "2*n + 1")
    #expect((n * m - n - .known(3)).text == "m*n - n - 3")
    #expect((.known(-1) * n).text == "-n")
  }

  @Test func divisionFloors() {
    #expect(Dim.known(7).floorDivided(by: 2) == .known(3))
    #expect(Dim.known(-7).floorDivided(by: 2) == .known(-4))
    #expect((.known(4) * n + .known(2)).floorDivided(by: 2) == .known(2) * n + .known(1))
    #expect((n + .known(1)).floorDivided(by: 2).text == "floor((n + 1)/2)")
  }

  @Test func nestedDivisionsAreOne() {
    // Strides of 2, 2 and 2, as a convolutional network halves its images.
    var size = n
    for _ in 0..<3 { size = (size - .known(1)).floorDivided(by: 2) + .known(1) }
    #expect(size.text == "floor((n + 7)/8)")
    // What fills up to a multiple of 7, written with remainders.
    let rest = n - n.floorDivided(by: 7) * .known(7)
    let pad = (.known(7) - rest) - (.known(7) - rest).floorDivided(by: 7) * .known(7)
    #expect((n + pad).text == "7*floor((n + 6)/7)")
    #expect((n + pad).floorDivided(by: 7).text == "floor((n + 6)/7)")
  }

  @Test func expressionsHaveTheValuesOfIntegerArithmetic() {
    for a in -4...4 {
      for b in -4...4 {
        for divisor in 2...5 {
          let inner = (n * .known(a) + m * .known(b) + .known(a - b)).floorDivided(by: divisor)
          let outer = (inner * .known(b) + n - .known(3)).floorDivided(by: divisor + 1)
          let least = Dim.least(outer, inner + m)
          for (x, y) in [(0, 0), (1, 0), (2, 3), (7, 5), (12, 1), (30, 29)] {
            let expectedInner = floored(x * a + y * b + a - b, divisor)
            let expectedOuter = floored(expectedInner * b + x - 3, divisor + 1)
            #expect(inner.value(x, y) == expectedInner)
            #expect(outer.value(x, y) == expectedOuter)
            #expect(least.value(x, y) == min(expectedOuter, expectedInner + y))
          }
        }
      }
    }
  }

  @Test func theLeastOfTwo() {
    #expect(Dim.least(n, n + m) == n)
    #expect(Dim.least(.known(3), .known(2)) == .known(2))
    #expect(Dim.least(n, .known(3)) == Dim.least(.known(3), n))
    #expect(Dim.least(n, .known(3)).text == "min(3, n)")
    #expect(Dim.greatest(n, n + .known(1)) == n + .known(1))
    #expect(Dim.greatest(.known(4), .known(9)) == .known(9))
    #expect(Dim.greatest(.known(.max), .known(5)) == .known(.max))
    #expect(Dim.least(.known(.max), .known(.min)) == .known(.min))
    // The larger of two has no form of its own.
    #expect(Dim.greatest(n, .known(3)) == n + .known(3) - .least(n, .known(3)))
  }

  @Test func signsThatAllSizesShare() {
    #expect((n * m + .known(2)).isNeverNegative)
    #expect((n + .known(1)).floorDivided(by: 2).isNeverNegative)
    #expect(!(n - .known(1)).isNeverNegative)
    #expect(!(n - .known(16)).floorDivided(by: 16).isNeverNegative)
  }

  /// Each round would double the terms, the factors, or the text.
  @Test func expressionsStaySmall() {
    var (square, sum, halves) = (n + m, n, n)
    for i in 0..<100 {
      square = square * square
      sum = sum + .symbol("s\(i)") * n
      halves = halves + halves.floorDivided(by: 2)
    }
    for dim in [square, sum, halves] { #expect(dim.text.utf8.count < 4000) }
    #expect(square == (0..<100).reduce(n + m) { square, _ in square * square })
  }

  @Test func quotientsThatDoNotFitAreUnknown() {
    #expect((.known(.min) * n).exactlyDivided(by: .known(-1) * n) == nil)
    #expect(Dim.known(.min).exactlyDivided(by: .known(-1)) == nil)
    #expect(Dim.known(0).exactlyDivided(by: .known(0)) == nil)
  }

  @Test func exactDivisionCancelsFactors() {
    #expect((.known(6) * n * m).exactlyDivided(by: .known(2) * n) == .known(3) * m)
    #expect((n * m + n).exactlyDivided(by: n) == m + .known(1))
    #expect((n + .known(1)).exactlyDivided(by: n) == nil)
    #expect((n * n - m * m).exactlyDivided(by: n + m) == n - m)
    #expect((n * n + m * m).exactlyDivided(by: n + m) == nil)
    #expect(Dim.known(7).exactlyDivided(by: .known(2)) == nil)
    #expect(Dim.known(7).exactlyDivided(by: .known(0)) == nil)
  }

  @Test func sizesBeyondTheMachineSaturate() {
    #expect(Dim.known(.max) + .known(1) == .known(.max))
    #expect(Dim.known(1 << 40) * .known(1 << 40) == .known(.max))
    #expect(Dim.known(-(1 << 40)) * .known(1 << 40) == .known(-.max))
  }
}

private func floored(_ a: Int, _ b: Int) -> Int { Int((Double(a) / Double(b)).rounded(.down)) }

extension Dim {
  /// The value for these n and m.
  fileprivate func value(_ n: Int, _ m: Int) -> Int {
    expression.terms.reduce(0) { sum, term in
      sum + term.factors.reduce(term.coefficient) { $0 * $1.value(n, m) }
    }
  }
}

extension DimExpression.Factor {
  fileprivate func value(_ n: Int, _ m: Int) -> Int {
    switch self {
    case .symbol(let name), .named(let name): name.text == "n" ? n : m
    case .floor(let a, let b): floored(Dim.symbolic(a).value(n, m), Dim.symbolic(b).value(n, m))
    case .least(let a, let b): min(Dim.symbolic(a).value(n, m), Dim.symbolic(b).value(n, m))
    }
  }
}
