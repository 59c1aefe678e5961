import MaasCore

extension Compare.Row {
  package static let and = Self("And", [.bool], follow: { $0 != 0 && $1 != 0 }) {
    dispatch(CompareKernel<Both>.self, Chunk($0, $1, $2, $3))
  }
  package static let equal = Self("Equal", DType.numbers + [.bool], follow: { $0 == $1 }) {
    dispatch(CompareKernel<Equal>.self, Chunk($0, $1, $2, $3))
  }
  package static let greater = Self("Greater", DType.numbers, follow: { $0 > $1 }) {
    dispatch(CompareKernel<Greater>.self, Chunk($0, $1, $2, $3))
  }
  package static let greaterOrEqual = Self("GreaterOrEqual", DType.numbers, follow: { $0 >= $1 }) {
    dispatch(CompareKernel<GreaterOrEqual>.self, Chunk($0, $1, $2, $3))
  }
  package static let less = Self("Less", DType.numbers, follow: { $0 < $1 }) {
    dispatch(CompareKernel<Less>.self, Chunk($0, $1, $2, $3))
  }
  package static let lessOrEqual = Self("LessOrEqual", DType.numbers, follow: { $0 <= $1 }) {
    dispatch(CompareKernel<LessOrEqual>.self, Chunk($0, $1, $2, $3))
  }
  package static let or = Self("Or", [.bool], follow: { $0 != 0 || $1 != 0 }) {
    dispatch(CompareKernel<Either>.self, Chunk($0, $1, $2, $3))
  }
  package static let xor = Self("Xor", [.bool], follow: { ($0 != 0) != ($1 != 0) }) {
    dispatch(CompareKernel<OneOf>.self, Chunk($0, $1, $2, $3))
  }
}

private enum Both: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a != .zero && b != .zero }
}

private enum Either: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a != .zero || b != .zero }
}

private enum OneOf: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { (a != .zero) != (b != .zero) }
}

private enum Equal: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a == b }
}

private enum Less: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a < b }
}

private enum LessOrEqual: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a <= b }
}

private enum Greater: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a > b }
}

private enum GreaterOrEqual: CompareRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool { a >= b }
}
