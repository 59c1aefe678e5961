import Foundation
import MaasCore
import Testing

@testable import MaasONNX

@Suite struct ExternalDataTests {
  private let folder: URL

  /// A folder `home` with the file data.bin (12 bytes 0…11) and a folder, beside a file outside.bin.
  init() throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("maas-\(UUID().uuidString)")
    folder = root.appendingPathComponent("home")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("sub"), withIntermediateDirectories: true)
    try Data(0..<12).write(to: folder.appendingPathComponent("data.bin"))
    try Data(0..<12).write(to: root.appendingPathComponent("outside.bin"))
  }

  private func remove() { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

  private func external(_ entries: [(String, String)]) -> ModelProto {
    var weight = tensor("w", .uint8, [4], raw: nil)
    weight.dataLocation = 1
    weight.externalData = entries.map { key, value in
      var entry = StringStringEntryProto()
      entry.key = Blob(key)
      entry.value = Blob(value)
      return entry
    }
    var holder = GraphProto()
    holder.initializers = [weight]
    return model(holder)
  }

  private func weight(of model: ONNXModel) throws -> [UInt8] {
    let proto = try #require(model.proto.graph.value?.initializers.first)
    return try TensorDecoder(model.source).tensor(proto).byteArray
  }

  /// Writes the model into the folder and reads its weight through a path.
  private func read(_ entries: [(String, String)]) throws -> [UInt8] {
    let path = folder.appendingPathComponent("model.onnx")
    try Data(try bytes(external(entries))).write(to: path)
    return try weight(of: ONNXModel(path: path.path))
  }

  @Test func offsetAndLength() throws {
    defer { remove() }
    #expect(try read([("location", "data.bin"), ("offset", "8"), ("length", "4")]) == [8, 9, 10, 11])
    #expect(try read([("location", "data.bin"), ("offset", "8"), ("checksum", "abc")]) == [8, 9, 10, 11])
    #expect(try read([("location", "data.bin"), ("offset", "4")]) == [4, 5, 6, 7])
    #expect(try read([("location", "./data.bin"), ("length", "4")]) == [0, 1, 2, 3])
  }

  @Test(arguments: [
    ("../outside.bin", "is outside the model's folder"),
    ("sub/../../outside.bin", "is outside the model's folder"),
    ("/etc/passwd", "is outside the model's folder"), ("link.bin", "is outside the model's folder"),
    ("missing.bin", "does not exist"), (".", "is outside the model's folder"),
    ("sub", "Is a directory"),
    ("data.bin\0x", "is outside the model's folder"),
  ])
  func confinement(location: String, reason: String) throws {
    defer { remove() }
    try FileManager.default.createSymbolicLink(
      atPath: folder.appendingPathComponent("link.bin").path, withDestinationPath: "../outside.bin")
    let error = #expect(throws: MaasError.self) { try read([("location", location), ("length", "4")]) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    #expect(error?.tensor == "w")
  }

  @Test(
    arguments: [
      (
        [("location", "data.bin"), ("offset", "9"), ("length", "4")],
        "found 4 bytes at offset 9 of a file of 12 bytes"
      ),
      ([("location", "data.bin"), ("offset", "0"), ("length", "3")], "expected 4 bytes, found 3 bytes"),
      ([("location", "data.bin"), ("offset", "-1")], "impossible offset"),
      ([("location", "data.bin"), ("offset", "9223372036854775807"), ("length", "4")], "does not hold"),
      ([("location", "data.bin"), ("length", "four")], "impossible length"),
      ([("offset", "0")], "external data has no location"),
    ] as [([(String, String)], String)])
  func placesThatDoNotFit(entries: [(String, String)], reason: String) throws {
    defer { remove() }
    let error = #expect(throws: MaasError.self) { try read(entries) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  /// A model that is a symbolic link, as download caches make them, finds its data beside the link and beside its file.
  @Test func dataBesideTheLinksTarget() throws {
    defer { remove() }
    _ = try read([("location", "data.bin"), ("length", "4")])
    let links = folder.deletingLastPathComponent().appendingPathComponent("links")
    let files = FileManager.default
    try files.createDirectory(at: links, withIntermediateDirectories: true)
    for name in ["model.onnx", "data.bin"] {
      try files.createSymbolicLink(
        at: links.appendingPathComponent(name), withDestinationURL: folder.appendingPathComponent(name))
    }
    let model = try ONNXModel(path: links.appendingPathComponent("model.onnx").path)
    #expect(try weight(of: model) == [0, 1, 2, 3])
  }

  @Test func fromMemoryOnlyWithAFolder() throws {
    defer { remove() }
    let proto = external([("location", "data.bin"), ("length", "4")])
    let error = #expect(throws: MaasError.self) { try weight(of: opened(proto)) }
    #expect(error?.message.contains("opened from memory") == true)
    #expect(try weight(of: opened(proto, folder: folder.path)) == [0, 1, 2, 3])
  }
}
