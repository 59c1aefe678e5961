import CMaasKernels
import MaasCore
import MaasGraph

/// BlackmanWindow, HammingWindow and HannWindow: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N), where N is the size, or
/// one less for a symmetric window.
package final class WindowFunction: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let constant, first, second: Double

    package static let blackman = Row(name: "BlackmanWindow", constant: 0.42, first: 0.5, second: 0.08)
    package static let hamming = Row(
      name: "HammingWindow", constant: 25.0 / 46, first: 21.0 / 46, second: 0)
    package static let hann = Row(name: "HannWindow", constant: 0.5, first: 0.5, second: 0)
  }

  private let row: Row
  private let isPeriodic: Bool
  private let dtype: DType
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    isPeriodic = try reader.int("periodic") ?? 1 != 0
    dtype = try reader.dtype("output_datatype") ?? .float
    try reader.finish()
    try expectNumbers(dtype)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let size = try node.scalar(0)
    if let value = size?.value, value < 0 {
      throw MaasError(.shapeMismatch, "the size of the window is negative", found: "\(value)")
    }
    node.setOutput(0, dtype, [size ?? node.unknownDim()])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let target = try node.target(y, .double)
    let params = WindowParams(row: row, length: isPeriodic ? y.count : y.count - 1)
    node.emit(
      { windowFunction(Chunk($0, $1, $2, $3)) }, [target], params, dtype: .double, items: y.count,
      grain: grain(nanoseconds: 60))
    node.narrow(target, into: y)
  }
}

/// Refuses an output type that is none of numbers.
func expectNumbers(_ dtype: DType) throws(MaasError) {
  guard !DType.numbers.contains(dtype) else { return }
  throw MaasError(.invalidModel, "attribute 'output_datatype' names no type of numbers", found: dtype.name)
}

private struct WindowParams {
  let constant, first, second: Double
  let length: Int

  init(row: WindowFunction.Row, length: Int) {
    (constant, first, second) = (row.constant, row.first, row.second)
    self.length = length
  }
}

/// y. Items are elements.
private func windowFunction(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(WindowParams.self).pointee
  let y = chunk.output(0, as: Double.self)
  for n in chunk.begin..<chunk.end {
    let angle = 2 * Double.pi * Double(n) / Double(p.length)
    y[n] =
      p.constant - p.first * evaluated(MAAS_UNARY_COS, angle) + p.second
      * evaluated(MAAS_UNARY_COS, 2 * angle)
  }
  return StepStatus.ok
}
