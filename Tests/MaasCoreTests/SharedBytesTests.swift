import Foundation
import Testing

@testable import MaasCore

/// What is made of equal bytes is there once in a process.
@Suite struct SharedBytesTests {
  private static let count = 1 << 10

  /// A user of the running sums of a tensor, as long as it lives.
  private final class User {
    let storage: TensorStorage
    private(set) var hasMade = false

    init(_ source: Tensor, layout: String = "sums") throws {
      var hasMade = false
      storage = try SharedBytes.of(source, layout) { () throws(MaasError) in
        hasMade = true
        return try runningSums(source)
      }
      self.hasMade = hasMade
    }

    deinit { SharedBytes.leave(storage) }

    func sum(_ i: Int) -> Int64 { storage.base.load(fromByteOffset: 8 * i, as: Int64.self) }
  }

  /// Rising numbers from `first` on.
  private func numbers(from first: Int64) -> [Int64] { (0..<Int64(Self.count)).map { first + $0 } }

  private func tensor(_ numbers: [Int64]) throws -> Tensor {
    let tensor = try Tensor(.int64, [numbers.count])
    tensor.bytes.copyMemory(from: numbers, byteCount: tensor.byteCount)
    return tensor
  }

  private func write(_ path: URL, from first: Int64) throws {
    try numbers(from: first).withUnsafeBytes { try Data($0).write(to: path, options: .atomic) }
  }

  private func user(_ path: URL, layout: String = "sums") throws -> User {
    try User(Tensor(.int64, [Self.count], storage: .mapped(try MappedFile(path.path))), layout: layout)
  }

  private func temporary(_ body: (URL) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url)
  }

  @Test func equalBytesAreShared() throws {
    let users = try [1, 1, 2].map { try User(tensor(numbers(from: $0))) }
    #expect(users[0].storage === users[1].storage)
    #expect(users[0].storage !== users[2].storage)
    // n numbers from a on have the sum n (2 a + n - 1) / 2.
    #expect(users.map { $0.sum(Self.count - 1) } == [524_800, 524_800, 525_824])
  }

  @Test func whatAFileBecameIsNotMadeAgain() throws {
    try temporary { path in
      try write(path, from: 5)
      let (a, b, other) = (try user(path), try user(path), try user(path, layout: "another"))
      #expect(a.hasMade && !b.hasMade && other.hasMade)
      #expect(a.storage === b.storage && a.storage === other.storage)
      try write(path, from: 6)
      let replaced = try user(path)
      #expect(replaced.hasMade && a.sum(0) == 5 && replaced.sum(0) == 6)
    }
  }

  @Test func whatNobodyUsesIsGivenBack() throws {
    try temporary { path in
      try write(path, from: 7)
      var users = try (0..<3).map { _ in try user(path) }
      weak let storage = users[0].storage
      users.removeFirst(2)
      #expect(storage != nil)
      users.removeAll()
      #expect(storage == nil)
      #expect(try user(path).hasMade)
    }
  }

  @Test func smallThingsAreNotShared() throws {
    let users = try (0..<2).map { _ in try User(tensor([1, 2, 3, 4])) }
    #expect(users[0].storage !== users[1].storage)
  }
}

private func runningSums(_ source: Tensor) throws(MaasError) -> TensorStorage {
  let sums = try TensorStorage.allocateLasting(source.byteCount)
  var sum: Int64 = 0
  for i in 0..<source.count {
    sum += source.bytes.load(fromByteOffset: 8 * i, as: Int64.self)
    sums.base.storeBytes(of: sum, toByteOffset: 8 * i, as: Int64.self)
  }
  return sums
}
