import CMaasKernels
import MaasCore
import MaasGraph

extension Binary.Row {
  package static let add = Self(
    "Add", MAAS_BINARY_ADD, follow: { $0 + $1 },
    run: { dispatch(BinaryKernel<Sum>.self, Chunk($0, $1, $2, $3)) })
  package static let div = Self("Div", MAAS_BINARY_DIV, follow: quotient) {
    dispatch(BinaryKernel<Quotient>.self, Chunk($0, $1, $2, $3))
  }
  package static let fmod = Self("Mod", nil) {
    dispatch(BinaryKernel<Remainder>.self, Chunk($0, $1, $2, $3))
  }
  package static let max = Self("Max", MAAS_BINARY_MAX, follow: Dim.greatest) {
    dispatch(BinaryKernel<Greatest>.self, Chunk($0, $1, $2, $3))
  }
  package static let min = Self("Min", MAAS_BINARY_MIN, follow: Dim.least) {
    dispatch(BinaryKernel<Least>.self, Chunk($0, $1, $2, $3))
  }
  package static let mod = Self("Mod", nil, follow: modulo) {
    dispatch(BinaryKernel<Modulo>.self, Chunk($0, $1, $2, $3))
  }
  package static let mul = Self(
    "Mul", MAAS_BINARY_MUL, follow: { $0 * $1 },
    run: { dispatch(BinaryKernel<Product>.self, Chunk($0, $1, $2, $3)) })
  package static let pow = Self("Pow", MAAS_BINARY_POW) {
    dispatch(BinaryKernel<Power>.self, Chunk($0, $1, $2, $3))
  }
  package static let prelu = Self("PRelu", MAAS_BINARY_PRELU) {
    dispatch(BinaryKernel<ScaledBelowZero>.self, Chunk($0, $1, $2, $3))
  }
  package static let sub = Self(
    "Sub", MAAS_BINARY_SUB, follow: { $0 - $1 },
    run: { dispatch(BinaryKernel<Difference>.self, Chunk($0, $1, $2, $3)) })
}

private enum Sum: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.sum(a, b) }
}

private enum Difference: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.difference(a, b) }
}

private enum Product: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.product(a, b) }
}

private enum Quotient: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.quotient(a, b) }
}

private enum Remainder: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.remainder(a, b) }
}

private enum Modulo: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.modulo(a, b) }
}

private enum Least: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.least(a, b) }
}

private enum Greatest: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.greatest(a, b) }
}

private enum Power: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { T.power(a, b) }
}

private enum ScaledBelowZero: BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T? { a < .zero ? T.product(a, b) : a }
}

/// Integer division rounds towards zero. A symbolic dividend is a size, so not negative.
private func quotient(_ a: Dim, _ b: Dim) -> Dim? {
  if let x = a.value, let y = b.value { return y == 0 ? nil : .known(x.dividedReportingOverflow(by: y).0) }
  if let exact = a.exactlyDivided(by: b) { return exact }
  return b != .known(0) && b.isNeverNegative ? a.floorDivided(by: b) : nil
}

private func modulo(_ a: Dim, _ b: Dim) -> Dim? {
  if let x = a.value, let y = b.value { return Int.modulo(x, y).map { .known($0) } }
  return b != .known(0) && b.isNeverNegative ? a - a.floorDivided(by: b) * b : nil
}

extension Binary {
  /// Mod, whose attribute chooses the sign of the result.
  package static func mod(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    let fmod = try reader.int("fmod") ?? 0
    return try Binary(fmod == 0 ? .mod : .fmod, &reader)
  }
}
