import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// Trees as the kernel walks them.
struct FlatTrees: Sendable {
  /// maas_f64_tree_node, or maas_f32_tree_node if thresholds are floats. A test x < threshold is x <= the next smaller
  /// number of that type.
  fileprivate let nodes: SharedTensor
  fileprivate let isWide: Bool
  /// maas_tree
  let trees: SharedTensor
  let count: Int
  let kind: maas_tree_kind
  /// How many features a row must have at least.
  let features: Int

  /// `isWide`: thresholds are doubles.
  init(_ table: TreeTable, isWide: Bool) throws(MaasError) {
    var layout = TreeLayout(table)
    var trees: [maas_tree] = []
    for root in table.roots { trees.append(try layout.add(root)) }
    count = trees.count
    self.isWide = isWide
    nodes = try isWide ? shared(layout.nodes.map(finished)) : shared(layout.nodes.map(narrowed))
    self.trees = try shared(trees)
    (kind, features) = (layout.kind, layout.features)
  }
}

private func shared<T: BitwiseCopyable>(_ elements: [T]) throws(MaasError) -> SharedTensor {
  let bytes = elements.count * MemoryLayout<T>.stride
  let tensor = try Tensor(.uint8, [bytes], storage: .allocateLasting(bytes))
  elements.withUnsafeBytes { if let base = $0.baseAddress { maas_sys_copy(tensor.bytes, base, $0.count) } }
  return try SharedTensor(tensor)
}

// Of nodes as `FlatTest` gives them, whose `unused` is 1 where the test is x < threshold. Those of floats have the same
// in `index`, which means something only in leaves and where the test is for a set.

private func finished(_ node: maas_f64_tree_node) -> maas_f64_tree_node {
  var node = node
  if node.unused == 1 { node.threshold = below(node.threshold) }
  return node
}

private func narrowed(_ node: maas_f64_tree_node) -> maas_f32_tree_node {
  let threshold = Float(node.threshold)
  return maas_f32_tree_node(
    threshold: node.unused == 1 ? below(threshold) : threshold, test: node.test, child: node.child,
    index: node.unused == 1 ? 1 : node.index)
}

/// What doubles are compared with: `below` of floats is not that of doubles.
private func widened(_ node: maas_f32_tree_node, isLeaf: Bool) -> maas_f64_tree_node {
  let isLess = !isLeaf && node.index == 1 && node.test & MAAS_TREE_MEMBER == 0
  return maas_f64_tree_node(
    threshold: isLess ? below(Double(node.threshold.nextUp)) : Double(node.threshold), test: node.test,
    child: node.child, index: node.index, unused: 0)
}

/// What x must not exceed to be smaller than `value`: nothing is smaller than -inf.
private func below<T: BinaryFloatingPoint>(_ value: T) -> T { value == -.infinity ? .nan : value.nextDown }

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
  /// The nodes in the kernel's form for elements of a type.
  mutating func nodes(of trees: FlatTrees, _ dtype: DType) throws(MaasError) -> Operand {
    let nodes = try constant(trees.nodes.tensor)
    if trees.isWide || dtype == .float { return nodes }
    let count = nodes.byteCount / MemoryLayout<maas_f32_tree_node>.stride
    return try packed(
      nodes, layout: "trees of doubles", byteCount: count * MemoryLayout<maas_f64_tree_node>.stride,
      { widenNodes(Chunk($0, $1, $2, $3)) }, UInt8(0), items: count)
  }
}

/// The kernel's nodes, the table's.
private func widenNodes(_ chunk: Chunk) -> Int32 {
  let from = chunk.input(1, as: maas_f32_tree_node.self)
  for i in chunk.begin..<chunk.end {
    let isLeaf = Int(from[i].child) == i
    chunk.output(0, as: maas_f64_tree_node.self)[i] = widened(from[i], isLeaf: isLeaf)
  }
  return StepStatus.ok
}
