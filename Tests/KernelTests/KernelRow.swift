import CMaasKernels
import Testing

/// One row of a kernel table, so that a test can be run for each that this CPU supports.
struct KernelRow: Sendable, CustomTestStringConvertible {
  let family: Int32
  let index: Int

  var table: maas_kernel_table { maas_kernel_table_at(family).pointee }
  var kernel: UnsafePointer<maas_kernel> { table.rows + index }
  var name: String { String(cString: kernel.pointee.name) }
  var testDescription: String { name }

  static let all: [KernelRow] = (0..<maas_kernel_table_count()).flatMap { family in
    (0..<Int(maas_kernel_table_at(family).pointee.count)).map { KernelRow(family: family, index: $0) }
  }

  /// The rows of a family that can run here, the portable one among them.
  static func supported(_ family: String) -> [KernelRow] {
    all.filter { String(cString: $0.table.family) == family && maas_isa_supported($0.kernel.pointee.isa) }
  }
}

struct StepOutcome: Equatable {
  var status: Int32
  var failure: [Int64] = []
}

/// Memory that a step reads or writes.
protocol Operand: AnyObject {
  var address: UnsafeMutableRawPointer { get }
}

/// Runs a kernel over its items, at once or in chunks that begin at `cuts`.
@discardableResult
func run<Params>(
  _ row: KernelRow, _ params: Params, _ operands: [(any Operand)?], _ split: maas_split,
  cuts: [Int64] = []
) -> StepOutcome {
  let scratch = Fenced<UInt8>(repeating: 0xFF, count: Int(split.scratch) + 64, at: .start)
  let addresses = operands.map { $0?.address }
  return withExtendedLifetime(operands) {
    runChunks(row, params, addresses, split, cuts, scratch.address)
  }
}

private func runChunks<Params>(
  _ row: KernelRow, _ params: Params, _ operands: [UnsafeMutableRawPointer?], _ split: maas_split,
  _ cuts: [Int64],
  _ scratch: UnsafeMutableRawPointer
) -> StepOutcome {
  operands.withUnsafeBufferPointer { operands in
    withUnsafePointer(to: params) { params in
      var step = maas_step()
      step.operands = operands.baseAddress
      step.params = UnsafeRawPointer(params)
      step.items = split.items
      var worker = maas_worker()
      worker.scratch = scratch
      let bounds = [0] + cuts + [split.items]
      for (begin, end) in zip(bounds, bounds.dropFirst()) where begin < end {
        let status = row.kernel.pointee.run(&step, begin, end, &worker)
        if status != 0 {
          return StepOutcome(status: status, failure: [worker.failure.0, worker.failure.1, worker.failure.2])
        }
      }
      return StepOutcome(status: 0)
    }
  }
}

/// Places to cut `items` that depend only on `seed`.
func cuts(_ items: Int64, _ random: inout Random) -> [Int64] {
  guard items > 1 else { return [] }
  return (0..<4).map { _ in Int64(random.int(1..<Int(items))) }.sorted()
}

/// Runs a row whole and in pieces, expects the same bits, and returns the output.
func outputOf<Params>(
  _ row: KernelRow, _ params: Params, _ split: maas_split, output: Int, start: [Float],
  operands: [(any Operand)?], at side: Fenced<Float>.Side = .end, _ random: inout Random
) -> [Float] {
  var results: [[Float]] = []
  for cuts in [[], cuts(split.items, &random)] {
    let y = Fenced(start, at: side)
    var operands = operands
    operands[output] = y
    run(row, params, operands, split, cuts: cuts)
    #expect(y.isFenceWhole)
    results.append(y.values)
  }
  #expect(results[0].map(\.bitPattern) == results[1].map(\.bitPattern), "the split changed a bit")
  return results[0]
}

/// Writes numbers into one of C's fixed arrays.
func set<Array, Element>(_ array: inout Array, _ values: [Element]) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let elements = bytes.bindMemory(to: Element.self)
    for (i, value) in values.enumerated() { elements[i] = value }
  }
}
