import CMaasKernels
import MaasCore
import MaasGraph

/// Trees as the kernel walks them.
struct FlatTrees: Sendable {
  /// maas_f64_tree_node; `unused` is 1 where the test is x < threshold, which is x <= the next smaller number, and the
  /// kernel's type decides which that is.
  let nodes: Tensor
  /// maas_tree
  let trees: Tensor
  let count: Int
  let kind: maas_tree_kind
  /// How many features a row must have at least.
  let features: Int

  init(_ table: TreeTable) throws(MaasError) {
    var layout = TreeLayout(table)
    var trees: [maas_tree] = []
    for root in table.roots { trees.append(try layout.add(root)) }
    count = trees.count
    nodes = try tensor(of: layout.nodes)
    self.trees = try tensor(of: trees)
    (kind, features) = (layout.kind, layout.features)
  }
}

private func tensor<T: BitwiseCopyable>(of elements: [T]) throws(MaasError) -> Tensor {
  let tensor = try Tensor(.uint8, [elements.count * MemoryLayout<T>.stride])
  for (i, element) in elements.enumerated() {
    tensor.bytes.storeBytes(of: element, toByteOffset: i * MemoryLayout<T>.stride, as: T.self)
  }
  return tensor
}

private struct TreeLayout {
  private let table: TreeTable
  private var isPlaced: [Bool]
  private(set) var nodes: [maas_f64_tree_node] = []
  private(set) var kind = MAAS_TREE_PLAIN
  private(set) var features = 0

  init(_ table: TreeTable) {
    self.table = table
    isPlaced = table.branches.map { _ in false }
  }

  /// Places a tree, children side by side and behind their parent. A branch has one parent, so the walk ends and
  /// nothing is placed twice.
  mutating func add(_ root: Int) throws(MaasError) -> maas_tree {
    let first = nodes.count
    var height = 0
    var waiting = [(reference: root, slot: first, depth: 0)]
    nodes.append(maas_f64_tree_node())
    while let (reference, slot, depth) = waiting.popLast() {
      guard reference >= 0 else {
        nodes[slot] = leaf(~reference, slot)
        height = max(height, depth)
        continue
      }
      let branch = table.branches[reference]
      if isPlaced[reference] { throw sharedBranch(reference) }
      isPlaced[reference] = true
      let child = nodes.count
      guard child < Int(Int32.max) - 2 else {
        throw MaasError(.limitExceeded, "the trees have too many nodes")
      }
      nodes.append(maas_f64_tree_node())
      nodes.append(maas_f64_tree_node())
      let test = try FlatTest(branch)
      nodes[slot] = test.node(child: child)
      kind = maas_tree_kind(max(kind.rawValue, test.kind.rawValue))
      features = max(features, branch.feature + 1)
      waiting.append((test.isSwapped ? branch.yes : branch.no, child, depth + 1))
      waiting.append((test.isSwapped ? branch.no : branch.yes, child + 1, depth + 1))
    }
    return maas_tree(root: Int32(first), height: Int32(height))
  }

  private func leaf(_ leaf: Int, _ slot: Int) -> maas_f64_tree_node {
    maas_f64_tree_node(
      threshold: .nan, test: 0, child: Int32(truncatingIfNeeded: slot),
      index: Int32(truncatingIfNeeded: leaf),
      unused: 0)
  }

  private func sharedBranch(_ branch: Int) -> MaasError {
    MaasError(
      .invalidModel, "node \(branch) of the trees is reached on two ways",
      hint: "every node of a tree but its root must be the child of exactly one node")
  }
}

/// A branch by the tests that the kernel has: x <= t, x < t, x == t, x in a set, and what NaN does.
private struct FlatTest {
  private let branch: TreeTable.Branch
  /// Whether the test holds where the branch's does not.
  let isSwapped: Bool
  private var bits = 0

  init(_ branch: TreeTable.Branch) throws(MaasError) {
    guard branch.feature >= 0, branch.feature <= Int(MAAS_TREE_FEATURE) else {
      throw MaasError(
        .invalidModel, "a node of the trees tests a feature that cannot be",
        expected: "0..\(MAAS_TREE_FEATURE)", found: "\(branch.feature)")
    }
    self.branch = branch
    let isGreater = branch.mode == .greater || branch.mode == .greaterOrEqual
    // Nothing is greater than NaN, and x <= NaN is false as well.
    isSwapped = branch.mode == .notEqual || isGreater && !branch.value.isNaN
    if branch.mode == .equal || branch.mode == .notEqual { bits |= Int(MAAS_TREE_EQUAL) }
    if branch.mode == .member { bits |= Int(MAAS_TREE_MEMBER) }
    let isTrueForNaN = branch.isTrueForMissing || branch.mode == .notEqual
    if isTrueForNaN != isSwapped { bits |= Int(MAAS_TREE_NAN) }
  }

  var kind: maas_tree_kind {
    if bits & Int(MAAS_TREE_EQUAL | MAAS_TREE_MEMBER) != 0 { return MAAS_TREE_GENERAL }
    return bits == 0 ? MAAS_TREE_PLAIN : MAAS_TREE_MISSING
  }

  func node(child: Int) -> maas_f64_tree_node {
    maas_f64_tree_node(
      threshold: branch.value, test: Int32(truncatingIfNeeded: branch.feature | bits),
      child: Int32(truncatingIfNeeded: child), index: Int32(truncatingIfNeeded: branch.set),
      unused: branch.mode == .less || branch.mode == .greaterOrEqual ? 1 : 0)
  }
}

extension Lowering {
  /// The nodes in the kernel's form, made once per model.
  mutating func nodes(of trees: FlatTrees, _ dtype: DType) throws(MaasError) -> Operand {
    let isDouble = dtype == .double
    let count = trees.nodes.count / MemoryLayout<maas_f64_tree_node>.stride
    let stride =
      isDouble ? MemoryLayout<maas_f64_tree_node>.stride : MemoryLayout<maas_f32_tree_node>.stride
    return try packed(
      try constant(trees.nodes), layout: "trees of \(dtype.name)", byteCount: count * stride,
      { finishNodes(Chunk($0, $1, $2, $3)) }, isDouble, items: count)
  }
}

/// The kernel's nodes, the table's.
private func finishNodes(_ chunk: Chunk) -> Int32 {
  let from = chunk.input(1, as: maas_f64_tree_node.self)
  for i in chunk.begin..<chunk.end {
    var node = from[i]
    if chunk.params(Bool.self).pointee {
      if node.unused == 1 { node.threshold = below(node.threshold) }
      chunk.output(0, as: maas_f64_tree_node.self)[i] = node
    } else {
      let threshold = Float(node.threshold)
      chunk.output(0, as: maas_f32_tree_node.self)[i] = maas_f32_tree_node(
        threshold: node.unused == 1 ? below(threshold) : threshold, test: node.test, child: node.child,
        index: node.index)
    }
  }
  return StepStatus.ok
}

/// What x must not exceed to be smaller than `value`: nothing is smaller than -inf.
private func below<T: BinaryFloatingPoint>(_ value: T) -> T { value == -.infinity ? .nan : value.nextDown }
