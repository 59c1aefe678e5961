import CMaasSystem
import MaasCore
import MaasGraph

/// Whether a regular expression in RE2's syntax takes the whole of each string.
package final class RegexFullMatch: ReadableOperator {
  package let name = "RegexFullMatch"
  private let way: Way

  private enum Way {
    /// Rows, the classes of ASCII, runs; where the first row is.
    case automaton([Tensor], first: Int)
    /// Code, classes, ranges; the instructions.
    case program([Tensor], count: Int)
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let pattern = try reader.string("pattern") else {
      throw MaasError(.invalidModel, "attribute 'pattern' is missing")
    }
    let program = try RegexParser.program(pattern)
    if let table = RegexAutomaton(program) {
      way = .automaton(
        [try memory(table.rows), try memory(table.ascii), try memory(table.runs)], first: table.first)
    } else {
      let tables = [try memory(program.code), try memory(program.classes), try memory(program.ranges)]
      way = .program(tables, count: program.code.count)
    }
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    node.setOutput(0, .bool, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(0)
    switch way {
    case .automaton(let tables, let first):
      let params = AutomatonParams(first: first, runs: tables[2].byteCount / MemoryLayout<ScalarRun>.stride)
      node.emit(
        { look(Chunk($0, $1, $2, $3)) }, try operands(&node, tables), params, dtype: .string, items: x.count,
        grain: grain(nanoseconds: 50))
    case .program(let tables, let count):
      node.emit(
        { match(Chunk($0, $1, $2, $3)) }, try operands(&node, tables), Int64(count), dtype: .string,
        items: x.count, grain: grain(nanoseconds: 500), scratch: RegexMatcher.scratch(count))
    }
  }

  /// Strings, the tables, y.
  private func operands(_ node: inout Lowering, _ tables: [Tensor]) throws(MaasError) -> [Operand?] {
    var operands: [Operand?] = [try node.input(0)]
    for table in tables { operands.append(try node.constant(table)) }
    return operands + [try node.output()]
  }
}

private struct AutomatonParams {
  let first: Int
  let runs: Int
}

private func memory<T: BitwiseCopyable>(_ elements: [T]) throws(MaasError) -> Tensor {
  let tensor = try Tensor(.uint8, [elements.count * MemoryLayout<T>.stride])
  elements.withUnsafeBytes { bytes in
    if let base = bytes.baseAddress { maas_sys_copy(tensor.bytes, base, tensor.byteCount) }
  }
  return tensor
}

/// Strings, rows, the classes of ASCII, runs, y.
private func look(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(AutomatonParams.self).pointee
  let (x, y) = (chunk.input(0, as: StringElement.self), chunk.output(4, as: UInt8.self))
  let table = RegexTable(
    rows: chunk.input(1), ascii: chunk.input(2), runs: chunk.input(3), runCount: params.runs,
    first: params.first)
  return each(chunk, y) { i, pause in table.matches(x[i], pause: pause) }
}

/// Strings, code, classes, ranges, y.
private func match(_ chunk: Chunk) -> Int32 {
  guard let scratch = chunk.worker.pointee.scratch else { return StepStatus.value }
  let count = Int(chunk.params(Int64.self).pointee)
  var matcher = RegexMatcher(
    chunk.input(1), count, chunk.input(2), chunk.input(3), scratch: scratch)
  let (x, y) = (chunk.input(0, as: StringElement.self), chunk.output(4, as: UInt8.self))
  return each(chunk, y) { i, pause in matcher.matches(x[i], pause: pause) }
}

/// Asks of each string whether it matches, until the run is cancelled or late.
private func each(_ chunk: Chunk, _ y: UnsafeMutablePointer<UInt8>, _ matches: (Int, () -> Bool) -> Bool)
  -> Int32
{
  var isStopped = false
  for i in chunk.begin..<chunk.end {
    let isMatch = matches(i) {
      isStopped = chunk.isStopped
      return isStopped
    }
    if isStopped { return StepStatus.stopped }
    y[i] = isMatch ? 1 : 0
  }
  return StepStatus.ok
}
