import CMaasSystem
import MaasCore
import MaasGraph

/// How the inputs of layers go together: for each of some values, seen as rows, the sums of products of its columns.
struct GramMatrices {
  /// What the matrices of one pass over the data may take.
  private static let memory = 512 << 20

  /// Values of these widths in groups that fit into memory together.
  static func groups(_ widths: [(value: ValueID, width: Int)]) -> [[(value: ValueID, width: Int)]] {
    var groups: [[(value: ValueID, width: Int)]] = []
    var left = 0
    for item in widths {
      let bytes = product(item.width, item.width).flatMap { product($0, 12) } ?? .max
      if groups.isEmpty || bytes > left {
        groups.append([])
        left = memory
      }
      groups[groups.count - 1].append(item)
      left -= min(bytes, left)
    }
    return groups
  }

  /// Sums of products as doubles, and of how many rows they are.
  typealias Sum = (products: Tensor, rows: Int)

  /// In the order of the values.
  static func sums(
    _ graph: Graph, _ values: [(value: ValueID, width: Int)], _ data: any CalibrationData, threads: Int
  ) throws(MaasError) -> [Sum] {
    var sums: [Sum] = []
    for item in values {
      let sum = try Tensor(.double, [item.width, item.width])
      maas_sys_zero(sum.bytes, sum.byteCount)
      sums.append((sum, 0))
    }
    let (probed, seen) = try withProducts(graph, values)
    try Observation(probed, seen, threads: threads).run(data) { (sight) throws(MaasError) in
      if isHeldOut(sight.index) { return }
      for i in sums.indices {
        add(sight.values[2 * i], to: sums[i].products)
        sums[i].rows += sight.values[2 * i + 1].integers?.first ?? 0
      }
    }
    return sums
  }

  private static func withProducts(
    _ graph: Graph, _ values: [(value: ValueID, width: Int)]
  ) throws(MaasError) -> (Graph, [ValueID]) {
    var rewriter = GraphRewriter(graph, opset: max(graph.opset ?? 13, 7))
    for node in graph.nodes { rewriter.keep(node) }
    var seen: [ValueID] = []
    for item in values {
      let shape = rewriter.constant("rows", try Tensor(.int64, [2], [-1, Int64(item.width)]))
      let rows = try rewriter.add("Reshape", [item.value, shape], "rows")
      seen.append(try rewriter.add("Gemm", [rows, rows], "products", [Attribute("transA", .int(1))]))
      seen.append(try rewriter.add("Shape", [rows], "size"))
    }
    return (try rewriter.finished(), seen)
  }

  private static func add(_ product: Tensor, to sum: Tensor) {
    let sums = sum.bytes.assumingMemoryBound(to: Double.self)
    for i in 0..<min(sum.count, product.count) { sums[i] += Double(product.floats[i]) }
  }
}
