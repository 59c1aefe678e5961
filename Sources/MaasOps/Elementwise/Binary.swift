import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// y = f(a, b), element by element with broadcasting, all of one element type.
package final class Binary: OperatorFamily {
  /// One ONNX operator of the family.
  package struct Row: Sendable {
    let name: String
    /// The float kernel; nil where `run` serves float too.
    let kernel: maas_binary?
    let run: maas_step_run
    /// The same function of dimensions, for shape arithmetic.
    let follow: (@Sendable (Dim, Dim) -> Dim?)?

    init(
      _ name: String, _ kernel: maas_binary?, follow: (@Sendable (Dim, Dim) -> Dim?)? = nil,
      run: @escaping maas_step_run
    ) {
      self.name = name
      self.kernel = kernel
      self.run = run
      self.follow = follow
    }
  }

  package let row: Row
  private let activation: Activation
  private let alignment: Alignment

  package var isLinear: Bool { activation.isNone }
  /// True where the last dimensions of both operands meet.
  package var alignsNumPys: Bool { alignment.isNumPys }

  package var name: String { row.name }

  /// `activation` is applied to the results; it needs float operands.
  package convenience init(_ row: Row, activation: Activation = .none) {
    self.init(row, activation, Alignment())
  }

  private init(_ row: Row, _ activation: Activation, _ alignment: Alignment) {
    (self.row, self.activation, self.alignment) = (row, activation, alignment)
  }

  package convenience init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    let alignment = try Alignment(&reader)
    try reader.finish()
    self.init(row, .none, alignment)
  }

  /// PRelu, whose slopes are the channels' before opset 7.
  package static func prelu(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    reader.ignore("consumed_inputs")
    try reader.finish()
    return Binary(.prelu, .none, reader.opset < 7 ? .channels : Alignment())
  }

  /// The function and what is applied to its results, where a kernel of floats does them by NumPy's rules.
  var kernelFunction: (row: Row, activation: Activation)? {
    row.kernel != nil && alignment.isNumPys ? (row, activation) : nil
  }

  /// Whether it is the function alone, with NumPy's rules.
  package var isPlain: Bool { activation.isNone && alignment.isNumPys }

  /// The same operator with `activation` behind it; nil where there is one already, or no kernel for it.
  package func adding(_ activation: Activation) -> Binary? {
    self.activation.isNone && row.kernel != nil ? Binary(row, activation, alignment) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.numbers)
    try node.expectSameDType(0, 1)
    let shape = try alignment.shape(node)
    let dims = try row.follow.flatMap { rule throws(MaasError) in
      try node.followed(0..<2) { rule($0[0], $0[1]) }
    }
    node.setOutput(0, try node.dtype(0), shape, dims: dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.mayReuseElementwise(0)
    try node.mayReuseElementwise(1)
    let b = try alignment.operand(node)
    try node.emitBinary(row, try node.input(0), b, try node.output(), activation)
  }
}

extension Lowering {
  /// Emits y = row(a, b), a and b broadcast to y.
  mutating func emitBinary(
    _ row: Binary.Row, _ a: Operand, _ b: Operand, _ y: Operand, _ activation: Activation = .none
  ) throws(MaasError) {
    guard a.dtype == .float, let kernel = row.kernel else {
      let walk = try Walk(broadcasting: [a.shape, b.shape], to: y.shape)
      return emitWalk(row.run, [a, b, y], walk, dtype: a.dtype)
    }
    var params = try maas_f32_binary_params(kernel, a.shape, b.shape, y.shape, activation)
    let split = maas_f32_binary_split(&params)
    emit(maas_f32_binary, [a, b, y], params, split)
  }
}

extension maas_f32_binary_params {
  /// For operands of these shapes, broadcast to the last one.
  init(
    _ kernel: maas_binary, _ a: [Int], _ b: [Int], _ y: [Int], _ activation: Activation
  ) throws(MaasError) {
    let walk = try Walk(broadcasting: [a, b], to: y)
    self.init()
    (op, rank, self.activation) = (kernel, Int32(walk.dims.count), activation.function)
    assign(&dims, walk.dims)
    assign(&a_strides, walk.strides[0])
    assign(&b_strides, walk.strides[1])
  }
}

/// What one element of a binary operator is; nil for an integer division by zero.
protocol BinaryRule {
  static func apply<T: Number>(_ a: T, _ b: T) -> T?
}

/// a, b, y.
enum BinaryKernel<Rule: BinaryRule>: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let walk = chunk.params(WalkParams.self)
    let (a, b, y) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self))
    let strides = walk.pointee.rowStrides
    var isDefined = true
    walk.pointee.forEachRow(chunk.begin, chunk.end) { at, aAt, bAt, _, count in
      for i in 0..<count {
        if let value = Rule.apply(a[aAt + i * strides.a], b[bAt + i * strides.b]) {
          y[at + i] = value
        } else {
          isDefined = false
        }
      }
    }
    return isDefined ? StepStatus.ok : StepStatus.division
  }
}
