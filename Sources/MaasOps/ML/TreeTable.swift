import MaasCore
import MaasGraph

/// How a branch compares a feature with its value. The raw values are TreeEnsemble's.
enum BranchMode: Int, Sendable {
  case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual, member

  static let names: [(name: String, value: BranchMode)] = [
    ("BRANCH_LEQ", .lessOrEqual), ("BRANCH_LT", .less), ("BRANCH_GTE", .greaterOrEqual),
    ("BRANCH_GT", .greater), ("BRANCH_EQ", .equal), ("BRANCH_NEQ", .notEqual),
  ]
}

/// Decision trees in the form that all operators' attributes are brought into.
struct TreeTable {
  struct Branch {
    var feature: Int
    var mode: BranchMode
    var value: Double
    var isTrueForMissing: Bool
    /// Where the way goes on: a branch, or a leaf as `~leaf`.
    var yes: Int
    var no: Int
    /// For `member`: which of the sets.
    var set = 0
  }

  var branches: [Branch] = []
  /// Branches or `~leaf`.
  var roots: [Int] = []
  var leaves = TreeLeaves()
  var sets: [[Double]] = []
}

/// What the leaves say: weights of targets, leaf by leaf.
struct TreeLeaves {
  /// Leaf i has the weights from starts[i] up to starts[i + 1].
  private(set) var starts: [Int32] = [0]
  private(set) var targets: [Int32] = []
  private(set) var weights: [Double] = []

  var count: Int { starts.count - 1 }

  /// Adds a weight to the leaf that `endLeaf` completes.
  mutating func append(_ target: Int, _ weight: Double) {
    targets.append(Int32(truncatingIfNeeded: target))
    weights.append(weight)
  }

  mutating func endLeaf() { starts.append(Int32(truncatingIfNeeded: weights.count)) }

  /// Whether every leaf has one weight for each of `count` targets, in their order.
  func isDense(_ count: Int) -> Bool {
    guard weights.count == self.count * count else { return false }
    return targets.indices.allSatisfy { Int(targets[$0]) == $0 % count }
      && starts.indices.allSatisfy { Int(starts[$0]) == $0 * count }
  }
}

/// The lists that the nodes of every version have.
struct NodeLists {
  let features, yes, no: [Int]
  private let missing: [Int]
  let values: (elements: [Double], isDouble: Bool)
  var count: Int { features.count }

  /// `values` are those of the attribute `name`; without `count` the first list says how many nodes there are.
  init(
    _ reader: inout AttributeReader, count: Int? = nil, _ name: String,
    _ values: (elements: [Double], isDouble: Bool)
  ) throws(MaasError) {
    features = try reader.ints("nodes_featureids") ?? []
    let count = count ?? features.count
    try expectCount("nodes_featureids", features.count, count)
    yes = try reader.ints("nodes_truenodeids", count)
    no = try reader.ints("nodes_falsenodeids", count)
    missing = try reader.optionalInts("nodes_missing_value_tracks_true", count)
    self.values = values
    try expectCount(name, values.elements.count, count)
  }

  func branch(_ i: Int, _ mode: BranchMode, yes: Int, no: Int) -> TreeTable.Branch {
    TreeTable.Branch(
      feature: features[i], mode: mode, value: values.elements[i], isTrueForMissing: missing[at: i] ?? 0 != 0,
      yes: yes, no: no)
  }
}

extension AttributeReader {
  /// An attribute of `count` ints.
  mutating func ints(_ name: String, _ count: Int) throws(MaasError) -> [Int] {
    let ints = try ints(name) ?? []
    try expectCount(name, ints.count, count)
    return ints
  }

  /// The same, or nothing.
  mutating func optionalInts(_ name: String, _ count: Int) throws(MaasError) -> [Int] {
    try ints(name) ?? [] == [] ? [] : ints(name, count)
  }
}

/// Refuses targets that are none of `count`, and more of them than the kernel counts.
func checkTargets(_ name: String, _ targets: [Int], _ count: Int) throws(MaasError) {
  if targets.count >= Int(Int32.max) { throw MaasError(.limitExceeded, "attribute '\(name)' is too long") }
  guard let wrong = targets.first(where: { $0 < 0 || $0 >= count }) else { return }
  throw MaasError(
    .invalidModel, "attribute '\(name)' has a target out of range", expected: "0..<\(count)",
    found: "\(wrong)")
}
