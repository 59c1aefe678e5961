import MaasCore

extension Compare.Row {
  package static let and = Self("And", [.bool], Both.self) {
    dispatch(CompareKernel<Both>.self, Chunk($0, $1, $2, $3))
  }
  package static let equal = Self("Equal", DType.numbers + [.bool, .string], Equal.self) {
    dispatch(CompareKernel<Equal>.self, Chunk($0, $1, $2, $3))
  }
  package static let greater = Self("Greater", DType.numbers, Greater.self) {
    dispatch(CompareKernel<Greater>.self, Chunk($0, $1, $2, $3))
  }
  package static let greaterOrEqual = Self("GreaterOrEqual", DType.numbers, GreaterOrEqual.self) {
    dispatch(CompareKernel<GreaterOrEqual>.self, Chunk($0, $1, $2, $3))
  }
  package static let less = Self("Less", DType.numbers, Less.self) {
    dispatch(CompareKernel<Less>.self, Chunk($0, $1, $2, $3))
  }
  package static let lessOrEqual = Self("LessOrEqual", DType.numbers, LessOrEqual.self) {
    dispatch(CompareKernel<LessOrEqual>.self, Chunk($0, $1, $2, $3))
  }
  package static let or = Self("Or", [.bool], Either.self) {
    dispatch(CompareKernel<Either>.self, Chunk($0, $1, $2, $3))
  }
  package static let xor = Self("Xor", [.bool], OneOf.self) {
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
