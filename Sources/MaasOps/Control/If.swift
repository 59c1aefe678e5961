import MaasCore
import MaasGraph

/// One of two graphs, as the condition says. The plan puts the chosen one in the node's place.
///
/// Inputs are the condition, the captures of `thenBranch`, the captures of `elseBranch`.
package final class If: ReadableOperator {
  package let name = "If"
  package let thenBranch: Graph
  package let elseBranch: Graph

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    thenBranch = try reader.graph("then_branch")
    elseBranch = try reader.graph("else_branch")
    try reader.finish()
    try reader.expectInputs(1...1)
    for branch in bodies where branch.inputs.count != branch.captureCount {
      throw MaasError(
        .invalidModel, "the branch '\(branch.name)' has inputs of its own", expected: "0",
        found: "\(branch.inputs.count - branch.captureCount)")
    }
    for branch in bodies where branch.outputs.count != reader.outputCount {
      throw MaasError(
        .invalidModel, "the branch '\(branch.name)' has the wrong number of outputs",
        expected: "\(reader.outputCount)", found: "\(branch.outputs.count)")
    }
  }

  package init(_ thenBranch: Graph, _ elseBranch: Graph) {
    (self.thenBranch, self.elseBranch) = (thenBranch, elseBranch)
  }

  package var bodies: [Graph] { [thenBranch, elseBranch] }
  package var selectsBody: Bool { true }

  /// The branches' declared shapes where they agree; nothing where a branch does not even declare a type.
  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, [.bool])
    for i in 0..<node.outputCount {
      guard let a = thenBranch.outputs[at: i], let b = elseBranch.outputs[at: i] else { continue }
      let (first, second) = (thenBranch[a], elseBranch[b])
      guard let dtype = first.dtype ?? second.dtype else { continue }
      if let other = second.dtype, other != dtype {
        throw MaasError(
          .typeMismatch, "the branches differ in the type of output \(i)", expected: dtype.name,
          found: other.name)
      }
      node.setOutput(i, dtype, merged(first.shape, second.shape, &node))
    }
  }

  private func merged(_ a: Shape?, _ b: Shape?, _ node: inout Inference) -> [Dim]? {
    guard let a, let b, a.rank == b.rank else { return nil }
    return zip(a.dims, b.dims).map { $0 == $1 && $0.value != nil ? $0 : node.unknownDim() }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    throw MaasError(.internal, "the plan did not choose a branch")
  }
}
