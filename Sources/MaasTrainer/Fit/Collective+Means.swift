import CMaasSystem
import MaasCore
import MaasOps

extension Collective {
  /// Replaces the elements of float tensors by their means over all processes.
  func mean(of tensors: [Tensor]) throws(MaasError) {
    for tensor in tensors {
      let values = tensor.bytes.assumingMemoryBound(to: Float.self)
      let count = tensor.byteCount / MemoryLayout<Float>.size
      try addUp(values, count)
      for i in 0..<count { values[i] /= Float(ranks) }
    }
  }

  /// Replaces the elements of a float tensor by those of the processes that they belong to, of which `own` are this one's.
  func gather(_ tensor: Tensor, own: Range<Int>) throws(MaasError) {
    let values = tensor.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<tensor.count where !own.contains(i) { values[i] = 0 }
    // In pieces: the memory that a sum takes is kept for the next one.
    let most = 1 << 16
    for first in stride(from: 0, to: tensor.count, by: most) {
      try addUp(values + first, min(most, tensor.count - first))
    }
  }

  /// The sum of a number over all processes, the same on each.
  func sum(_ value: Double) throws(MaasError) -> Double {
    let parts = try sums([Float(value), Float(value - Double(Float(value)))])
    return Double(parts[0]) + Double(parts[1])
  }

  /// What the first process says whose statement counts, or process 0 where none does, with its number; the same on
  /// each.
  func statement(_ text: String, counts: Bool) throws(MaasError) -> String {
    var votes = [Float](repeating: 0, count: ranks)
    votes[rank] = counts ? 1 : 0
    let speaker = try sums(votes).firstIndex { $0 > 0 }
    // Bytes go as numbers that the others add nothing to.
    var bytes = [Float](repeating: 0, count: 2000)
    if speaker ?? 0 == rank {
      for (i, byte) in text.utf8.prefix(bytes.count).enumerated() { bytes[i] = Float(byte) }
    }
    let heard = try sums(bytes).filter { $0 > 0 }.map { UInt8($0) }
    return (speaker.map { "rank \($0): " } ?? "all ranks: ") + String(decoding: heard, as: UTF8.self)
  }

  private func sums(_ values: [Float]) throws(MaasError) -> [Float] {
    var (values, failure): ([Float], MaasError?) = (values, nil)
    values.withUnsafeMutableBufferPointer { values in
      guard let first = values.baseAddress else { return }
      do throws(MaasError) { try addUp(first, values.count) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }
}
