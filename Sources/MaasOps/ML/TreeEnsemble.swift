import MaasCore
import MaasGraph

/// Decision trees over rows of features, as of version 5: a weight of one target in each leaf.
package final class TreeEnsemble: ReadableOperator {
  package let name = "TreeEnsemble"
  private let sums: TreeSums
  private let finish: TreeFinish

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let targets = try reader.int("n_targets", default: 1, 1...maximumClasses)
    let aggregate =
      TreeSums.Aggregate(rawValue: try reader.int("aggregate_function", default: 1, 0...3)) ?? .sum
    let transform = PostTransform(rawValue: try reader.int("post_transform", default: 0, 0...4)) ?? .none
    let (table, isWide) = try treeTable(&reader, targets)
    reader.ignore("nodes_hitrates")
    try reader.finish()
    sums = try TreeSums(table, targets: targets, aggregate, isWide: isWide)
    finish = TreeFinish(transform, sums, base: [])
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let dtype = try node.dtype(0)
    let rows = try sums.rows(node, [.float, .double, .float16])
    node.setOutput(0, dtype, [rows, .known(sums.targets)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let raw = try sums.emit(&node)
    let y = try node.output()
    let result = try node.target(y, y.dtype.wide)
    try finish.emit(&node, raw, result)
    node.narrow(result, into: y)
  }
}

/// The tree attributes of version 5, and whether they are doubles.
private func treeTable(_ reader: inout AttributeReader, _ targets: Int) throws(MaasError) -> (TreeTable, Bool)
{
  let nodes = try Version5Nodes(&reader)
  var table = TreeTable()
  let weights = try floats(&reader, "leaf_weights")
  let leaves = try reader.ints("leaf_targetids") ?? []
  try expectCount("leaf_targetids", leaves.count, weights.elements.count)
  try checkTargets("leaf_targetids", leaves, targets)
  for i in leaves.indices {
    table.leaves.append(leaves[i], weights.elements[i])
    table.leaves.endLeaf()
  }
  table.branches = try nodes.branches(leaves: leaves.count)
  table.roots = try reader.ints("tree_roots") ?? []
  if let wrong = table.roots.first(where: { $0 < 0 || $0 >= nodes.count }) {
    throw outOfRange("tree_roots", wrong, nodes.count)
  }
  table.sets = try sets(&reader, &table.branches)
  return (table, weights.isDouble || nodes.values.isDouble)
}

private func outOfRange(_ name: String, _ found: Int, _ count: Int) -> MaasError {
  MaasError(
    .invalidModel, "attribute '\(name)' names something that is not there", expected: "0..<\(count)",
    found: "\(found)")
}

/// The elements of a tensor attribute of floats.
func floats(_ reader: inout AttributeReader, _ name: String) throws(MaasError) -> (
  elements: [Double], isDouble: Bool
) {
  guard let tensor = try reader.tensor(name) else { return ([], false) }
  guard [.float, .double, .float16].contains(tensor.dtype) else {
    throw MaasError(
      .typeMismatch, "attribute '\(name)' has the wrong element type", expected: "float16, float or double",
      found: tensor.dtype.name)
  }
  return (try cast(tensor, to: .double).elements(as: Double.self), tensor.dtype == .double)
}

/// One set for each `member` branch, in their order and with NaN behind each.
private func sets(_ reader: inout AttributeReader, _ branches: inout [TreeTable.Branch]) throws(MaasError)
  -> [[Double]]
{
  let members = branches.indices.filter { branches[$0].mode == .member }
  let values = try floats(&reader, "membership_values").elements
  if values.count >= Int(Int32.max) { throw MaasError(.limitExceeded, "there are too many members") }
  var sets: [[Double]] = []
  var isOpen = false
  for value in values {
    if !isOpen { sets.append([]) }
    isOpen = !value.isNaN
    if isOpen { sets[sets.count - 1].append(value) }
  }
  try expectCount("membership_values", sets.count, members.count)
  for (set, i) in members.enumerated() { branches[i].set = set }
  return sets
}

private final class Version5Nodes {
  private let lists: NodeLists
  private let yesLeaf, noLeaf: [Int]
  private let modes: [BranchMode]
  var values: (elements: [Double], isDouble: Bool) { lists.values }
  var count: Int { lists.count }

  init(_ reader: inout AttributeReader) throws(MaasError) {
    lists = try NodeLists(&reader, "nodes_splits", try floats(&reader, "nodes_splits"))
    let count = lists.count
    yesLeaf = try reader.ints("nodes_trueleafs", count)
    noLeaf = try reader.ints("nodes_falseleafs", count)
    let raw = try reader.tensor("nodes_modes")?.integers ?? []
    try expectCount("nodes_modes", raw.count, count)
    var modes: [BranchMode] = []
    for number in raw {
      guard let mode = BranchMode(rawValue: number) else { throw outOfRange("nodes_modes", number, 7) }
      modes.append(mode)
    }
    self.modes = modes
  }

  func branches(leaves: Int) throws(MaasError) -> [TreeTable.Branch] {
    var result: [TreeTable.Branch] = []
    for i in 0..<count {
      result.append(
        lists.branch(
          i, modes[i], yes: try reference("nodes_truenodeids", lists.yes[i], isLeaf: yesLeaf[i] != 0, leaves),
          no: try reference("nodes_falsenodeids", lists.no[i], isLeaf: noLeaf[i] != 0, leaves)))
    }
    return result
  }

  private func reference(_ name: String, _ index: Int, isLeaf: Bool, _ leaves: Int) throws(MaasError) -> Int {
    let limit = isLeaf ? leaves : count
    guard index >= 0, index < limit else { throw outOfRange(name, index, limit) }
    return isLeaf ? ~index : index
  }
}
