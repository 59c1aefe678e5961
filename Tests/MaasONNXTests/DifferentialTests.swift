import CMaasSystem
import MaasCore
import Testing

@testable import MaasONNX

/// Our reader and writer against libprotobuf's, on sound models, damaged ones, and random messages.
@Suite struct DifferentialTests {
  /// Models whose weights were cut to a few bytes, so that damage hits their structure.
  static let skeletons: [(name: String, bytes: [UInt8])] = sources.map { ($0.name, skeleton($0.path)) }

  static let sources: [(name: String, path: String)] =
    SharedModels.names.compactMap { name in SharedModels.path(name).map { (name, $0) } } + [
      ("digits", SharedModels.package + "/examples/digits/digits.onnx"),
      ("tensors", SharedModels.package + "/Tests/MaasONNXTests/Fixtures/tensors.onnx"),
    ]

  @Test(arguments: sources.map { $0.path })
  func soundModels(path: String) throws {
    let file = try MappedFile(path)
    let authority = try #require(Authority(file.bytes))
    let ours = try ONNXModel(path: path)
    let written = try ours.serialized()
    let bytes = UnsafeRawBufferPointer(start: written.base, count: written.byteCount)
    #expect(Authority(bytes)?.equals(authority) == true)
    #expect([UInt8](bytes) == authority.serialized())
  }

  @Test func truncatedAtEvery64th() throws {
    for (name, whole) in Self.skeletons {
      for part in 0..<64 {
        let bytes = Array(whole.prefix(whole.count * part / 64))
        #expect(disagreement(bytes) == nil, "\(name) cut to \(part)/64")
      }
    }
  }

  @Test func truncatedAnywhere() throws {
    let (_, whole) = try #require(Self.skeletons.first { $0.name == "digits" })
    for length in 0..<whole.count {
      #expect(disagreement(Array(whole.prefix(length))) == nil, "digits cut to \(length) bytes")
    }
  }

  /// MAAS_FUZZ_CASES asks for more, for a long campaign.
  static let cases = maas_sys_environment("MAAS_FUZZ_CASES").flatMap { Int(String(cString: $0)) } ?? 4000

  @Test func damaged() {
    for seed in 0..<Self.cases {
      var random = SplitMix64(seed: UInt64(seed))
      let (name, whole) = Self.skeletons[seed % Self.skeletons.count]
      var bytes = whole
      for _ in 0...max(0, random.below(6) - 3) { Damage.any(&random, &bytes) }
      #expect(disagreement(bytes) == nil, "\(name) damaged with seed \(seed)")
    }
  }

  @Test func randomMessages() {
    for seed in 0..<Self.cases {
      var random = SplitMix64(seed: UInt64(seed))
      #expect(disagreement(RandomMessage.make(&random)) == nil, "random message with seed \(seed)")
    }
  }

  /// The deepest nesting that libprotobuf reads is read, one more is not: TypeProto.sequence.elem_type in each other.
  @Test func nesting() {
    for depth in 40..<60 {
      var type: [UInt8] = []
      for _ in 0..<depth { type = field(4, field(1, type)) }
      let bytes = field(7, field(11, field(2, type)))
      #expect(disagreement(bytes) == nil, "nested \(depth) times")
    }
  }
}

private func skeleton(_ path: String) -> [UInt8] {
  do {
    let model = try ONNXModel(path: path)
    var proto = model.proto
    try proto.graph.update(orStartWith: GraphProto()) { graph in
      for i in graph.initializers.indices where (graph.initializers[i].rawData?.count ?? 0) > 8 {
        graph.initializers[i].rawData = .made([1, 2, 3, 4, 5, 6, 7, 8])
      }
    }
    let written = try WireWriter.write(proto, source: model.source.bytes)
    return [UInt8](UnsafeRawBufferPointer(start: written.base, count: written.byteCount))
  } catch {
    Issue.record(error)
    return []
  }
}
