import Foundation
import MaasCore
import Testing

@testable import MaasNumPy

/// Calls `body` with the path of a file that holds `bytes` and is removed afterwards.
private func withFile<R>(_ bytes: [UInt8], _ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString).npz")
  try Data(bytes).write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

private func tensors() throws -> [NamedTensor] {
  [
    NamedTensor("a", try Tensor(.float, [2, 2], [1, 2, 3, 4] as [Float])),
    NamedTensor("/b/ü:0", try Tensor(.int64, [3], [-1, 0, 1] as [Int64])),
    NamedTensor("scalar", try Tensor(.bool, [], [1] as [UInt8])),
    NamedTensor("empty", try Tensor(.uint8, [0, 3], [] as [UInt8])),
  ]
}

/// Every array's bytes, or the error.
private func read(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> Result<[[UInt8]], MaasError> {
  let file = try storage(bytes)
  do throws(MaasError) {
    let archive = try NpzArchive(file, path: "x.npz", limit: limit)
    return .success(try archive.tensors().map { contents($0.tensor) })
  } catch {
    return .failure(error)
  }
}

private func message(_ result: Result<[[UInt8]], MaasError>) -> String {
  if case .failure(let error) = result { error.message } else { "no error" }
}

@Suite struct NpzFiles {
  /// Sizes and offsets in 32 bits, in 64, and (between them) some of each.
  @Test(arguments: [Int(UInt32.max) - 1, 400, -1])
  func writtenAndRead(zip64Above: Int) throws {
    let tensors = try tensors()
    let bytes = contents(try Npz.encode(tensors, zip64Above: zip64Above))
    try withFile(bytes) { path in
      let archive = try NpzArchive(path)
      #expect(archive.names == tensors.map { $0.name })
      for tensor in tensors {
        let again = try archive.tensor(tensor.name)
        #expect(again.dtype == tensor.tensor.dtype && again.shape == tensor.tensor.shape)
        #expect(contents(again) == contents(tensor.tensor))
      }
    }
  }

  @Test func noArrays() throws {
    #expect(try read(contents(try Npz.encode([]))).get().isEmpty)
  }

  @Test func nameThatIsNotThere() throws {
    try withFile(contents(try Npz.encode(try tensors()))) { path in
      let archive = try NpzArchive(path)
      #expect {
        try archive.tensor("scaler")
      } throws: {
        "\($0)".hasSuffix("found 'a', '/b/ü:0', 'scalar', 'empty'; did you mean 'scalar'?")
      }
    }
  }

  @Test func twoArraysOfOneName() throws {
    let twice = try tensors() + tensors()
    #expect(throws: MaasError.self) { try Npz.encode(twice) }
    var bytes = contents(try Npz.encode(try tensors()))
    let names = bytes.indices.dropLast(9).filter { bytes[$0..<$0 + 9].elementsEqual("empty.npy".utf8) }
    for index in names { bytes.replaceSubrange(index..<index + 9, with: Array("a.npy\0\0\0\0".utf8)) }
    #expect(try read(bytes).get().count == 3)
  }

  @Test func truncatedAnywhere() throws {
    let bytes = contents(try Npz.encode(try tensors()))
    for length in 0..<bytes.count {
      #expect(message(try read(Array(bytes[..<length]))) != "no error", "\(length)")
    }
  }

  /// Nothing but an error or the right data, whatever byte is changed; the fields nobody reads may change freely.
  @Test(arguments: ["stored", "deflated"]) func anyByteChanged(method: String) throws {
    let bytes =
      method == "stored"
      ? contents(try Npz.encode(try tensors()))
      : [UInt8](try Data(contentsOf: fixtures.appending(path: "deflated.npz")))
    let expected = try read(bytes).get()
    for index in bytes.indices where method == "stored" || index % 3 == 0 {
      var changed = bytes
      changed[index] ^= 0xff
      if case .success(let arrays) = try read(changed) {
        #expect(arrays.allSatisfy { expected.contains($0) }, "\(index)")
      }
    }
  }
}

@Suite struct NpzErrors {
  private let stored: [UInt8]
  private let deflated: [UInt8]

  init() throws {
    stored = contents(try Npz.encode(try tensors()))
    deflated = [UInt8](try Data(contentsOf: fixtures.appending(path: "deflated.npz")))
  }

  /// Where the first entry of the directory begins.
  private func directory(_ bytes: [UInt8]) -> Int {
    bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4b, 1, 2]) } ?? 0
  }

  private func changed(_ bytes: [UInt8], at offset: Int, to new: [UInt8]) -> [UInt8] {
    let start = directory(bytes) + offset
    var bytes = bytes
    bytes.replaceSubrange(start..<start + new.count, with: new)
    return bytes
  }

  @Test func notAZipFile() throws {
    #expect(message(try read(Array("hello".utf8))).contains("this is not a whole zip file"))
    #expect(message(try read([])).contains("found an empty file"))
  }

  @Test func damagedData() throws {
    var bytes = stored
    bytes[120] ^= 1
    let text = message(try read(bytes))
    #expect(text.contains("(a.npy): the data are damaged: their checksum is wrong: expected"))
  }

  @Test func encryptedOrUnknownMethod() throws {
    #expect(message(try read(changed(stored, at: 8, to: [1]))).contains("encrypted"))
    #expect(
      message(try read(changed(stored, at: 10, to: [12]))).contains(
        "found 12; save the arrays with numpy.savez"))
  }

  @Test func outsideTheFile() throws {
    #expect(
      message(try read(changed(stored, at: 42, to: [0xff, 0xff, 0xff]))).contains("bytes are not inside it"))
    #expect(
      message(try read(changed(stored, at: 20, to: [0xff, 0xff, 0xff]))).contains("bytes are not inside it"))
    #expect(message(try read(changed(stored, at: 24, to: [0xff]))).contains("a stored entry has two sizes"))
  }

  /// A claim that no deflate stream can keep, and one that is only too large.
  @Test func bombs() throws {
    #expect(
      message(try read(changed(deflated, at: 24, to: [0xff, 0xff, 0xff, 0xfe]), limit: 1 << 40)).contains(
        "claims"))
    #expect(
      message(try read(changed(deflated, at: 24, to: [0xff, 0xff, 0xff, 0xfe]))).contains(
        "too large to unpack"))
    #expect(message(try read(deflated, limit: 100)).contains("expected at most 100 bytes, found 1"))
    #expect(
      message(try read(changed(deflated, at: 24, to: [0x10]))).contains("its compressed data do not give"))
  }
}
