import MaasCore
import MaasGraph

/// The tree attributes of versions 1 and 3: nodes, leaves among them, named by a tree and an id, and weights for
/// leaves. `weights` is "class" or "target".
struct ClassicTrees {
  private(set) var table = TreeTable()
  private(set) var isWide = false
  private(set) var base: [Double] = []
  /// The targets of all weights, and whether none of the weights is negative.
  let targets: [Int]
  let isPositive: Bool

  init(_ reader: inout AttributeReader, weights name: String, count: Int) throws(MaasError) {
    targets = try reader.ints("\(name)_ids") ?? []
    try checkTargets("\(name)_ids", targets, count)
    let weights = try doubles(&reader, "\(name)_weights")
    try expectCount("\(name)_weights", weights.elements.count, targets.count)
    isPositive = weights.elements.allSatisfy { $0 >= 0 }
    let nodes = try ClassicNodes(&reader)
    let leaves = try nodes.leaves(&reader, name, targets, weights.elements)
    (table.branches, table.roots, table.leaves) = (try nodes.branches(), nodes.roots, leaves)
    let base = try doubles(&reader, "base_values")
    self.base = base.elements
    isWide = weights.isDouble || nodes.values.isDouble || base.isDouble
    reader.ignore("nodes_hitrates", "nodes_hitrates_as_tensor")
  }
}

/// An attribute that is floats or, since version 3, a tensor.
private func doubles(_ reader: inout AttributeReader, _ name: String) throws(MaasError) -> (
  elements: [Double], isDouble: Bool
) {
  let list = try reader.floats(name) ?? []
  guard reader.opset >= 3 else { return (list.map { Double($0) }, false) }
  let tensor = try floats(&reader, "\(name)_as_tensor")
  guard list.isEmpty || tensor.elements.isEmpty else {
    throw MaasError(
      .invalidModel, "attribute '\(name)' is given twice", hint: "leave it or '\(name)_as_tensor' out")
  }
  return list.isEmpty ? tensor : (list.map { Double($0) }, false)
}

private final class ClassicNodes {
  private let trees, ids: [Int]
  private let lists: NodeLists
  /// Nil in leaves.
  private let modes: [BranchMode?]
  var values: (elements: [Double], isDouble: Bool) { lists.values }
  /// The first nodes of trees, and the number of each tree among them.
  private var firsts: [Int] = []
  private var numbers: [Int: Int] = [:]
  /// By the number of a tree times the count of nodes, plus the node's id.
  private var places: [Int: Int] = [:]
  /// Which leaf a node is, counted among leaves.
  private var leafOf: [Int] = []

  init(_ reader: inout AttributeReader) throws(MaasError) {
    trees = try reader.ints("nodes_treeids") ?? []
    let count = trees.count
    ids = try reader.ints("nodes_nodeids", count)
    lists = try NodeLists(&reader, count: count, "nodes_values", try doubles(&reader, "nodes_values"))
    modes = try branchModes(&reader, count)
    try index()
  }

  private func index() throws(MaasError) {
    var leaves = 0
    for i in ids.indices {
      if numbers[trees[i]] == nil {
        numbers[trees[i]] = firsts.count
        firsts.append(i)
      }
      guard let key = key(trees[i], ids[i]), places.updateValue(i, forKey: key) == nil else {
        throw MaasError(
          .invalidModel,
          "node \(ids[i]) of tree \(trees[i]) is there twice, or its id is none of 0..<\(ids.count)")
      }
      leafOf.append(leaves)
      if modes[i] == nil { leaves += 1 }
    }
  }

  private func key(_ tree: Int, _ node: Int) -> Int? {
    guard node >= 0, node < ids.count, let number = numbers[tree] else { return nil }
    return number * ids.count + node
  }

  private func place(_ tree: Int, _ node: Int) throws(MaasError) -> Int {
    if let key = key(tree, node), let place = places[key] { return place }
    throw MaasError(.invalidModel, "there is no node \(node) in tree \(tree)")
  }

  private func reference(_ place: Int) -> Int { modes[place] == nil ? ~leafOf[place] : place }

  var roots: [Int] { firsts.map(reference) }

  func branches() throws(MaasError) -> [TreeTable.Branch] {
    var result: [TreeTable.Branch] = []
    for i in ids.indices {
      // A leaf keeps its place, so that branches keep theirs.
      guard let mode = modes[i] else {
        result.append(
          TreeTable.Branch(
            feature: 0, mode: .equal, value: 0, isTrueForMissing: false, yes: ~leafOf[i], no: ~leafOf[i]))
        continue
      }
      result.append(
        lists.branch(
          i, mode, yes: reference(try place(trees[i], lists.yes[i])),
          no: reference(try place(trees[i], lists.no[i]))))
    }
    return result
  }

  /// Weights by leaf, of one leaf in their order. Those of other nodes mean nothing.
  func leaves(_ reader: inout AttributeReader, _ name: String, _ targets: [Int], _ weights: [Double])
    throws(MaasError) -> TreeLeaves
  {
    let leafTrees = try reader.ints("\(name)_treeids", targets.count)
    let leafNodes = try reader.ints("\(name)_nodeids", targets.count)
    var lists: [Int] = []
    var starts = [Int](repeating: 0, count: ids.count + 1)
    for i in targets.indices {
      lists.append(try place(leafTrees[i], leafNodes[i]))
      starts[lists[i] + 1] += 1
    }
    for place in ids.indices { starts[place + 1] += starts[place] }
    // A counting sort, which keeps the order within a leaf.
    var next = starts
    var order = lists
    for i in targets.indices {
      order[next[lists[i]]] = i
      next[lists[i]] += 1
    }
    var result = TreeLeaves()
    for place in ids.indices where modes[place] == nil {
      for i in starts[place]..<starts[place + 1] { result.append(targets[order[i]], weights[order[i]]) }
      result.endLeaf()
    }
    return result
  }
}

private func branchModes(_ reader: inout AttributeReader, _ count: Int) throws(MaasError) -> [BranchMode?] {
  let names = try reader.strings("nodes_modes") ?? []
  try expectCount("nodes_modes", names.count, count)
  var modes: [BranchMode?] = []
  for name in names {
    let row = BranchMode.names.first { $0.name == name }
    if row == nil, name != "LEAF" {
      throw MaasError(
        .invalidModel, "attribute 'nodes_modes' has an unknown value",
        expected: joined(BranchMode.names.map { $0.name } + ["LEAF"], " or "), found: name)
    }
    modes.append(row?.value)
  }
  return modes
}
