import CMaasSystem
import MaasCore
import MaasGraph

/// The determinants of square matrices, the last two dimensions. Computed in double.
package final class Det: ReadableOperator {
  package let name = "Det"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 2)
    let shape = try node.shape(0)
    if let shape { _ = try unified(shape[shape.count - 2], shape[shape.count - 1], "the sides of a matrix") }
    node.setOutput(0, try node.dtype(0), shape?.dropLast(2))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let side = x.shape[x.rank - 1]
    let wide = try node.converted(x, .double)
    let result = y.dtype == .double ? y : try node.temporary(.double, y.shape)
    node.emit(
      determinants, [wide, result], side, dtype: .double, items: y.count,
      grain: grain(nanoseconds: side * side), scratch: max(8, x.count / y.count * 8))
    node.narrow(result, into: y)
  }
}

/// x, y; the parameter is the number of rows. Items are matrices.
private let determinants: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let side = chunk.params(Int.self).pointee
  let matrix = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
  for item in chunk.begin..<chunk.end {
    maas_sys_copy(matrix, chunk.input(0, as: Double.self) + item * side * side, side * side * 8)
    chunk.output(1, as: Double.self)[item] = determinant(matrix, side)
  }
  return StepStatus.ok
}

/// The product of the pivots of Gaussian elimination with row exchanges; the matrix is written over.
private func determinant(_ a: UnsafeMutablePointer<Double>, _ n: Int) -> Double {
  var result = 1.0
  for k in 0..<n {
    var pivot = k
    for i in k..<n where a[i * n + k].magnitude > a[pivot * n + k].magnitude { pivot = i }
    if a[pivot * n + k] == 0 { return 0 }
    if pivot != k {
      result = -result
      for j in k..<n { (a[k * n + j], a[pivot * n + j]) = (a[pivot * n + j], a[k * n + j]) }
    }
    result *= a[k * n + k]
    for i in (k + 1)..<max(n, k + 1) {
      let factor = a[i * n + k] / a[k * n + k]
      for j in k..<n { a[i * n + j] -= factor * a[k * n + j] }
    }
  }
  return result
}
