import MaasCore
import MaasGraph
import MaasONNX
import MaasRuntime

/// The packed weights of a graph, in a fixed order.
func packed(
  _ graph: Graph, _ weights: WeightCache, _ sizes: [Name: Int], threads: Int
) throws(MaasError) -> [Packing] {
  let options = ExecutionOptions(threads: threads, memoryLimit: maximumBytes, planCacheLimit: 0)
  try Executable(graph, weights: weights, options: options).prepare(sizes)
  return weights.packings.values.sorted {
    $0.constant != $1.constant ? $0.constant < $1.constant : $0.layout < $1.layout
  }
}

/// An operator that packs weights, and what it is given.
private struct Sample {
  let name: String
  let dtype: DType
  let x: [Int]
  let weights: [Int]
  let groups: Int

  init(_ name: String, _ dtype: DType, _ x: [Int], _ weights: [Int], groups: Int = 1) {
    (self.name, self.dtype, self.x, self.weights, self.groups) = (name, dtype, x, weights, groups)
  }
}

/// One for each kernel that packs, and each of its ways: convolutions by strips, by Winograd's algorithm and by
/// channels; bytes with zero points and without, of which only some are too large for sums of 16 bits. But for
/// Winograd's no size is a multiple of a panel's; that of bytes has more channels than are summed up at a time.
private let samples = [
  Sample("MatMul", .float, [1, 37], [37, 91]),
  Sample("Conv", .float, [1, 5, 9, 7], [33, 5, 3, 3]),
  Sample("Conv", .float, [1, 32, 18, 18], [32, 32, 3, 3]),
  Sample("Conv", .float, [1, 21, 5, 5], [21, 1, 3, 3], groups: 21),
  Sample("MatMulInteger", .uint8, [1, 37], [37, 91]),
  Sample("MatMulInteger", .int8, [1, 37], [37, 91]),
  Sample("ConvInteger", .uint8, [1, 5, 9, 7], [33, 5, 3, 3]),
  Sample("ConvInteger", .int8, [1, 5, 9, 7], [33, 5, 3, 3]),
  Sample("ConvInteger", .int8, [1, 128, 18, 18], [16, 128, 3, 3]),
  Sample("ConvInteger", .uint8, [1, 21, 5, 5], [21, 1, 3, 3], groups: 21),
  Sample("ConvInteger", .int8, [1, 21, 5, 5], [21, 1, 3, 3], groups: 21),
]

/// What small weights are packed into, as a number: another order of packed weights gives another one. Bytes are packed
/// only where `layouts`, which a model's packed weights have, are of such: it takes longer than all else that opening a
/// compiled model takes.
func layoutFingerprint(_ layouts: [String]) throws(MaasError) -> Int64 {
  try (layouts.contains { $0.hasPrefix("s8_") } ? fingerprintOfAll : fingerprintOfFloats).get()
}

private let fingerprintOfFloats = fingerprint(samples.filter { $0.dtype == .float })
private let fingerprintOfAll = fingerprint(samples)

private func fingerprint(_ samples: [Sample]) -> Result<Int64, MaasError> {
  do throws(MaasError) { return .success(try checksum(samples)) } catch { return .failure(error) }
}

private func checksum(_ samples: [Sample]) throws(MaasError) -> Int64 {
  var graph = Graph("layouts")
  for sample in samples {
    // A build without the operator has no packed weights of it.
    guard let row = try? operatorRegistration(sample.name, domain: "", opset: 17) else { continue }
    let groups = sample.groups > 1 ? [Attribute("group", .int(sample.groups))] : []
    var attributes = AttributeReader(groups, opset: 17, inputCount: 2, outputCount: 1)
    let op = try row.make(&attributes)
    try graph.addPacked(op, sample, x: sample.x)
    if let last = op.channelsLast {
      try graph.addPacked(last, sample, x: [sample.x[0]] + sample.x[2...] + [sample.x[1]])
    }
  }
  try graph.inferValues()
  var checksum = Checksum()
  for packing in try packed(graph, WeightCache(graph), [:], threads: 1) {
    checksum.add(UnsafeRawBufferPointer(start: packing.bytes.base, count: packing.bytes.byteCount))
  }
  return Int64(bitPattern: checksum.finished())
}

extension Graph {
  /// Adds an operator that packs the sample's weights.
  fileprivate mutating func addPacked(_ op: any Operator, _ sample: Sample, x: [Int]) throws(MaasError) {
    let number = outputs.count
    let x = addInput("x\(number)", sample.dtype, Shape(x))
    let weights = addConstant("weights\(number)", try sample.tensor())
    outputs += add(op, [x, weights], name: "y\(number)")
  }
}

extension Sample {
  /// Weights that tell each place from all others, as far as the element type can.
  fileprivate func tensor() throws(MaasError) -> Tensor {
    let numbers = 0..<weights.reduce(1, *)
    if dtype == .float { return try Tensor(dtype, weights, numbers.map { Float($0) }) }
    let bytes = numbers.map { UInt8(truncatingIfNeeded: $0 &* 157 &+ $0 >> 8) }
    if dtype == .uint8 { return try Tensor(dtype, weights, bytes) }
    return try Tensor(dtype, weights, bytes.map { Int8(bitPattern: $0) / 3 })
  }
}
