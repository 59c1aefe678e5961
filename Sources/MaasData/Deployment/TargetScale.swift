import MaasCore

/// Numbers to predict, brought to mean 0 and deviation 1 for training; the exported model undoes it.
package struct TargetScale: Sendable {
  package let offsets: [Float]
  package let scales: [Float]

  static let (offsetName, scaleName) = ("target/offset", "target/scale")

  init(offsets: [Float], scales: [Float]) { (self.offsets, self.scales) = (offsets, scales) }

  /// Fitted on some rows of `numbers`, [samples, n].
  package init(fitting numbers: Tensor, on samples: [Int]) {
    let width = numbers.shape[1]
    var moments = [ColumnMoments](repeating: ColumnMoments(), count: width)
    let values = numbers.bytes.assumingMemoryBound(to: Float.self)
    for sample in samples {
      for i in 0..<width { moments[i].add(Double(values[sample * width + i])) }
    }
    offsets = moments.map { Float($0.mean) }
    scales = moments.map { $0.deviation > 0 ? Float($0.deviation) : 1 }
  }

  /// The numbers of some samples as a network learns them.
  func scaled(_ numbers: Tensor, _ samples: [Int]) throws(MaasError) -> Tensor {
    let width = numbers.shape[1]
    let values = numbers.bytes.assumingMemoryBound(to: Float.self)
    var result: [Float] = []
    result.reserveCapacity(samples.count * width)
    for sample in samples {
      for i in 0..<width { result.append((values[sample * width + i] - offsets[i]) / scales[i]) }
    }
    return try Tensor(.float, [samples.count, width], result)
  }
}
