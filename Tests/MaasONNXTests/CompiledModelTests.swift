import MaasCore
import MaasGraph
import Testing

@testable import MaasONNX

/// The file of a compiled model, and what is done to it.
@Suite struct CompiledModelTests {
  private static let weights = [UInt8](repeating: 7, count: 4096)
  private static let packed = [UInt8]((0..<256).map { UInt8($0) })

  private func storage(_ bytes: [UInt8]) throws -> TensorStorage {
    let storage = try TensorStorage.allocateLasting(max(bytes.count, 1 << 17))
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyBytes(from: bytes)
    return try #require(storage.slice(0, bytes.count))
  }

  private func file() throws -> [UInt8] {
    var initializer = tensor("w", .float, [1024], raw: nil)
    initializer.dataLocation = 1
    initializer.externalData = [
      entry("location", CompiledModel.dataLocation), entry("offset", "0"), entry("length", "4096"),
    ]
    var proto = graph([node("Add", ["x", "w"], ["y"])], inputs: [value("x", .float, [1024])], outputs: ["y"])
    proto.initializers = [initializer]
    let packing = Packing(
      constant: 0, name: "w", layout: "panels", bytes: try storage(Self.packed))
    let contents = try CompiledModel.contents(
      model(proto), weights: storage(Self.weights), packings: [packing], family: "some CPU", layouts: -5)
    let whole = try contents.joined()
    return [UInt8](UnsafeRawBufferPointer(start: whole.base, count: whole.byteCount))
  }

  private func opened(_ bytes: [UInt8]) throws -> ONNXModel { try ONNXModel(storage: storage(bytes)) }

  @Test func holdsWhatWasPutIn() throws {
    let model = try opened(file())
    let compiled = try #require(model.compiled)
    #expect(compiled.family == "some CPU" && compiled.layouts == -5)
    let packing = try #require(compiled.packings.first)
    #expect(packing.constant == 0 && packing.name == "w" && packing.layout == "panels")
    #expect(
      [UInt8](UnsafeRawBufferPointer(start: packing.bytes.base, count: packing.bytes.byteCount))
        == Self.packed)
    let constant = try #require(model.graph().values.first { $0.name == "w" }?.constant)
    #expect(constant.byteArray == Self.weights)
    #expect(UInt(bitPattern: constant.bytes) % 64 == 0)
    try compiled.checkWeights()
  }

  @Test func truncatedAtEvery64th() throws {
    let whole = try file()
    for part in 1..<64 {
      #expect(throws: MaasError.self) { try opened(Array(whole.prefix(whole.count * part / 64))) }
    }
    #expect(throws: MaasError.self) { try opened(whole + [0]) }
  }

  /// Every changed byte in front of the weights is refused; one among them is found when they are read.
  @Test func changedBytes() throws {
    let whole = try file()
    for i in whole.indices where i < 4096 || i % 61 == 0 {
      var bytes = whole
      bytes[i] ^= UInt8(1 << (i % 8))
      let isPadding = try i < 4096 && isBehindMessage(i, whole)
      if i >= 4096 {
        let compiled = try #require(try opened(bytes).compiled)
        #expect(throws: MaasError.self, "byte \(i)") { try compiled.checkWeights() }
      } else if !isPadding {
        #expect(throws: MaasError.self, "byte \(i)") { try opened(bytes) }
      }
    }
  }

  private func isBehindMessage(_ i: Int, _ whole: [UInt8]) throws -> Bool {
    try whole.withUnsafeBytes { i >= (try CompiledHeader($0)).message.upperBound }
  }

  @Test func anotherFormat() throws {
    var bytes = try file()
    bytes[16] = 2
    let error = #expect(throws: MaasError.self) { try opened(bytes) }
    #expect(error?.code == .unsupported && error?.found == "2")
  }

  /// A header whose checksum is right, but whose packed weights would be outside.
  @Test func packedWeightsOutsideTheFile() throws {
    let packing = Packing(constant: 0, name: "w", layout: "l", bytes: try storage(Self.packed))
    let contents = try CompiledModel.contents(
      model(graph([node("Relu", ["x"], ["y"])], inputs: [value("x")], outputs: ["y"])),
      weights: storage([]), packings: [packing], family: "", layouts: 0)
    let whole = try contents.joined()
    var bytes = [UInt8](UnsafeRawBufferPointer(start: whole.base, count: whole.byteCount))
    // The data are said to be shorter than they are.
    bytes[48] = 8
    bytes[49] = 0
    let message = try bytes.withUnsafeBytes { try CompiledHeader($0).message }
    let sum = bytes.withUnsafeBytes {
      CompiledHeader.checksum($0, UnsafeRawBufferPointer(rebasing: $0[message]))
    }
    for i in 0..<8 { bytes[8 + i] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * i)) }
    let error = #expect(throws: MaasError.self) { try opened(bytes) }
    #expect(error?.problem.contains("outside the file") == true)
  }

  @Test func checksumsOfPieces() {
    var random = SplitMix64(seed: 1)
    let bytes = (0..<1000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var whole = Checksum()
    bytes.withUnsafeBytes { whole.add($0) }
    var pieces = Checksum()
    var at = 0
    while at < bytes.count {
      let end = min(bytes.count, at + random.below(40))
      Array(bytes[at..<end]).withUnsafeBytes { pieces.add($0) }
      at = end
    }
    #expect(whole.finished() == pieces.finished())
    var longer = whole
    [UInt8(0)].withUnsafeBytes { longer.add($0) }
    #expect(whole.finished() != longer.finished())
  }
}
