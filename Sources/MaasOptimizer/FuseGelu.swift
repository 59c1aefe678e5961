import MaasCore
import MaasGraph
import MaasOps

/// x/2 (1 + erf(x / sqrt 2)) and x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written out, become Gelu.
let fuseGelu = Rule(name: "FuseGelu", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op.name == "Mul" else { return nil }
    let product = matcher.factors(node)
    guard product.isAbout(0.5), product.values.count == 2 else { return nil }
    for x in product.values where matcher.alike(x, node.outputs[0]) {
      guard let row = matcher.gelu(x, product.other(than: x)) else { continue }
      return Node(node.name, Unary(row), [x], node.outputs)
    }
    return nil
  }
}

extension Matcher {
  /// Which form of Gelu has `gate` as factor of x/2.
  fileprivate func gelu(_ x: ValueID, _ gate: ValueID?) -> Unary.Row? {
    let inner = summand(gate, plus: 1)
    if let erf = node(inner, "Erf") {
      let argument = factors(erf.inputs[0])
      return argument.isAbout(0.70710678) && argument.values == [x] ? .gelu : nil
    }
    guard let tanh = node(inner, "Tanh") else { return nil }
    let argument = factors(tanh.inputs[0])
    guard argument.isAbout(0.79788456) else { return nil }
    return isCubic(argument.values, x) ? .geluTanh : nil
  }

  /// x + 0.044715 x^3, or x times 1 + 0.044715 x^2.
  private func isCubic(_ values: [ValueID], _ x: ValueID) -> Bool {
    let inner = values.count == 2 ? FactorList(values: values).other(than: x) : values.first
    guard let inner, let sum = node(inner, "Add") else { return false }
    let power = values.count == 2 ? 2 : 3
    for i in 0..<2 {
      let isFirst = power == 2 ? scalar(sum.inputs[i]) == 1 : sum.inputs[i] == x
      let term = factors(sum.inputs[1 - i])
      if isFirst, term.isAbout(0.044715), term.values == [ValueID](repeating: x, count: power) { return true }
    }
    return false
  }
}
