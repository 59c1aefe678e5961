import CMaasSystem
import MaasCore
import MaasGraph

/// Comparisons and logic with broadcasting: two inputs of one element type, a bool output.
package final class Compare: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let types: [DType]
    let run: maas_step_run
    /// The same function of numbers that shape arithmetic follows.
    let follow: @Sendable (Int, Int) -> Bool

    init<Rule: CompareRule>(
      _ name: String, _ types: [DType], _ rule: Rule.Type, run: @escaping maas_step_run
    ) {
      self.name = name
      self.types = types
      self.run = run
      follow = { Rule.apply($0, $1) }
    }
  }

  private let row: Row
  private let alignment: Alignment
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    alignment = try Alignment(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, row.types)
    try node.expectSameDType(0, 1)
    let dims = try node.followed(0..<2) { [row] in row.result($0[0], $0[1]).map { .known($0 ? 1 : 0) } }
    node.setOutput(0, .bool, try alignment.shape(node), dims: dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try alignment.operand(node), try node.output())
    try node.mayReuseElementwise(0)
    try node.mayReuseElementwise(1)
    let walk = try Walk(broadcasting: [a.shape, b.shape], to: y.shape)
    let run: maas_step_run = a.dtype == .string ? { equalStrings(Chunk($0, $1, $2, $3)) } : row.run
    node.emitWalk(run, [a, b, y], walk, dtype: a.dtype)
  }
}

/// a, b as strings, y as bool.
private func equalStrings(_ chunk: Chunk) -> Int32 {
  let walk = chunk.params(WalkParams.self)
  let (a, b) = (chunk.input(0, as: StringElement.self), chunk.input(1, as: StringElement.self))
  let y = chunk.output(2, as: UInt8.self)
  let strides = walk.pointee.rowStrides
  walk.pointee.forEachRow(chunk.begin, chunk.end) { at, aAt, bAt, _, count in
    for i in 0..<count { y[at + i] = a[aAt + i * strides.a] == b[bAt + i * strides.b] ? 1 : 0 }
  }
  return StepStatus.ok
}

/// Whether one pair of elements compares true.
protocol CompareRule: SendableMetatype {
  static func apply<T: Number>(_ a: T, _ b: T) -> Bool
}

extension Compare.Row {
  /// The result for two dimensions, where it is the same for all sizes of their symbols.
  fileprivate func result(_ a: Dim, _ b: Dim) -> Bool? {
    if let a = a.value, let b = b.value { return follow(a, b) }
    if types == [.bool] { return nil }
    for (sign, distance) in [(1, a - b), (-1, b - a)] {
      if distance.value == 0 || (distance - .known(1)).isNeverNegative {
        return follow(sign * (distance.value ?? 1), 0)
      }
      if distance.isNeverNegative, follow(sign, 0) == follow(0, 0) { return follow(0, 0) }
    }
    return nil
  }
}

/// a, b, y as bool.
enum CompareKernel<Rule: CompareRule>: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let walk = chunk.params(WalkParams.self)
    let (a, b) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self))
    let y = chunk.output(2, as: UInt8.self)
    let strides = walk.pointee.rowStrides
    walk.pointee.forEachRow(chunk.begin, chunk.end) { at, aAt, bAt, _, count in
      for i in 0..<count { y[at + i] = Rule.apply(a[aAt + i * strides.a], b[bAt + i * strides.b]) ? 1 : 0 }
    }
    return StepStatus.ok
  }
}
