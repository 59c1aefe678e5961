import CMaasKernels
import MaasCore
import MaasGraph

/// Trees, what their leaves say, and how that is put together: the part all ensembles share.
final class TreeSums: Sendable {
  enum Aggregate: Int, Sendable {
    case average, sum, min, max

    static let names: [(name: String, value: Aggregate)] = [
      ("SUM", .sum), ("AVERAGE", .average), ("MIN", .min), ("MAX", .max),
    ]

    var kernel: maas_tree_aggregate {
      switch self {
      case .min: MAAS_TREE_MIN
      case .max: MAAS_TREE_MAX
      default: MAAS_TREE_SUM
      }
    }
  }

  let targets: Int
  let aggregate: Aggregate
  /// Whether attributes are doubles: then all is computed in them.
  private let isWide: Bool
  let trees: FlatTrees
  private let weights: SharedTensor
  /// Nil where every leaf has a weight for every target.
  private let entries: (starts: SharedTensor, targets: SharedTensor)?
  private let sets: (values: SharedTensor, starts: SharedTensor)?

  init(_ table: TreeTable, targets: Int, _ aggregate: Aggregate, isWide: Bool) throws(MaasError) {
    (self.targets, self.aggregate, self.isWide) = (targets, aggregate, isWide)
    trees = try FlatTrees(table, isWide: isWide)
    let leaves = table.leaves
    weights = try shared(leaves.weights, isWide: isWide)
    let isDense = leaves.isDense(targets)
    entries =
      isDense
      ? nil
      : (
        try SharedTensor(Tensor(.int32, [leaves.starts.count], leaves.starts)),
        try SharedTensor(Tensor(.int32, [leaves.targets.count], leaves.targets))
      )
    sets = table.sets.isEmpty ? nil : try flat(table.sets)
  }

  /// The element type that a step computes in for rows of this type.
  func dtype(_ x: DType) -> DType { isWide || x == .double ? .double : .float }

  /// The rows of input 0, which must have all features that the trees ask for.
  func rows(_ node: Inference, _ types: [DType] = DType.features) throws(MaasError) -> Dim {
    guard let (rows, features) = try node.featureRows(types) else { return node.unknownDim() }
    guard let found = features.value, found < trees.features else { return rows }
    throw MaasError(
      .shapeMismatch, "the trees test more features than there are", expected: "at least \(trees.features)",
      found: "\(found)")
  }

  /// Emits the steps that give the scores [rows, targets] before anything is made of them.
  func emit(_ node: inout Lowering) throws(MaasError) -> Operand {
    let (rows, features) = try node.featureRows()
    let x = try node.input(0)
    let dtype = dtype(x.dtype)
    let y = try node.temporary(dtype, [rows, targets])
    var params = maas_tree_params()
    (params.rows, params.features) = (Int64(rows), Int64(features))
    (params.trees, params.targets) = (Int64(trees.count), Int64(targets))
    (params.kind, params.aggregate) = (trees.kind, aggregate.kernel)
    params.is_wide = dtype == .double
    let split = maas_trees_split(&params)
    var operands: [Operand?] = [
      try node.converted(x, dtype), try node.nodes(of: trees, dtype), try node.constant(trees.trees.tensor),
      try optional(&node, weights, dtype), try optional(&node, entries?.starts),
      try optional(&node, entries?.targets), try optional(&node, sets?.values, dtype),
      try optional(&node, sets?.starts), y,
    ]
    if params.by_trees {
      operands.append(try node.temporary(dtype, [rows, (trees.count + 15) / 16 * 16]))
      operands.append(try node.temporary(.int64, [rows]))
    }
    node.emit(dtype == .double ? maas_f64_trees : maas_f32_trees, operands, params, split, dtype: dtype)
    if params.by_trees {
      node.emit(
        dtype == .double ? maas_f64_tree_rest : maas_f32_tree_rest, operands, params, dtype: dtype,
        items: rows)
    }
    return y
  }

  /// A constant, converted if `dtype` says so.
  @inline(never)
  private func optional(_ node: inout Lowering, _ table: SharedTensor?, _ dtype: DType = .int32)
    throws(MaasError)
    -> Operand?
  {
    guard let table else { return nil }
    return try node.converted(constant: try node.constant(table.tensor), dtype)
  }
}

/// Sets one after the other, each sorted, and where they begin.
private func flat(_ sets: [[Double]]) throws(MaasError) -> (SharedTensor, SharedTensor) {
  var values: [Double] = []
  var starts: [Int32] = [0]
  for set in sets {
    values += set
    sort(&values, from: values.count - set.count)
    starts.append(Int32(truncatingIfNeeded: values.count))
  }
  return (
    try shared(values, isWide: true), try SharedTensor(Tensor(.int32, [starts.count], starts))
  )
}

/// As doubles, or as the floats they are.
private func shared(_ values: [Double], isWide: Bool) throws(MaasError) -> SharedTensor {
  let wide = try Tensor(.double, [values.count], values)
  return try SharedTensor(isWide ? wide : cast(wide, to: .float))
}

/// By insertion: sets are small, and most are in order.
private func sort(_ values: inout [Double], from first: Int) {
  for i in first..<values.count {
    let value = values[i]
    var at = i
    while at > first, values[at - 1] > value {
      values[at] = values[at - 1]
      at -= 1
    }
    values[at] = value
  }
}
