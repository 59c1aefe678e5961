import CMaasSystem
import MaasCore
import MaasGraph

extension PackRequest {
  /// Fills `target`, on up to `threads` threads. Packing kernels load from any address: a weight is read where the file
  /// has it.
  func fill(_ target: TensorStorage, threads: Int) throws(MaasError) {
    let block = try StepBlock([step], node: { _ in 0 })
    let operand = step.operands[at: 0] ?? nil
    block.fill { _, i in step.operands[i].map { $0 == operand ? target.base : source.bytes } }
    let pieces = Pieces(
      step: block.steps, source: source.bytes, byteCount: source.storage.isMapped ? source.byteCount : 0)
    if source.storage.isMapped { maas_sys_file_in_small_pages(source.bytes, source.byteCount) }
    let scratch = try ScratchMemory(bytes: step.scratch, threads: threads)
    var failure = maas_worker()
    let status = withUnsafePointer(to: pieces) { params in
      var whole = block.steps.pointee
      whole.params = UnsafeRawPointer(params)
      whole.grain = max(whole.grain, pieces.items)
      whole.run = { step, begin, end, worker in
        step?.pointee.params.load(as: Pieces.self).run(begin, end, worker) ?? 0
      }
      return runStep(
        &whole, pool: threads > 1 ? ThreadPool.shared : nil, threads: threads, scratch: scratch.scratch,
        limits: RunLimits(), failure: &failure)
    }
    source.storage.forgetPages()
    if let error = stepError(status, failure) { throw error }
  }
}

/// A step that reads a weight from its first item to its last, in pieces: the pages of a mapped file go when they have
/// been read, or a weight would be in memory twice for a while.
private struct Pieces {
  let step: UnsafePointer<maas_step>
  let source: UnsafeMutableRawPointer
  /// 0 where no pages can go.
  let byteCount: Int
  /// As much as packing kernels read of rows at a time.
  private static let pieceBytes = 1 << 18
  /// The system maps pages around the one that is asked for.
  private static let pagesAround = 1 << 16

  /// Of one piece.
  var items: Int64 { max(1, step.pointee.items / Int64(max(1, byteCount / Self.pieceBytes))) }

  func run(_ begin: Int64, _ end: Int64, _ worker: UnsafeMutablePointer<maas_worker>?) -> Int32 {
    guard byteCount > 0 else { return step.pointee.run(step, begin, end, worker) }
    var (begin, items) = (begin, items)
    while begin < end {
      items = min(items, end - begin)
      announce(begin, begin + items)
      let status = step.pointee.run(step, begin, begin + items, worker)
      if status != 0 { return status }
      forget(begin, begin + items)
      begin += items
    }
    return 0
  }

  /// The next piece, what it may read of the one before, and a little more.
  private func announce(_ begin: Int64, _ end: Int64) {
    let first = max(0, offset(begin) - Self.pieceBytes)
    maas_sys_file_reads(source + first, min(byteCount, offset(end) + Self.pagesAround) - first)
  }

  /// A piece behind: the next one may go on in the same rows.
  private func forget(_ begin: Int64, _ end: Int64) {
    let first = max(0, offset(begin) - Self.pieceBytes - Self.pagesAround)
    let last = max(first, offset(end) - Self.pieceBytes)
    maas_sys_file_forget(source + first, last - first)
  }

  private func offset(_ item: Int64) -> Int {
    min(byteCount, Int(Double(byteCount) * (Double(item) / Double(step.pointee.items))))
  }
}
