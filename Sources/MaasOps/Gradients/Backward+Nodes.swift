import MaasCore
import MaasGraph

// The nodes that gradients are made of.
extension Backward {
  mutating func negated(_ x: ValueID) -> ValueID { add(Unary(.neg), [x]) }
  mutating func product(_ a: ValueID, _ b: ValueID) -> ValueID { add(Binary(.mul), [a, b]) }
  mutating func quotient(_ a: ValueID, _ b: ValueID) -> ValueID { add(Binary(.div), [a, b]) }

  /// Contributes to input `i` what broadcasting made of its gradient.
  mutating func contributeBroadcast(_ gradient: ValueID, to i: Int) throws(MaasError) {
    try contribute(add(Like(.sum), [gradient, try input(i)]), to: i)
  }

  /// The gradient of operators that only move elements of input 0.
  mutating func contributeMoved(_ op: any Operator) throws(MaasError) {
    var inputs: [ValueID?] = [try gradient()]
    for i in 0..<inputCount { inputs.append(optionalInput(i)) }
    try contribute(add(MovedGradient(op), inputs), to: 0)
  }

  /// The gradient of operators that only give input 0 another shape.
  mutating func contributeReshaped() throws(MaasError) {
    let dy = try gradient()
    try contribute(add(Like(.reshape), [dy, try input(0)]), to: 0)
  }
}

extension Graph {
  /// Adds nodes that compute the gradient of the sum of `y`'s elements with respect to each of `xs`; see
  /// `addGradients(of:to:fixed:seed:sum:)`. Where y does not depend on x, the gradient is 0.
  package mutating func addGradients(of y: ValueID, to xs: [ValueID], fixed: [ValueID] = [])
    throws(MaasError) -> [ValueID]
  {
    zeros(xs, try addGradients(of: y, to: xs, fixed: fixed, seed: FillLike(1), sum: Variadic(.sum)))
  }

  /// The same of the sum of the elements of all ys, each times that of its seed.
  package mutating func addGradients(of ys: [ValueID], to xs: [ValueID], seeded seeds: [ValueID])
    throws(MaasError) -> [ValueID]
  {
    zeros(xs, try addGradients(of: ys, to: xs, seeded: seeds, sum: Variadic(.sum)))
  }

  /// The gradients, zeros where there are none.
  private mutating func zeros(_ xs: [ValueID], _ gradients: [ValueID?]) -> [ValueID] {
    zip(xs, gradients).map { (x, gradient) in
      gradient ?? add(FillLike(0), [x], name: "\(self[x].name)/gradient")[0]
    }
  }
}
