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

  /// The sum of a number over all processes, the same on each.
  func sum(_ value: Double) throws(MaasError) -> Double {
    var parts = [Float(value), Float(value - Double(Float(value)))]
    var failure: MaasError?
    parts.withUnsafeMutableBufferPointer { parts in
      guard let first = parts.baseAddress else { return }
      do throws(MaasError) { try addUp(first, parts.count) } catch { failure = error }
    }
    if let failure { throw failure }
    return Double(parts[0]) + Double(parts[1])
  }
}
