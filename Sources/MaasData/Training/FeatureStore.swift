import CMaasSystem
import MaasCore

/// The features of all samples of a source: computed once and kept where they fit the memory, else computed whenever
/// they are asked for.
package final class FeatureStore {
  package let source: any SampleSource
  package let preprocessing: Preprocessing
  private var kept: Tensor?
  let rowBytes: Int

  /// Features of more than `most` bytes are not kept. `progress` hears how many samples are done.
  package init(
    _ source: any SampleSource, _ preprocessing: Preprocessing, most: Int, progress: (Int) -> Void = { _ in }
  ) throws(MaasError) {
    (self.source, self.preprocessing) = (source, preprocessing)
    rowBytes = try byteCount(preprocessing.dims, preprocessing.dtype)
    guard let bytes = product(rowBytes, source.count), bytes <= most else { return }
    let all = try Tensor(preprocessing.dtype, [source.count] + preprocessing.dims)
    let samples = Array(0..<source.count)
    let block = samplesAtOnce(bytes: rowBytes)
    for first in stride(from: 0, to: source.count, by: block) {
      let part = samples[first..<min(source.count, first + block)]
      try copy(preprocessing.features(of: part, source), to: all.bytes + first * rowBytes)
      progress(part.endIndex)
    }
    kept = all
  }

  /// What the kept features take.
  package var keptBytes: Int { kept?.byteCount ?? 0 }

  /// Writes the features of some samples one behind the other.
  func read(_ samples: [Int], into tensor: Tensor) throws(MaasError) {
    if let kept {
      for (row, sample) in samples.enumerated() {
        maas_sys_copy(tensor.bytes + row * rowBytes, kept.bytes + sample * rowBytes, rowBytes)
      }
    } else {
      try copy(preprocessing.features(of: samples[...], source), to: tensor.bytes)
    }
  }

  private func copy(_ tensor: Tensor, to address: UnsafeMutableRawPointer) throws(MaasError) {
    maas_sys_copy(address, tensor.bytes, tensor.byteCount)
  }

  /// The first number that is not finite, in features that are kept.
  package func checkFinite() throws(MaasError) {
    guard let kept, kept.dtype == .float else { return }
    let numbers = UnsafeBufferPointer(
      start: kept.bytes.assumingMemoryBound(to: Float.self), count: kept.count)
    guard let at = numbers.firstIndex(where: { !$0.isFinite }) else { return }
    let width = max(1, kept.count / max(1, source.count))
    throw MaasError(
      .outOfRange, "\(source.place(at / width)): a feature is not finite after preprocessing",
      expected: "finite numbers", found: "\(numbers[at])"
    ).inFile(source.path)
  }
}
