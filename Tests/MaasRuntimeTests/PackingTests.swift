import CMaasSystem
import Foundation
import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasRuntime

/// Weights are packed piece by piece where they lie in a file.
@Suite struct PackingTests {
  private func inFile<T: BitwiseCopyable>(
    _ dtype: DType, _ shape: [Int], _ elements: [T], offset: Int, _ body: (Tensor) throws -> Void
  ) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let bytes = Array(repeating: UInt8(0), count: offset) + elements.withUnsafeBytes { Array($0) }
    #expect(maas_sys_file_write(url.path, bytes, bytes.count) == 0)
    let part = try #require(
      TensorStorage.mapped(try MappedFile(url.path)).slice(offset, bytes.count - offset))
    try body(try Tensor(dtype, shape, storage: part))
  }

  /// One row of ones times the weights: the sums of their columns.
  private func sums(_ weight: Tensor, transposed: Bool, threads: Int) throws -> [Float]? {
    let (k, n) = (weight.shape[transposed ? 1 : 0], weight.shape[transposed ? 0 : 1])
    var graph = Graph("sums")
    let x = graph.addInput("x", .float, Shape([1, k]))
    let product: any Operator =
      transposed ? try make(Gemm.self, [Attribute("transB", .int(1))]) : MatMul()
    graph.outputs = [graph.node(product, x, graph.addConstant("w", weight))]
    try graph.inferValues()
    let ones = try Tensor(.float, [1, k], [Float](repeating: 1, count: k))
    let results = try makeExecutable(graph, threads: threads).run(
      [ones], [.allocated(keep: false)])
    #expect(results.first??.shape == [1, n])
    return results.first??.elements(as: Float.self)
  }

  @Test(arguments: [1, 3], [0, 4098]) func products(threads: Int, offset: Int) throws {
    let (rows, columns) = (701, 903)
    let number = { (p: Int, j: Int) in (7 * p + 3 * j) % 11 }
    let weights = (0..<rows * columns).map { Float(number($0 / columns, $0 % columns)) }
    let ofColumns = (0..<columns).map { j in Float((0..<rows).reduce(0) { $0 + number($1, j) }) }
    let ofRows = (0..<rows).map { p in Float((0..<columns).reduce(0) { $0 + number(p, $1) }) }
    try inFile(.float, [rows, columns], weights, offset: offset) { weight in
      let found = try [false, true].map { try sums(weight, transposed: $0, threads: threads) }
      #expect(found == [ofColumns, ofRows])
    }
  }

  private nonisolated(unsafe) static var residentAtTheEnd = 0

  /// How many of `count` bytes at `address` are in memory, as the system tells.
  private static func resident(_ address: UnsafeRawPointer, _ count: Int) throws -> Int {
    let begin = UInt(bitPattern: address) / 4096 * 4096
    let range = begin..<UInt(bitPattern: address) + UInt(count)
    // The file has no size, which is all that other ways of reading it look at.
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    var (isInside, kilobytes) = (false, 0)
    for line in String(decoding: file.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if let first = words[0].split(separator: "-").first, words[0].contains("-") {
        isInside = UInt(first, radix: 16).map { range.contains($0) } ?? false
      } else if isInside, words[0] == "Rss:" {
        kilobytes += Int(words[1]) ?? 0
      }
    }
    return 1024 * kilobytes
  }

  @Test func pagesGoWhenTheyHaveBeenRead() throws {
    let numbers = (0..<(1 << 20)).map { Int64($0) }
    try inFile(.int64, [1 << 20], numbers, offset: 0) { weight in
      let step = StepTemplate(
        run: { step, begin, end, _ in
          guard let step, let target = step.pointee.operands[0], let source = step.pointee.operands[1]
          else { return -1 }
          maas_sys_copy(target + 8 * Int(begin), source + 8 * Int(begin), 8 * Int(end - begin))
          if end == step.pointee.items {
            PackingTests.residentAtTheEnd = (try? PackingTests.resident(source, 8 << 20)) ?? -1
          }
          return 0
        }, operands: [BufferID(0), BufferID(1)], params: [], items: 1 << 20, grain: 1 << 20, scratch: 0,
        dtype: .int64, kernel: "copy")
      let target = try TensorStorage.allocate(8 << 20)
      try PackRequest(source: weight, layout: "copy", byteCount: 8 << 20, step: step).fill(target, threads: 1)
      #expect((1...(1 << 20)).contains(PackingTests.residentAtTheEnd))
      #expect(try Tensor(.int64, [1 << 20], storage: target).int64s == numbers)
      #expect(try PackingTests.resident(weight.bytes, 8 << 20) == 0)
    }
  }

  @Test func whatLiesOddlyInAFileIsCopied() throws {
    let numbers = (0..<300_000).map { Int64($0) * 3 }
    try inFile(.int64, [300_000], numbers, offset: 3) { weight in
      var graph = Graph("copied")
      _ = graph.addConstant("w", weight)
      let cache = WeightCache(graph)
      let aligned = try cache.aligned(weight)
      #expect(!weight.isAligned && aligned.isAligned && aligned.int64s == numbers)
      #expect(try cache.aligned(weight).bytes == aligned.bytes)
      #expect(cache.byteCount == 8 * 300_000 && cache.packings.isEmpty)
    }
  }
}
