import MaasCore
import MaasGraph

/// start, start + delta, ... up to limit, which is not reached.
package final class RangeOperator: ReadableOperator {
  package let name = "Range"
  private static let types = DType.floats + [.int16, .int32, .int64]

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    reader.ignore("stash_type")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, Self.types)
    try node.expectSameDTypes(0..<3)
    for i in 0..<3 { try node.expectElement(i) }
    let dtype = try node.dtype(0)
    if DType.floats.contains(dtype) {
      let count = try floatCount(&node)
      return node.setOutput(0, dtype, [count.map { .known($0) } ?? node.unknownDim()])
    }
    // Each is asked for, so that all three are read at once when they depend on data.
    let parts = [try node.dims(0)?.first, try node.dims(1)?.first, try node.dims(2)?.first]
    guard let start = parts[0], let limit = parts[1], let delta = parts[2] else {
      return node.setOutput(0, dtype, [node.unknownDim()])
    }
    let count = try count(start, limit, delta) ?? node.unknownDim()
    node.setOutput(0, dtype, [count], dims: followed(start, delta, count))
  }

  private func count(_ start: Dim, _ limit: Dim, _ delta: Dim) throws(MaasError) -> Dim? {
    if delta == .known(0) { throw MaasError(.invalidModel, "the delta is zero") }
    guard let step = delta.value else { return nil }
    guard let from = start.value, let to = limit.value else {
      // A symbolic limit is a size, so not below the start it is counted from.
      return step > 0 ? (limit - start + delta - .known(1)).floorDivided(by: step) : nil
    }
    let (span, overflow) = to.subtractingReportingOverflow(from)
    guard !overflow, step != .min else { throw MaasError(.outOfRange, "the range is too long") }
    if (span < 0) != (step < 0) || span == 0 { return .known(0) }
    let magnitude = Int(clamping: step.magnitude)
    return .known((Int(clamping: span.magnitude) - 1) / magnitude + 1)
  }

  private func floatCount(_ node: inout Inference) throws(MaasError) -> Int? {
    let tensors = [try node.constant(0), try node.constant(1), try node.constant(2)].compactMap { $0 }
    var numbers: [Double] = []
    for tensor in tensors { numbers += try cast(tensor, to: .double).elements(as: Double.self) }
    guard tensors.count == 3, numbers.count == 3 else { return nil }
    let steps = ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up)
    guard steps < 0x1p62 else {
      throw MaasError(.outOfRange, "the range has no end", expected: "a finite number of steps")
    }
    return Int(max(0, steps))
  }

  private func followed(_ start: Dim, _ delta: Dim, _ count: Dim) -> [Dim]? {
    guard let count = count.value, count <= Inference.smallCount else { return nil }
    return (0..<count).map { start + .known($0) * delta }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    node.emit(
      { dispatch(RangeKernel.self, Chunk($0, $1, $2, $3)) }, [try node.input(0), try node.input(2), y],
      UInt8(0), dtype: y.dtype, items: y.count, grain: grain(nanoseconds: 1))
  }
}

/// start, delta, y. The numbers of a 16-bit type are rounded once, whichever wider type is asked for.
private enum RangeKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (start, delta) = (chunk.input(0, as: T.self).pointee, chunk.input(1, as: T.self).pointee)
    let y = chunk.output(2, as: T.self)
    let narrow = !T.isInteger && MemoryLayout<T>.size == 2
    for i in chunk.begin..<chunk.end {
      y[i] =
        if T.isInteger {
          T.sum(start, T.product(T(narrowing: T.Wide(truncating: Double(i))), delta))
        } else if narrow {
          T(truncating: start.double + Double(i) * delta.double)
        } else {
          T.sum(start, T(truncating: Double(i) * delta.double))
        }
    }
    return StepStatus.ok
  }
}
