import CMaasKernels
import Testing

/// Random trees over a few features, against a walk from node to node.
@Suite struct TreeTests {
  struct Shape: Sendable {
    var rows = 1, trees = 1, depth = 3, targets = 1
    var isSparse = false
  }
  static let shapes = [
    Shape(), Shape(rows: 3, trees: 17, depth: 5), Shape(rows: 16, trees: 2, depth: 1),
    Shape(rows: 37, trees: 33, depth: 4, targets: 3), Shape(rows: 300, trees: 5, depth: 6, targets: 2),
    Shape(rows: 21, trees: 9, depth: 4, targets: 4, isSparse: true), Shape(rows: 40, trees: 3, depth: 0),
    Shape(rows: 0, trees: 3), Shape(rows: 4, trees: 0), Shape(trees: 751, depth: 3),
    Shape(rows: 3, trees: 401, depth: 2, targets: 2), Shape(rows: 15, trees: 99, targets: 3, isSparse: true),
  ]
  static let kinds = [MAAS_TREE_PLAIN, MAAS_TREE_MISSING, MAAS_TREE_GENERAL]
  static let aggregates = [MAAS_TREE_SUM, MAAS_TREE_MIN, MAAS_TREE_MAX]

  @Test(arguments: shapes) func floats(shape: Shape) { check(shape, Float.self, Plain32.self) }
  @Test(arguments: shapes) func doubles(shape: Shape) { check(shape, Double.self, Plain64.self) }

  private func check<N: TreeNode>(_ shape: Shape, _ type: N.Value.Type, _ node: N.Type) {
    for kind in Self.kinds {
      for aggregate in Self.aggregates {
        let forest = Forest<N>(shape, kind)
        #expect(forest.found(aggregate) == forest.expected(aggregate), "\(kind) \(aggregate)")
      }
    }
  }
}

/// What the two node types of C have in common.
private protocol TreeNode: BitwiseCopyable {
  associatedtype Value: BinaryFloatingPoint & BitwiseCopyable
  static var tables: (trees: String, rest: String) { get }
  init(_ threshold: Value, _ test: Int32, _ child: Int32, _ index: Int32)
}

private struct Plain32: TreeNode {
  static let tables = (trees: "maas_f32_trees", rest: "maas_f32_tree_rest")
  let node: maas_f32_tree_node
  init(_ threshold: Float, _ test: Int32, _ child: Int32, _ index: Int32) {
    node = maas_f32_tree_node(threshold: threshold, test: test, child: child, index: index)
  }
}

private struct Plain64: TreeNode {
  static let tables = (trees: "maas_f64_trees", rest: "maas_f64_tree_rest")
  let node: maas_f64_tree_node
  init(_ threshold: Double, _ test: Int32, _ child: Int32, _ index: Int32) {
    node = maas_f64_tree_node(threshold: threshold, test: test, child: child, index: index, unused: 0)
  }
}

private struct Forest<N: TreeNode> {
  typealias Value = N.Value
  /// A node before it is one of C's; `set` is empty unless it tests for membership.
  private struct Plain { var value: Value, test: Int32, child: Int, index: Int, set: [Value] }

  private let shape: TreeTests.Shape
  private let kind: maas_tree_kind
  private let features = 4
  private let x: [Value]
  private var nodes: [Plain] = []
  private var trees: [maas_tree] = []
  private var leaves: [[(target: Int, weight: Value)]] = []
  private var sets: [[Value]] = []
  private var random = Random(23)

  init(_ shape: TreeTests.Shape, _ kind: maas_tree_kind) {
    (self.shape, self.kind) = (shape, kind)
    var random = random
    x = (0..<shape.rows * features).map { $0 % 7 == 3 ? .nan : Value(random.int(-3..<4)) }
    for _ in 0..<shape.trees {
      trees.append(maas_tree(root: Int32(nodes.count), height: Int32(shape.depth)))
      nodes.append(Plain(value: 0, test: 0, child: 0, index: 0, set: []))
      grow(nodes.count - 1, shape.depth)
    }
  }

  private mutating func grow(_ slot: Int, _ depth: Int) {
    if depth == 0 || depth < shape.depth && random.int(0..<4) == 0 { return addLeaf(slot) }
    let child = nodes.count
    var bits: Int32 = 0
    if kind != MAAS_TREE_PLAIN, random.int(0..<2) == 0 { bits |= MAAS_TREE_NAN }
    var node = Plain(value: Value(random.int(-3..<4)), test: 0, child: child, index: 0, set: [])
    if kind == MAAS_TREE_GENERAL, random.int(0..<2) == 0 {
      bits |= MAAS_TREE_EQUAL
    } else if kind == MAAS_TREE_GENERAL {
      bits |= MAAS_TREE_MEMBER
      node.set = (-3..<4).filter { _ in random.int(0..<2) == 0 }.map { Value($0) }
      node.index = sets.count
      sets.append(node.set)
    }
    node.test = Int32(random.int(0..<features)) | bits
    nodes[slot] = node
    for _ in 0..<2 { nodes.append(Plain(value: 0, test: 0, child: 0, index: 0, set: [])) }
    grow(child, depth - 1)
    grow(child + 1, depth - 1)
  }

  private mutating func addLeaf(_ slot: Int) {
    nodes[slot] = Plain(value: .nan, test: 0, child: slot, index: leaves.count, set: [])
    let targets = shape.isSparse ? [random.int(0..<shape.targets)] : Array(0..<shape.targets)
    leaves.append(targets.map { ($0, Value(random.int(-64..<64)) / 8) })
  }

  private func leaf(_ root: Int, _ row: Int) -> Int {
    var at = root
    while nodes[at].child != at {
      let node = nodes[at]
      let x = x[row * features + Int(node.test & MAAS_TREE_FEATURE)]
      var holds = x <= node.value
      if node.test & MAAS_TREE_EQUAL != 0 { holds = x == node.value }
      if node.test & MAAS_TREE_MEMBER != 0 { holds = node.set.contains(x) }
      if x.isNaN, node.test & MAAS_TREE_NAN != 0 { holds = true }
      at = node.child + (holds ? 1 : 0)
    }
    return nodes[at].index
  }

  /// As text, in which NaN equals itself and -0 differs from 0.
  func expected(_ aggregate: maas_tree_aggregate) -> [String] {
    var y: [Value?] = Array(repeating: nil, count: shape.rows * shape.targets)
    for row in 0..<shape.rows {
      for tree in trees {
        for (target, weight) in leaves[leaf(Int(tree.root), row)] {
          let i = row * shape.targets + target
          guard let old = y[i] else {
            y[i] = weight
            continue
          }
          y[i] =
            aggregate == MAAS_TREE_SUM
            ? old + weight : aggregate == MAAS_TREE_MIN ? min(old, weight) : max(old, weight)
        }
      }
    }
    return y.map { "\($0 ?? (aggregate == MAAS_TREE_SUM ? -0.0 : .nan))" }
  }

  func found(_ aggregate: maas_tree_aggregate) -> [String] {
    var params = maas_tree_params()
    (params.rows, params.features) = (Int64(shape.rows), Int64(features))
    (params.trees, params.targets) = (Int64(shape.trees), Int64(shape.targets))
    (params.kind, params.aggregate, params.is_wide) = (kind, aggregate, Value.self == Double.self)
    let split = maas_trees_split(&params)
    let y = Fenced<Value>(repeating: 77, count: shape.rows * shape.targets)
    var starts: [Int32] = [0]
    var setStarts: [Int32] = [0]
    for leaf in leaves { starts.append(starts[starts.count - 1] + Int32(leaf.count)) }
    for set in sets { setStarts.append(setStarts[setStarts.count - 1] + Int32(set.count)) }
    let entries = leaves.flatMap { $0 }
    let plain = nodes.map { N($0.value, $0.test, Int32($0.child), Int32($0.index)) }
    let operands: [(any Operand)?] = [
      Fenced(x), Fenced(plain), Fenced(trees), Fenced(entries.map { $0.weight }),
      shape.isSparse ? Fenced(starts) : nil, shape.isSparse ? Fenced(entries.map { Int32($0.target) }) : nil,
      Fenced(sets.flatMap { $0 }), Fenced(setStarts), y,
      Fenced<Value>(repeating: .nan, count: shape.rows * ((shape.trees + 15) / 16 * 16)),
      Fenced<Int64>(repeating: -1, count: shape.rows),
    ]
    #expect(params.by_trees == (shape.rows < (params.is_wide ? 8 : 16) && shape.rows * shape.trees >= 750))
    var random = Random(3)
    run(KernelRow.supported(N.tables.trees)[0], params, operands, split, cuts: cuts(split.items, &random))
    if params.by_trees {
      run(
        KernelRow.supported(N.tables.rest)[0], params, operands,
        maas_split(items: Int64(shape.rows), grain: 1, scratch: 0),
        cuts: [0, Int64(shape.rows)])
    }
    #expect(y.isFenceWhole)
    return y.values.map { "\($0)" }
  }
}
