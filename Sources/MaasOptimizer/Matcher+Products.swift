import MaasCore
import MaasGraph
import MaasOps

/// An element-wise product of values and numbers, in whatever order it was written.
struct FactorList {
  var coefficient = 1.0
  var values: [ValueID] = []

  /// The product as `coefficient` times these values, of which `others` are tried against `isLast`.
  func other(than value: ValueID) -> ValueID? {
    guard values.count == 2, let i = values.firstIndex(of: value) else { return nil }
    return values[1 - i]
  }

  func isAbout(_ coefficient: Double) -> Bool { abs(self.coefficient - coefficient) <= 2e-4 * coefficient }
}

extension Matcher {
  /// The factors of what a node computes. Factors that others read too are not taken apart.
  func factors(_ node: Node) -> FactorList {
    var list = FactorList()
    guard collect(node, &list, depth: 0) else {
      return FactorList(values: [node.outputs.first ?? nil].compactMap { $0 })
    }
    return list
  }

  func factors(_ id: ValueID?) -> FactorList {
    var list = FactorList()
    if let id { add(id, &list, depth: 0) }
    return list
  }

  private func add(_ id: ValueID, _ list: inout FactorList, depth: Int) {
    if let number = scalar(id) {
      list.coefficient *= number
    } else if !(depth == 0 || isReadOnce(id))
      || !(node(id).map { collect($0, &list, depth: depth + 1) } ?? false)
    {
      list.values.append(id)
    }
  }

  /// False for a node that is no product.
  private func collect(_ node: Node, _ list: inout FactorList, depth: Int) -> Bool {
    guard depth < 8, node.op.isElementary, let a = node.inputs[at: 0] ?? nil,
      let b = node.inputs[at: 1] ?? nil
    else { return false }
    switch node.op.name {
    case "Mul":
      add(a, &list, depth: depth + 1)
      add(b, &list, depth: depth + 1)
    case "Div":
      guard let divisor = scalar(b) else { return false }
      list.coefficient /= divisor
      add(a, &list, depth: depth + 1)
    case "Pow":
      guard let power = scalar(b), power == 2 || power == 3 else { return false }
      for _ in 0..<Int(power) { list.values.append(a) }
    default: return false
    }
    return true
  }

  /// The other summand of a sum of which one is a number.
  func summand(_ id: ValueID?, plus number: Double) -> ValueID? {
    guard let sum = node(id, "Add") else { return nil }
    for i in 0..<2 where scalar(sum.inputs[i]) == number { return sum.inputs[1 - i] }
    return nil
  }
}
