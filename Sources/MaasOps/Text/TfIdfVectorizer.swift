import CMaasSystem
import MaasCore
import MaasGraph

/// How often each n-gram of a pool occurs in a row of words, whose neighbours in it may be up to `max_skip_count` words
/// apart; as it is, scaled by a weight, or the weight alone.
package final class TfIdfVectorizer: ReadableOperator {
  package let name = "TfIdfVectorizer"
  private let pool: NGramPool
  private let lengths: ClosedRange<Int>
  private let skips: Int
  private let isCount: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let mode = try reader.choice("mode", ["TF", "IDF", "TFIDF"])
    let longest = try reader.int("max_gram_length", default: 0, 1...Int.max)
    let shortest = try reader.int("min_gram_length", default: 0, 1...longest)
    skips = try reader.int("max_skip_count", default: -1, 0...Int.max)
    lengths = shortest...longest
    isCount = mode != 1
    pool = try NGramPool(&reader, lengths, isWeighted: mode > 0)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, pool.words.dtype == .string ? [.string] : [.int32, .int64])
    guard let shape = try node.shape(0) else { return node.setOutput(0, .float, nil) }
    guard (1...2).contains(shape.count) else {
      throw MaasError(
        .shapeMismatch, "input 0 has the wrong rank", expected: "1 or 2", found: Shape(shape).text)
    }
    node.setOutput(0, .float, shape.dropLast() + [.known(pool.width)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let words = try node.temporary(.int64, x.shape)
    try pool.words.emit(&node, x, .place, to: words)
    let (rows, length) = (x.rank == 1 ? 1 : x.shape[0], x.shape[x.rank - 1])
    // Words that are further apart than the row is long are in no n-gram.
    let params = NGramParams(
      mask: WordTable.mask(pool.edges.count), length: length, width: pool.width, shortest: lengths.lowerBound,
      longest: lengths.upperBound, skips: min(skips, length), isCount: isCount)
    node.emit(
      { count(Chunk($0, $1, $2, $3)) },
      [words, try node.constant(pool.edges), try node.constant(pool.nodes), y], params, items: rows,
      grain: grain(nanoseconds: pool.width / 4 + 10 * length))
  }
}

private struct NGramParams {
  let mask: Int
  let length: Int
  let width: Int
  let shortest: Int
  let longest: Int
  let skips: Int
  let isCount: Bool
}

/// Words by their places, edges, nodes, y.
private func count(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(NGramParams.self)
  let edges = WordTable(chunk.output(1, as: UInt8.self), mask: params.pointee.mask)
  let nodes = chunk.input(2, as: NGramNode.self)
  for row in chunk.begin..<chunk.end {
    let words = chunk.input(0, as: Int64.self) + row * params.pointee.length
    let y = chunk.output(3, as: Float.self) + row * params.pointee.width
    y.update(repeating: 0, count: params.pointee.width)
    var shortest = params.pointee.shortest
    for distance in 1...params.pointee.skips + 1 where shortest <= params.pointee.longest {
      count(words, edges, nodes, y, params, shortest, distance)
      // A single word has no distance to others: it counts once.
      shortest = max(2, shortest)
    }
  }
  return StepStatus.ok
}

/// Counts the n-grams of words `distance` apart.
private func count(
  _ words: UnsafePointer<Int64>, _ edges: WordTable, _ nodes: UnsafePointer<NGramNode>,
  _ y: UnsafeMutablePointer<Float>, _ params: UnsafePointer<NGramParams>, _ shortest: Int, _ distance: Int
) {
  let length = params.pointee.length
  for start in 0..<max(0, length - distance * (shortest - 1)) {
    var (node, at, size) = (0, start, 1)
    while size <= params.pointee.longest, at < length, words[at] >= 0 {
      node = Int(edges.slot(NGramPool.edge(node, Int(words[at]))).pointee.place)
      if node < 0 { break }
      let found = nodes[node]
      if size >= shortest, found.column >= 0 {
        y[Int(found.column)] = found.weight + (params.pointee.isCount ? y[Int(found.column)] : 0)
      }
      size += 1
      at += distance
    }
  }
}
