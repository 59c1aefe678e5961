import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// y = f(x), element by element: the family of functions with one input and up to two float attributes.
package final class Unary: OperatorFamily {
  /// One ONNX operator of the family.
  package struct Row: Sendable {
    let name: String
    let op: maas_unary
    /// Attributes in the order alpha, beta, with ONNX's defaults.
    let attributes: [(name: String, value: Float)]
    let types: [DType]

    init(
      _ name: String, _ op: maas_unary, _ attributes: [(name: String, value: Float)] = [],
      types: [DType] = DType.floats
    ) {
      self.name = name
      self.op = op
      self.attributes = attributes
      self.types = types
    }
  }

  let row: Row
  let function: maas_f32_activation

  package var name: String { row.name }
  /// The function in the form that other operators fuse.
  package var activation: Activation { Activation(function) }

  package init(_ row: Row, alpha: Float = 0, beta: Float = 0) {
    self.row = row
    function = maas_f32_activation(op: row.op, alpha: alpha, beta: beta)
  }

  package convenience init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    var values: [Float] = []
    for attribute in row.attributes { values.append(try reader.float(attribute.name) ?? attribute.value) }
    reader.ignore("consumed_inputs")
    try reader.finish()
    self.init(row, alpha: values[at: 0] ?? 0, beta: values[at: 1] ?? 0)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, row.types)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.mayReuseElementwise(0)
    node.emitUnary(function, try node.input(0), try node.output())
  }
}

extension Lowering {
  /// Emits y = function(x).
  mutating func emitUnary(_ function: maas_f32_activation, _ x: Operand, _ y: Operand) {
    var params = maas_f32_unary_params(function: function, n: Int64(x.count))
    if x.dtype == .float {
      let split = maas_f32_unary_split(&params)
      emit(maas_f32_unary, [x, y], params, split)
    } else {
      emit(
        { dispatch(UnaryKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype, items: x.count,
        grain: grain(nanoseconds: 10))
    }
  }
}

private enum UnaryKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let function = chunk.params(maas_f32_unary_params.self).pointee.function
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    for i in chunk.begin..<chunk.end {
      y[i] =
        T.isInteger && function.op != MAAS_UNARY_SHRINK
        ? integer(function.op, x[i]) : T(truncating: maas_f64_unary(function, x[i].double))
    }
    return StepStatus.ok
  }

  /// The functions that ONNX defines on integers.
  @inline(__always)
  private static func integer<T: Number>(_ op: maas_unary, _ x: T) -> T {
    switch op {
    case MAAS_UNARY_ABS: x.magnitudeOrSelf
    case MAAS_UNARY_NEG: x.negated
    case MAAS_UNARY_RELU: x < .zero ? .zero : x
    case MAAS_UNARY_SIGN: x < .zero ? T.one.negated : x > .zero ? .one : .zero
    default: x
    }
  }
}
