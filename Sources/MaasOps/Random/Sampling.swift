import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// 1 with the probability that each element is, else 0.
package final class Bernoulli: ReadableOperator {
  package let name = "Bernoulli"
  private let dtype: DType?
  private let seed: RandomSeed
  package var isRandom: Bool { true }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.dtype("dtype")
    seed = try RandomSeed(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    let type = try node.outputDType(dtype, DType.numbers + [.bool])
    node.setOutput(0, type, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.converted(try node.input(0), .double), try node.output())
    let target = y.dtype == .bool ? y : try node.temporary(.bool, y.shape)
    let params = SampleParams(seed: seed, count: x.count)
    node.emit(
      { step, begin, end, worker in
        let chunk = Chunk(step, begin, end, worker)
        let params = chunk.params(SampleParams.self).pointee
        let (x, y) = (chunk.input(0, as: Double.self), chunk.output(1, as: UInt8.self))
        var random = params.seed.generator()
        for i in 0..<params.count { y[i] = random.bernoulli(x[i]) ? 1 : 0 }
        return StepStatus.ok
      }, [x, target], params, dtype: .double)
    node.narrow(target, into: y)
  }
}

/// For each row of unnormalized log-probabilities, `sample_size` classes drawn by them.
package final class Multinomial: ReadableOperator {
  package let name = "Multinomial"
  private let dtype: DType
  private let sampleSize: Int
  private let seed: RandomSeed
  package var isRandom: Bool { true }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.dtype("dtype") ?? .int32
    sampleSize = try reader.int("sample_size") ?? 1
    seed = try RandomSeed(&reader)
    try reader.finish()
    guard sampleSize >= 0, dtype == .int32 || dtype == .int64 else {
      throw MaasError(
        .invalidModel, "attributes 'sample_size' and 'dtype' are wrong",
        expected: "a size that is not negative, and int32 or int64", found: "\(sampleSize) and \(dtype.name)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    try node.expectRank(0, 2)
    let shape = try node.shape(0) ?? node.unknownShape(rank: 2)
    if shape[1] == .known(0) { throw MaasError(.shapeMismatch, "there are no classes to draw from") }
    node.setOutput(0, dtype, [shape[0], .known(sampleSize)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.converted(try node.input(0), .double), try node.output())
    let target = y.dtype == .int64 ? y : try node.temporary(.int64, y.shape)
    let params = SampleParams(seed: seed, count: sampleSize, rows: x.shape[0], classes: x.shape[1])
    let sums = try node.temporary(.double, [x.shape[1]])
    node.emit(drawClasses, [x, sums, target], params, dtype: .double)
    node.narrow(target, into: y)
  }
}

private struct SampleParams {
  let seed: RandomSeed
  let count: Int
  var rows = 1
  var classes = 1
}

/// log-probabilities, running sums of a row's probabilities, int64 classes.
private let drawClasses: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(SampleParams.self).pointee
  let (sums, y) = (chunk.output(1, as: Double.self), chunk.output(2, as: Int64.self))
  var random = params.seed.generator()
  for row in 0..<params.rows {
    let total = accumulate(chunk.input(0, as: Double.self) + row * params.classes, params.classes, sums)
    for i in 0..<params.count {
      y[row * params.count + i] = Int64(place(of: random.uniform() * total, sums, params.classes))
    }
  }
  return StepStatus.ok
}

/// Writes the running sums of e^(x - max x) and gives the last.
private func accumulate(_ x: UnsafePointer<Double>, _ count: Int, _ sums: UnsafeMutablePointer<Double>)
  -> Double
{
  let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
  var (largest, total) = (-Double.infinity, 0.0)
  for i in 0..<count { largest = max(largest, x[i]) }
  for i in 0..<count {
    total += maas_f64_unary(exp, x[i] - largest)
    sums[i] = total
  }
  return total
}

/// The first class whose running sum is above `mark`.
private func place(of mark: Double, _ sums: UnsafePointer<Double>, _ count: Int) -> Int {
  var (low, high) = (0, count - 1)
  while low < high {
    let middle = (low + high) / 2
    if sums[middle] > mark { high = middle } else { low = middle + 1 }
  }
  return low
}
