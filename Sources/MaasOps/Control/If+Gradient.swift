import MaasCore
import MaasGraph

extension If {
  /// Another If, whose branches run the taken one again and go back through it.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let wanted = (1..<node.inputCount).filter { node.wants($0) }
    var inputs: [ValueID?] = [try node.input(0)]
    var (branches, first): ([Graph], Int) = ([], 1)
    for branch in bodies {
      var body = BackwardBody(branch)
      var (slopes, xs): ([ValueID?], [ValueID]) = ([], [])
      let own = first..<first + branch.captureCount
      for i in own { body.take(branch.inputs[i - first], for: try node.input(i), node) }
      for i in 0..<node.outputCount {
        let slope = node.gradient(of: i)
        slopes.append(slope.map { body.input(for: $0, node) })
      }
      for i in wanted {
        xs.append(own.contains(i) ? branch.inputs[i - first] : body.input(for: try node.input(i), node))
      }
      // What only the other branch reads has a gradient of 0.
      _ = body.give(try body.gradients(of: xs, from: slopes))
      branches.append(body.finished())
      inputs += body.given
      first = own.upperBound
    }
    let results = node.add(If(branches[0], branches[1]), inputs, outputs: wanted.count)
    for (i, result) in zip(wanted, results) { try node.contribute(result, to: i) }
  }
}
