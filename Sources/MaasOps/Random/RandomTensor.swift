import CMaasSystem
import MaasCore
import MaasGraph

/// RandomNormal, RandomUniform and their likes: numbers of a distribution in the shape that an attribute gives, or in
/// that of the input. Computed in double and rounded once.
package final class RandomTensor: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let isNormal: Bool
    let isLike: Bool

    package static let normal = Row(name: "RandomNormal", isNormal: true, isLike: false)
    package static let normalLike = Row(name: "RandomNormalLike", isNormal: true, isLike: true)
    package static let uniform = Row(name: "RandomUniform", isNormal: false, isLike: false)
    package static let uniformLike = Row(name: "RandomUniformLike", isNormal: false, isLike: true)
  }

  private let row: Row
  private let dtype: DType?
  private let shape: [Int]
  private let params: RandomParams
  package var name: String { row.name }
  package var isRandom: Bool { true }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    dtype = try reader.dtype("dtype") ?? (row.isLike ? nil : .float)
    shape = row.isLike ? [] : try reader.ints("shape") ?? []
    let low = try reader.float(row.isNormal ? "mean" : "low") ?? 0
    let scale = try reader.float(row.isNormal ? "scale" : "high") ?? 1
    params = RandomParams(
      seed: try RandomSeed(&reader), isNormal: row.isNormal, offset: Double(low),
      scale: row.isNormal ? Double(scale) : Double(scale) - Double(low))
    try reader.finish()
    if elementCount(shape) == nil {
      throw MaasError(.invalidModel, "attribute 'shape' is no shape", found: describe(shape))
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(row.isLike ? 1...1 : 0...0)
    let type = try node.outputDType(dtype, DType.floats)
    node.setOutput(0, type, row.isLike ? try node.shape(0) : shape.map { .known($0) })
  }

  /// One stream of numbers is one item.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let target = y.dtype == .double ? y : try node.temporary(.double, y.shape)
    node.emit(randomNumbers, [target], CountedRandomParams(params: params, count: y.count), dtype: .double)
    node.narrow(target, into: y)
  }
}

private struct RandomParams {
  let seed: RandomSeed
  let isNormal: Bool
  let offset: Double
  let scale: Double
}

private struct CountedRandomParams {
  let params: RandomParams
  let count: Int
}

private let randomNumbers: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let (params, count) = (
    chunk.params(CountedRandomParams.self).pointee.params,
    chunk.params(CountedRandomParams.self).pointee.count
  )
  let y = chunk.output(0, as: Double.self)
  var random = params.seed.generator()
  for i in 0..<count {
    y[i] = params.offset + params.scale * (params.isNormal ? random.normal() : random.uniform())
  }
  return StepStatus.ok
}
