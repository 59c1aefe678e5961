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

private struct ClassicNodes {
  private struct Key: Hashable {
    let tree, node: Int
  }

  private let trees, ids, features, yes, no, missing: [Int]
  /// Nil in leaves.
  private let modes: [BranchMode?]
  let values: (elements: [Double], isDouble: Bool)
  private var places: [Key: Int] = [:]
  /// Which leaf a node is, counted among leaves.
  private var leafOf: [Int] = []

  init(_ reader: inout AttributeReader) throws(MaasError) {
    trees = try reader.ints("nodes_treeids") ?? []
    let count = trees.count
    func column(_ name: String) throws(MaasError) -> [Int] {
      let ints = try reader.ints(name) ?? []
      try expectCount(name, ints.count, count)
      return ints
    }
    (ids, features) = (try column("nodes_nodeids"), try column("nodes_featureids"))
    (yes, no) = (try column("nodes_truenodeids"), try column("nodes_falsenodeids"))
    missing = try reader.ints("nodes_missing_value_tracks_true") ?? []
    if !missing.isEmpty { try expectCount("nodes_missing_value_tracks_true", missing.count, count) }
    values = try doubles(&reader, "nodes_values")
    try expectCount("nodes_values", values.elements.count, count)
    modes = try branchModes(&reader, count)
    try index()
  }

  private mutating func index() throws(MaasError) {
    places.reserveCapacity(ids.count)
    var leaves = 0
    for i in ids.indices {
      guard places.updateValue(i, forKey: Key(tree: trees[i], node: ids[i])) == nil else {
        throw MaasError(.invalidModel, "node \(ids[i]) of tree \(trees[i]) is there twice")
      }
      leafOf.append(leaves)
      if modes[i] == nil { leaves += 1 }
    }
  }

  private func place(_ tree: Int, _ node: Int) throws(MaasError) -> Int {
    if let place = places[Key(tree: tree, node: node)] { return place }
    throw MaasError(.invalidModel, "there is no node \(node) in tree \(tree)")
  }

  private func reference(_ place: Int) -> Int { modes[place] == nil ? ~leafOf[place] : place }

  /// The first node of each tree, in the order of the trees.
  var roots: [Int] {
    var seen: Set<Int> = []
    return ids.indices.filter { seen.insert(trees[$0]).inserted }.map(reference)
  }

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
        TreeTable.Branch(
          feature: features[i], mode: mode, value: values.elements[i],
          isTrueForMissing: missing[at: i] ?? 0 != 0, yes: reference(try place(trees[i], yes[i])),
          no: reference(try place(trees[i], no[i]))))
    }
    return result
  }

  /// Weights by leaf, of one leaf in their order. Those of other nodes mean nothing.
  func leaves(_ reader: inout AttributeReader, _ name: String, _ targets: [Int], _ weights: [Double])
    throws(MaasError) -> TreeLeaves
  {
    let leafTrees = try reader.ints("\(name)_treeids") ?? []
    let leafNodes = try reader.ints("\(name)_nodeids") ?? []
    try expectCount("\(name)_treeids", leafTrees.count, targets.count)
    try expectCount("\(name)_nodeids", leafNodes.count, targets.count)
    var lists: [Int] = []
    for i in targets.indices { lists.append(try place(leafTrees[i], leafNodes[i])) }
    let order = targets.indices.sorted { (lists[$0], $0) < (lists[$1], $1) }
    var result = TreeLeaves()
    var next = 0
    for place in ids.indices {
      let first = next
      while next < order.count, lists[order[next]] == place { next += 1 }
      guard modes[place] == nil else { continue }
      result.append(order[first..<next].lazy.map { (target: targets[$0], weight: weights[$0]) })
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
