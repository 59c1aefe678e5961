import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a step of x, y and `values` in the `wideType` of x. Its parameter is `param`.
  fileprivate mutating func emitFeatures(
    _ run: maas_step_run, _ values: [Tensor], _ param: Double
  ) throws(MaasError) {
    try emitWide(try input(0), try output()) { (node, x, y) throws(MaasError) in
      var operands: [Operand?] = [x, y]
      for tensor in values {
        operands.append(try node.converted(constant: try node.constant(tensor), x.dtype))
      }
      node.emit(run, operands, param, dtype: x.dtype, items: y.count, grain: grain(nanoseconds: 2))
    }
  }
}

extension Inference {
  /// Refuses an attribute that has neither one value nor one of each feature.
  fileprivate func expectFeatures(_ name: String, _ count: Int) throws(MaasError) {
    guard count != 1, let shape = try shape(0), shape.count > 0,
      let features = shape[shape.count == 1 ? 0 : 1].value, features != count
    else { return }
    throw MaasError(
      .shapeMismatch, "attribute '\(name)' does not fit the features of input 0",
      expected: "1 or \(features)",
      found: "\(count)")
  }
}

/// 1 where x is above the threshold, else 0.
package final class Binarizer: ReadableOperator {
  package let name = "Binarizer"
  private let threshold: Float

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    threshold = try reader.float("threshold") ?? 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.features)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.emitFeatures(
      { dispatchWide(BinarizerKernel.self, Chunk($0, $1, $2, $3)) }, [], Double(threshold))
  }
}

/// x, y.
private enum BinarizerKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let threshold = chunk.params(Double.self).pointee
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    for i in chunk.begin..<chunk.end { y[i] = x[i].double > threshold ? .one : .zero }
    return StepStatus.ok
  }
}

/// Replaces elements that have one value, which may be NaN, by another one, which may be the feature's own.
package final class Imputer: ReadableOperator {
  package let name = "Imputer"
  private let values, replaced: Tensor
  private var isFloat: Bool { values.dtype == .float }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let floats = try reader.floats("imputed_value_floats") ?? []
    let integers = try reader.ints("imputed_value_int64s") ?? []
    let float = try reader.float("replaced_value_float") ?? 0
    let integer = try reader.int("replaced_value_int64") ?? 0
    try reader.finish()
    if floats.isEmpty == integers.isEmpty {
      throw MaasError(
        .invalidModel, "the values to impute are not clear",
        expected: "either 'imputed_value_floats' or 'imputed_value_int64s'",
        found: floats.isEmpty ? "neither" : "both")
    }
    let isFloat = !floats.isEmpty
    values =
      try isFloat ? Tensor(.float, [floats.count], floats) : Tensor(.int64, [integers.count], integers)
    replaced = try isFloat ? Tensor(.float, [1], [float]) : Tensor(.int64, [1], [integer])
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, isFloat ? [.float, .double] : [.int64, .int32])
    try node.expectFeatures("imputed_value_\(isFloat ? "floats" : "int64s")", values.count)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.emitFeatures(
      { dispatchWide(ImputerKernel.self, Chunk($0, $1, $2, $3)) }, [values, replaced], Double(values.count))
  }
}

/// x, y, what is put in the place of element i modulo their number, what is replaced.
private enum ImputerKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let count = Int(chunk.params(Double.self).pointee)
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    let (values, replaced) = (chunk.input(2, as: T.self), chunk.input(3, as: T.self).pointee)
    for i in chunk.begin..<chunk.end {
      let isReplaced = x[i] == replaced || x[i].isNaN && replaced.isNaN
      y[i] = isReplaced ? values[i % count] : x[i]
    }
    return StepStatus.ok
  }
}

/// (x - offset) * scale as float, with one value of each for all features or for every one.
package final class Scaler: ReadableOperator {
  package let name = "Scaler"
  private let offset, scale: [Float]

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    (offset, scale) = (try reader.floats("offset") ?? [], try reader.floats("scale") ?? [])
    try reader.finish()
    try expectCount("offset", offset.count, scale.count)
    if scale.isEmpty { throw MaasError(.invalidModel, "attribute 'scale' is empty") }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.features)
    try node.expectFeatures("scale", scale.count)
    node.setOutput(0, .float, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.floating(try node.input(0)), try node.output())
    let target = try node.target(y, x.dtype)
    let values = try Tensor(.float, [2, scale.count], offset + scale)
    let operands: [Operand?] = [x, try node.converted(constant: try node.constant(values), x.dtype), target]
    node.emit(
      { dispatch(ScalerKernel.self, Chunk($0, $1, $2, $3)) }, operands, scale.count, dtype: x.dtype,
      items: y.count, grain: grain(nanoseconds: 2))
    node.narrow(target, into: y)
  }
}

/// x, offsets and scales, y. Element i has those of i modulo their number.
private enum ScalerKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let count = chunk.params(Int.self).pointee
    let (x, values, y) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self))
    var feature = chunk.begin % count
    for i in chunk.begin..<chunk.end {
      y[i] = (x[i] - values[feature]) * values[count + feature]
      feature = feature + 1 == count ? 0 : feature + 1
    }
    return StepStatus.ok
  }
}

/// Rows divided by their largest element, or by their L1 or L2 norm; as they are where that is 0.
package final class Normalizer: ReadableOperator {
  package let name = "Normalizer"
  private let norm: maas_reduce

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    norm = try reader.choice(
      "norm", [("MAX", MAAS_REDUCE_MAX), ("L1", MAAS_REDUCE_L1), ("L2", MAAS_REDUCE_L2)])
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    _ = try node.featureRows()
    node.setOutput(0, .float, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.floating(try node.input(0)), try node.output())
    let target = try node.target(y, x.dtype)
    try node.emitNormalized(x, target, by: norm, axis: x.rank - 1, zeroAs: 1)
    node.narrow(target, into: y)
  }
}
