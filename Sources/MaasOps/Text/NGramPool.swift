import CMaasKernels
import MaasCore
import MaasGraph

/// Where the words on the way to a node of a trie are an n-gram: its column of the output. All others have column -1.
struct NGramNode: BitwiseCopyable {
  var column: Int32
  var weight: Float
}

/// The n-grams that TfIdfVectorizer looks for, as a trie in memory that a step can read; node 0 is the root.
struct NGramPool: Sendable {
  /// The words that n-grams consist of.
  let words: KeyTable
  /// A `WordTable` of the nodes, see `edge`.
  let edges: Tensor
  /// A `NGramNode` each, as int64.
  let nodes: Tensor
  /// Columns of the output.
  let width: Int

  init(
    _ reader: inout AttributeReader, _ lengths: ClosedRange<Int>, isWeighted: Bool
  ) throws(MaasError) {
    let pool = try reader.keys("pool_int64s", "pool_strings")
    words = try KeyTable(pool)
    let places = words.places(pool)
    var columns = try Columns(&reader, isWeighted: isWeighted)
    width = columns.width
    var trie = try Trie(pool.count)
    let starts = try reader.ints("ngram_counts") ?? []
    guard lengths.upperBound <= starts.count else {
      throw MaasError(
        .invalidModel, "attribute 'max_gram_length' is more than the lengths in 'ngram_counts'",
        expected: "at most \(starts.count)", found: "\(lengths.upperBound)")
    }
    for i in starts.indices {
      let (length, start, end) = (i + 1, starts[i], starts[at: i + 1] ?? pool.count)
      try checkWhole(start, end, length, pool.count)
      for first in stride(from: start, to: end, by: length) {
        let ngram = try columns.next()
        if lengths.contains(length) { trie.insert(places[first..<first + length], ngram) }
      }
    }
    edges = trie.edges
    nodes = try Tensor(.int64, [trie.nodes.count], trie.nodes)
  }

  /// The edge from a node for a word, by the word's place.
  static func edge(_ node: Int, _ word: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: node) << 32 | UInt64(truncatingIfNeeded: word)
  }
}

private func checkWhole(_ start: Int, _ end: Int, _ length: Int, _ count: Int) throws(MaasError) {
  if start >= 0, start <= end, end <= count, (end - start) % length == 0 { return }
  throw MaasError(
    .invalidModel, "attribute 'ngram_counts' does not divide the pool into n-grams",
    expected: "whole \(length)-grams in 0..<\(count)", found: "\(start)..<\(end)")
}

/// What `ngram_indexes` and `weights` say of the n-grams, one after the other.
private struct Columns {
  let width: Int
  private let columns: [Int]
  private let weights: [Float]
  private var at = 0

  init(_ reader: inout AttributeReader, isWeighted: Bool) throws(MaasError) {
    columns = try reader.ints("ngram_indexes") ?? []
    let weights = try reader.floats("weights") ?? []
    guard let last = columns.max(), let least = columns.min(), least >= 0, last < Int32.max else {
      throw MaasError(.invalidModel, "attribute 'ngram_indexes' must have columns of the output")
    }
    guard weights.isEmpty || weights.count == columns.count else {
      throw MaasError(
        .invalidModel, "attributes 'weights' and 'ngram_indexes' differ in length",
        expected: "\(columns.count)", found: "\(weights.count)")
    }
    width = last + 1
    self.weights = isWeighted ? weights : []
  }

  mutating func next() throws(MaasError) -> NGramNode {
    guard let column = columns[at: at] else {
      throw MaasError(.invalidModel, "attribute 'ngram_indexes' has fewer elements than there are n-grams")
    }
    at += 1
    return NGramNode(column: Int32(column), weight: weights[at: at - 1] ?? 1)
  }
}

private struct Trie {
  let edges: Tensor
  private(set) var nodes = [NGramNode(column: -1, weight: 0)]

  init(_ count: Int) throws(MaasError) { edges = try WordTable.memory(count) }

  mutating func insert(_ words: ArraySlice<Int>, _ ngram: NGramNode) {
    let table = WordTable(edges)
    var node = 0
    for word in words {
      let edge = NGramPool.edge(node, word)
      let slot = table.slot(edge)
      if slot.pointee.place < 0 {
        slot.pointee = maas_key(word: edge, place: Int64(nodes.count))
        nodes.append(NGramNode(column: -1, weight: 0))
      }
      node = Int(slot.pointee.place)
    }
    nodes[node] = ngram
  }
}
