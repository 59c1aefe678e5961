import CMaasSystem
import Foundation
import MaasCore
import MaasGraph
import Testing

@testable import MaasRuntime

/// Weights that models of one process have in common are there once.
@Suite struct WeightCacheTests {
  private static let count = 1 << 14

  /// Rising numbers from `first` on.
  private func numbers(from first: Int64) -> [Int64] { (0..<Int64(Self.count)).map { first + $0 } }

  private final class Watched {
    private(set) weak var storage: TensorStorage?
    init(_ storage: TensorStorage) { self.storage = storage }
  }

  /// A model with one weight, and what it is packed to.
  private struct Packed {
    let cache: WeightCache
    let weight: Tensor
    let result: TensorStorage

    init(_ weight: Tensor, layout: String = "sums") throws {
      var graph = Graph("packed")
      _ = graph.addConstant("w", weight)
      cache = WeightCache(graph)
      self.weight = weight
      var node = Lowering(
        inputs: [try Operand(BufferID(0), weight.dtype, weight.shape, constant: weight)], outputs: [],
        wanted: [],
        nextBuffer: 1)
      _ = try node.packed(
        node.input(0), layout: layout, byteCount: weight.byteCount, runningSums, Int64(weight.count),
        items: 1)
      guard case .pack(let request) = node.buffers[0] else {
        throw MaasError(.internal, "nothing is to be packed")
      }
      result = try cache.packed(request, threads: 1)
    }

    var sums: [Int64] {
      (0..<weight.count).map { result.base.load(fromByteOffset: 8 * $0, as: Int64.self) }
    }
  }

  /// The expected result, by the formula for the sum of consecutive numbers.
  private func sums(from first: Int64) -> [Int64] {
    (0..<Int64(Self.count)).map { (first + first + $0) * ($0 + 1) / 2 }
  }

  private func mapped(_ path: String) throws -> Tensor {
    let whole = TensorStorage.mapped(try MappedFile(path))
    let part = try #require(whole.slice(4096, 8 * Self.count))
    return try Tensor(.int64, [Self.count], storage: part)
  }

  private func write(_ path: String, from first: Int64) throws {
    let bytes = (Array(repeating: 0, count: 512) + numbers(from: first)).withUnsafeBytes { Array($0) }
    #expect(maas_sys_file_write(path, bytes, bytes.count) == 0)
  }

  private func temporary(_ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
  }

  @Test func onePartOfAFileIsPackedOnce() throws {
    try temporary { path in
      try write(path, from: 5)
      let (a, b) = (try Packed(mapped(path)), try Packed(mapped(path)))
      #expect(a.result === b.result)
      #expect(a.sums == sums(from: 5))
      #expect(a.weight.int64s == numbers(from: 5), "pages that were let go come back")
      let other = try Packed(mapped(path), layout: "another")
      #expect(other.result === a.result, "the same bytes, found by their contents")
    }
  }

  @Test func whatNobodyUsesIsGivenBack() throws {
    var users = try (0..<3).map { _ in try Packed(.int64([Self.count], numbers(from: 9))) }
    let watched = Watched(users[0].result)
    users.removeFirst(2)
    #expect(watched.storage != nil)
    users.removeAll()
    #expect(watched.storage == nil)
    #expect(try Packed(.int64([Self.count], numbers(from: 9))).sums == sums(from: 9))
  }

  @Test func manyThreadsShare() async throws {
    let weights = try (0..<4).map { try Tensor.int64([Self.count], numbers(from: Int64($0))) }
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<32 {
        group.addTask {
          (0..<20).allSatisfy { round in
            let first = (task + round) % 4
            let packed = try? Packed(weights[first])
            return packed?.sums == sums(from: Int64(first))
          }
        }
      }
      for await same in group { #expect(same) }
    }
  }
}

/// Element i of operand 0 is the sum of elements 0…i of operand 1.
private let runningSums: maas_step_run = { step, _, _, _ in
  guard let step, let y = step.pointee.operands[0], let x = step.pointee.operands[1],
    let count = step.pointee.params?.load(as: Int64.self)
  else { return 0 }
  var sum: Int64 = 0
  for i in 0..<Int(count) {
    sum += x.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self)
    y.storeBytes(of: sum, toByteOffset: 8 * i, as: Int64.self)
  }
  return 0
}
