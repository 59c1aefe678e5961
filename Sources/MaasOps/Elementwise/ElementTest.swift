import CMaasSystem
import MaasCore
import MaasGraph

/// Questions about single elements: one input, a bool output of the same shape. Not, IsNaN, IsInf.
package final class ElementTest: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let types: [DType]
    let run: maas_step_run

    package static let isNaN = Row(name: "IsNaN", types: DType.floats + DType.float8s) {
      dispatch(TestKernel<NotANumber>.self, Chunk($0, $1, $2, $3))
    }
    package static let not = Row(name: "Not", types: [.bool]) {
      dispatch(TestKernel<Zero>.self, Chunk($0, $1, $2, $3))
    }
  }

  private let row: Row
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, row.types)
    let dims =
      try row.types == [.bool] ? node.followed(0..<1) { $0[0].value.map { .known($0 == 0 ? 1 : 0) } } : nil
    node.setOutput(0, .bool, try node.shape(0), dims: dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.comparable(0)
    try node.mayReuseElementwise(0)
    node.emitWalk(row.run, [x, try node.output()], try Walk([x.count], strides: []), dtype: x.dtype)
  }
}

/// IsInf, whose attributes choose the signs that count.
package final class IsInf: ReadableOperator {
  package let name = "IsInf"
  private let positive: Bool
  private let negative: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    positive = try reader.int("detect_positive") ?? 1 != 0
    negative = try reader.int("detect_negative") ?? 1 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats + DType.float8s)
    node.setOutput(0, .bool, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.comparable(0)
    let walk = try Walk([x.count], strides: [])
    let run: maas_step_run =
      switch (positive, negative) {
      case (true, true): { dispatch(TestKernel<Infinite>.self, Chunk($0, $1, $2, $3)) }
      case (true, false): { dispatch(TestKernel<PositiveInfinite>.self, Chunk($0, $1, $2, $3)) }
      case (false, true): { dispatch(TestKernel<NegativeInfinite>.self, Chunk($0, $1, $2, $3)) }
      case (false, false): { dispatch(TestKernel<Never>.self, Chunk($0, $1, $2, $3)) }
      }
    node.emitWalk(run, [x, try node.output()], walk, dtype: x.dtype)
  }
}

private protocol TestRule {
  static func holds<T: Number>(_ x: T) -> Bool
}

/// x, y as bool.
private enum TestKernel<Rule: TestRule>: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: UInt8.self))
    for i in chunk.begin..<chunk.end { y[i] = Rule.holds(x[i]) ? 1 : 0 }
    return StepStatus.ok
  }
}

private enum Zero: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { x == .zero }
}

private enum NotANumber: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { x.isNaN }
}

private enum Infinite: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { x == .highest || x == .lowest }
}

private enum PositiveInfinite: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { x == .highest }
}

private enum NegativeInfinite: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { x == .lowest }
}

private enum Never: TestRule {
  static func holds<T: Number>(_ x: T) -> Bool { false }
}
