import MaasCore
import MaasGraph

/// The different elements, or slices along an axis, ascending or in the order in which they come first; with the
/// index of the first of each, the place of every element among them, and how often each one occurs.
package final class Unique: ReadableOperator, HostOperator {
  package let name = "Unique"
  private let axis: Int?
  private let isSorted: Bool

  /// The different elements, ascending.
  init() { (axis, isSorted) = (nil, true) }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis")
    isSorted = try reader.int("sorted") ?? 1 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectMovable(0)
    let (dtype, count) = (try node.dtype(0), node.unknownDim())
    for i in 1..<4 where node.wantsOutput(i) {
      node.setOutput(i, .int64, [i == 2 ? node.unknownDim() : count])
    }
    guard let axis else { return node.setOutput(0, dtype, [count]) }
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    shape[try normalized(axis: axis, rank: shape.count)] = count
    node.setOutput(0, dtype, shape)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let given = try call.tensor(0)
    let x = axis == nil ? try given.reshaped([given.count]) : given
    let axis = try normalized(axis: axis ?? 0, rank: x.shape.count)
    var groups = try Groups(try SliceKeys(x, axis, call), x.shape[axis], call)
    if !isSorted { groups.orderByFirst() }
    let tables = try [groups.first, groups.places, groups.counts].map { (table) throws(MaasError) in
      try Tensor(.int64, [table.count], table)
    }
    return [.tensor(try gathered(x, tables[0], axis: axis))] + tables.map { .tensor($0) }
  }
}

/// Equal slices: the index of the first of each, how many there are, and which of these groups every slice belongs to.
private struct Groups {
  private(set) var first: [Int] = []
  private(set) var counts: [Int] = []
  private(set) var places: [Int]

  init(_ slices: SliceKeys, _ count: Int, _ call: HostCall) throws(MaasError) {
    if let keys = slices.ofElements, let few = try FewKeys(keys, call) {
      (first, counts, places) = few.ascending()
      return
    }
    places = [Int](repeating: 0, count: count)
    var last: Int?
    for (n, i) in try slices.sorted(call).enumerated() {
      if n % pollInterval == 0 { try call.checkInterruption() }
      if last.map({ slices.precedes($0, i) != nil }) ?? true {
        first.append(i)
        counts.append(0)
      }
      places[i] = first.count - 1
      counts[first.count - 1] += 1
      last = i
    }
  }

  /// From ascending slices to the order in which they come first.
  mutating func orderByFirst() {
    let (ascending, old) = (first, counts)
    var ranks = [Int](repeating: 0, count: first.count)
    first.removeAll(keepingCapacity: true)
    for i in places.indices {
      let group = places[i]
      if ascending[group] == i {
        ranks[group] = first.count
        counts[first.count] = old[group]
        first.append(i)
      }
      places[i] = ranks[group]
    }
  }
}

/// Keys of which only a few are different, found without sorting all.
private struct FewKeys {
  /// Different keys, and places of an open-addressed table for them.
  private static let most = 512, slots = 2048
  private var keys: [UInt64] = []
  private var first: [Int] = []
  /// The number of the key of each element.
  private var numbers: [Int] = []

  /// Nil where more are different.
  init?(_ all: [UInt64], _ call: HostCall) throws(MaasError) {
    var table = [Int](repeating: -1, count: Self.slots)
    var numbers = [Int](repeating: 0, count: all.count)
    let areFew = table.withUnsafeMutableBufferPointer { table in
      numbers.withUnsafeMutableBufferPointer { numbers in
        for (i, key) in all.enumerated() {
          if i % pollInterval == 0, call.isStopped { return true }
          guard let number = number(of: key, at: i, table) else { return false }
          numbers[i] = number
        }
        return true
      }
    }
    try call.checkInterruption()
    if !areFew { return nil }
    self.numbers = numbers
  }

  private mutating func number(of key: UInt64, at i: Int, _ table: UnsafeMutableBufferPointer<Int>) -> Int? {
    var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 53)
    while table[slot] >= 0, keys[table[slot]] != key { slot = (slot + 1) % Self.slots }
    if table[slot] >= 0 { return table[slot] }
    if keys.count == Self.most { return nil }
    table[slot] = keys.count
    keys.append(key)
    first.append(i)
    return table[slot]
  }

  /// The groups in the order of their keys.
  func ascending() -> (first: [Int], counts: [Int], places: [Int]) {
    let order = keys.indices.sorted { keys[$0] < keys[$1] }
    var (ranks, places) = (order, numbers)
    for (rank, number) in order.enumerated() { ranks[number] = rank }
    var counts = [Int](repeating: 0, count: order.count)
    counts.withUnsafeMutableBufferPointer { counts in
      places.withUnsafeMutableBufferPointer { places in
        for i in places.indices {
          places[i] = ranks[places[i]]
          counts[places[i]] += 1
        }
      }
    }
    return (order.map { first[$0] }, counts, places)
  }
}

/// Slices of a tensor along an axis, by keys that compare as their elements do.
private struct SliceKeys {
  /// With more elements, whole slices are compared, which mostly ends early.
  private static let fewElements = 16
  private let keys: [UInt64]
  private let count: Int
  private let inner: Int
  private let outer: Int

  init(_ x: Tensor, _ axis: Int, _ call: HostCall) throws(MaasError) {
    let whole = try x.complexParts() ?? x
    keys = try sortKeys(whole, call)
    count = x.shape[axis]
    inner = whole.shape[(axis + 1)...].reduce(1, *)
    outer = whole.shape[..<axis].reduce(1, *)
  }

  /// The keys where a slice is an element.
  var ofElements: [UInt64]? { outer * inner == 1 ? keys : nil }

  /// The slices in ascending order, equal ones in that of their indices.
  func sorted(_ call: HostCall) throws(MaasError) -> [Int] {
    if outer * inner == 1 { return try sortedIndices(by: keys, call) }
    guard outer * inner <= Self.fewElements else {
      return try sortedIndices(count, call) { precedes($0, $1) ?? ($0 < $1) }
    }
    var order = Array(0..<count)
    for element in (0..<outer * inner).reversed() {
      let first = element / inner * count * inner + element % inner
      order = try sortedIndices(by: (0..<count).map { keys[first + $0 * inner] }, call, from: order)
    }
    return order
  }

  /// Whether slice `a` comes before slice `b`; nil when they are equal.
  func precedes(_ a: Int, _ b: Int) -> Bool? {
    for i in 0..<outer {
      for j in 0..<inner {
        let (x, y) = (keys[(i * count + a) * inner + j], keys[(i * count + b) * inner + j])
        if x != y { return x < y }
      }
    }
    return nil
  }
}

private func sortKeys(_ x: Tensor, _ call: HostCall) throws(MaasError) -> [UInt64] {
  switch x.dtype {
  case .string: try stringKeys(x, call)
  case .uint64: x.elements(as: UInt64.self)
  case .float, .double, .float16, .bfloat16:
    try cast(x, to: .double).elements(as: Double.self).map { orderedKey($0) }
  default: try cast(x, to: .int64).elements(as: Int64.self).map { orderedKey($0) }
  }
}

/// The place of each string among all in the order of their bytes, which is that of their code points; equal strings
/// have the same.
private func stringKeys(_ x: Tensor, _ call: HostCall) throws(MaasError) -> [UInt64] {
  let strings = x.stringElements
  let order = try sortedIndices(x.count, call) { a, b in
    if strings[a] == strings[b] { return a < b }
    return strings[a].bytes.lexicographicallyPrecedes(strings[b].bytes)
  }
  var keys = [UInt64](repeating: 0, count: x.count)
  for (previous, i) in zip(order, order.dropFirst()) {
    keys[i] = keys[previous] + (strings[previous] == strings[i] ? 0 : 1)
  }
  return keys
}
