import CMaasSystem
import MaasCore
import MaasGraph

/// Whether a regular expression in RE2's syntax takes the whole of each string.
package final class RegexFullMatch: ReadableOperator {
  package let name = "RegexFullMatch"
  private let code: Tensor
  private let classes: Tensor
  private let ranges: Tensor

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let pattern = try reader.string("pattern") else {
      throw MaasError(.invalidModel, "attribute 'pattern' is missing")
    }
    let program = try RegexParser.program(pattern)
    code = try memory(program.code)
    classes = try memory(program.classes)
    ranges = try memory(program.ranges)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    node.setOutput(0, .bool, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, count) = (try node.input(0), code.byteCount / MemoryLayout<RegexInstruction>.stride)
    var operands: [Operand?] = [x]
    for table in [code, classes, ranges] { operands.append(try node.constant(table)) }
    node.emit(
      { match(Chunk($0, $1, $2, $3)) }, operands + [try node.output()], Int64(count), dtype: .string,
      items: x.count, grain: grain(nanoseconds: 500), scratch: RegexMatcher.scratch(count))
  }
}

private func memory<T: BitwiseCopyable>(_ elements: [T]) throws(MaasError) -> Tensor {
  let tensor = try Tensor(.uint8, [elements.count * MemoryLayout<T>.stride])
  elements.withUnsafeBytes { bytes in
    if let base = bytes.baseAddress { maas_sys_copy(tensor.bytes, base, tensor.byteCount) }
  }
  return tensor
}

/// Strings, code, classes, ranges, y.
private func match(_ chunk: Chunk) -> Int32 {
  guard let scratch = chunk.worker.pointee.scratch else { return StepStatus.value }
  let count = Int(chunk.params(Int64.self).pointee)
  var matcher = RegexMatcher(
    chunk.input(1), count, chunk.input(2), chunk.input(3), scratch: scratch)
  let (x, y) = (chunk.input(0, as: StringElement.self), chunk.output(4, as: UInt8.self))
  for i in chunk.begin..<chunk.end { y[i] = matcher.matches(x[i]) ? 1 : 0 }
  return StepStatus.ok
}
