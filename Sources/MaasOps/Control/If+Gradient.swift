import MaasCore
import MaasGraph

extension If {
  /// Another If, whose branches run the taken one again and go back through it.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let wanted = (1..<node.inputCount).filter { node.wants($0) }
    let slopes = (0..<node.outputCount).map { node.gradient(of: $0) }
    var inputs: [ValueID?] = [try node.input(0)]
    var (branches, first): ([Graph], Int) = ([], 1)
    for branch in bodies {
      let own = first..<first + branch.captureCount
      var body = BackwardBody(
        branch, captures: try own.map { (i) throws(MaasError) in try node.input(i) }, node)
      let inside = wanted.filter { own.contains($0) }
      let found = try body.gradients(
        of: inside.map { branch.inputs[$0 - first] }, from: slopes.map { $0.map { body.capture($0, node) } })
      var results: [ValueID] = []
      for i in wanted {
        if let place = inside.firstIndex(of: i) {
          results.append(found[place])
        } else {
          results.append(body.zeros(like: body.capture(try node.input(i), node)))
        }
      }
      branches.append(body.finished(results))
      inputs += body.captures.map { $0 }
      first = own.upperBound
    }
    let results = node.add(If(branches[0], branches[1]), inputs, outputs: wanted.count)
    for (i, result) in zip(wanted, results) { try node.contribute(result, to: i) }
  }
}
