import CMaasKernels
import MaasCore
import MaasGraph

/// x cos + r(x) sin, where r swaps the halves of rows and negates the one that is first then: rotary embeddings as
/// models write them, of which a rewrite has made one node.
///
/// Inputs: x [batch, heads, places, size], the cosines and the sines, both [batch or 1, 1, places, size]; or, with
/// `heads`, x [batch, places, heads * size].
package final class HalfRotation: Operator {
  package let name = "RotaryEmbedding"
  private let heads: Int?

  package init(heads: Int?) { self.heads = heads }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, [.float])
    try node.expectSameDTypes(0..<3)
    node.setOutput(0, .float, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, cosines, sines, y) = (try node.input(0), try node.input(1), try node.input(2), try node.output())
    guard y.count > 0 else { return }
    try node.mayReuseElementwise(0)
    let shape = try HeadShape(Shape(x.shape).dims, heads: heads, "X")
    let (batch, _, places, size) = try shape.sizes()
    let angles = cosines.shape
    guard angles.count == 4, angles == sines.shape, angles[0] == 1 || angles[0] == batch,
      angles[1...] == [1, places, size]
    else {
      throw MaasError(
        .shapeMismatch, "cosines and sines do not fit X", expected: describe([batch, 1, places, size]),
        found: describe(angles))
    }
    var params = try Rotation(shape, isInterleaved: false, cosines)
    (params.pairs, params.own_angles) = (Int64(size / 2), true)
    (params.batch_step, params.place_step) = (angles[0] == 1 ? 0 : Int64(places), 1)
    params.positions = Int64(angles[0] * places)
    node.emitRotation(params, [x, cosines, sines, nil, y])
  }
}
