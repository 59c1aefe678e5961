import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// Inputs and attributes that an operator must refuse, with a part of the sentence that says so.
struct Refusal: Sendable, CustomTestStringConvertible {
  let op: String
  let domain: String
  let opset: Int
  let attributes: [Attribute]
  let inputs: [Tensor?]
  let message: String

  init(
    _ op: String, _ message: String, domain: String = "", opset: Int = 24,
    _ attributes: [(String, AttributeValue)] = [], _ inputs: [Tensor?]
  ) {
    (self.op, self.message, self.domain, self.opset, self.inputs) = (op, message, domain, opset, inputs)
    self.attributes = attributes.map { Attribute($0.0, $0.1) }
  }

  var testDescription: String { "\(op): \(message)" }

  func makeOperator() throws(MaasError) -> any Operator {
    let registration = try operatorRegistration(op, domain: domain, opset: opset)
    var reader = AttributeReader(attributes, opset: opset, inputCount: inputs.count, outputCount: 1)
    return try registration.make(&reader)
  }

  func expectThrown() throws {
    let error = #expect(throws: MaasError.self) {
      let op = try makeOperator()
      var run = PlainRun()
      _ = try run.run(op, inputs, outputs: [true])
    }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "no error")")
  }
}

func floats(_ shape: Int...) throws -> Tensor {
  try Tensor(.float, shape, [Float](repeating: 1, count: shape.reduce(1, *)))
}

private func int64s(_ shape: [Int], _ numbers: Int64...) throws -> Tensor {
  try Tensor(.int64, shape, numbers)
}

/// Indices that `infer` cannot know of.
private func placements() throws -> [Refusal] {
  let (matrix, row) = (try floats(2, 3), try floats(1, 3))
  let (cache, update) = (try floats(1, 4, 2), try floats(1, 3, 2))
  return [
    Refusal(
      "ScatterElements", "expected -2..1, found 2", [], [matrix, try int64s([1, 1], 2), try floats(1, 1)]),
    Refusal(
      "ScatterElements", "expected -2..1, found -3", [], [matrix, try int64s([1, 1], -3), try floats(1, 1)]),
    Refusal("ScatterND", "expected -3..2, found 3", [], [matrix, try int64s([1, 2], 1, 3), try floats(1)]),
    Refusal("ScatterND", "expected -2..1, found \(Int64.min)", [], [matrix, try int64s([1, 1], .min), row]),
    Refusal("GatherND", "expected -2..1, found 9", [], [matrix, try int64s([1, 1], 9)]),
    Refusal(
      "TensorScatter", "expected 0..1, found 2", [("axis", .int(1))], [cache, update, try int64s([1], 2)]),
    Refusal(
      "TensorScatter", "expected 0..1, found -1", [("axis", .int(1))], [cache, update, try int64s([1], -1)]),
    Refusal("ReverseSequence", "expected 0..2, found 3", [], [matrix, try int64s([3], 1, 2, 3)]),
  ]
}

private func shapesAndAttributes() throws -> [Refusal] {
  let (matrix, square) = (try floats(2, 3), try floats(3, 3))
  let equation = { (text: String) in [("equation", AttributeValue.string(text))] }
  return [
    Refusal(
      "RotaryEmbedding", "X has the wrong rank", [],
      [try floats(), try floats(1, 3, 3), try floats(1, 3, 3)]),
    Refusal(
      "Attention", "the mask does not fit the scores: expected [1, 2, 3, 5], found [1, 2, 5, 4]", [],
      [try floats(1, 2, 3, 4), try floats(1, 2, 5, 4), try floats(1, 2, 5, 4), try floats(1, 2, 5, 4)]),
    Refusal(
      "QuantizeLinear", "the shape of the scale does not fit [3, 5]", [("block_size", .int(.max))],
      [try floats(3, 5), try floats(3, 5), nil]),
    Refusal("TopK", "expected 0..3, found 4", [], [matrix, try int64s([1], 4)]),
    Refusal("TopK", "expected 0..3, found -1", [], [matrix, try int64s([1], -1)]),
    Refusal("TopK", "input 1 must have one element", [], [matrix, try int64s([2], 1, 1)]),
    Refusal("Einsum", "cannot be read", equation("ij->->i"), [matrix]),
    Refusal("Einsum", "cannot be read", equation("i.j->i"), [matrix]),
    Refusal("Einsum", "cannot be read", equation("i...j...->i"), [matrix]),
    Refusal("Einsum", "number of terms", equation("ij,jk->ik"), [matrix]),
    Refusal("Einsum", "rank of input 0", equation("ijk->i"), [matrix]),
    Refusal("Einsum", "a label that no input has", equation("ij->ik"), [matrix]),
    Refusal("Einsum", "a label that no input has, or one twice", equation("ij->ii"), [matrix]),
    Refusal("Einsum", "do not broadcast", equation("ii->i"), [matrix]),
    Refusal("Einsum", "do not broadcast", equation("ij,jk->ik"), [matrix, matrix]),
    Refusal(
      "ScatterND", "the last dimension of indices", [], [matrix, try int64s([1, 3], 0, 0, 0), try floats(1)]),
    Refusal(
      "ScatterND", "the dimensions of updates", [], [matrix, try int64s([1, 1], 0), try floats(1, 2)]),
    Refusal(
      "ScatterElements", "'reduction'", [("reduction", .string("mean"))],
      [matrix, try int64s([1, 1], 0), try floats(1, 1)]),
    Refusal("GatherND", "'batch_dims'", [("batch_dims", .int(1))], [matrix, try int64s([1], 0)]),
    Refusal("OneHot", "the depth is negative", [], [try int64s([1], 0), try int64s([], -2), try floats(2)]),
    Refusal(
      "OneHot", "input 1 has a number that no size can be", [],
      [try int64s([1], 0), try Tensor(.float, [], [Float(1e30)]), try floats(2)]),
    Refusal(
      "OneHot", "input 1 has a number that no size can be", [],
      [try int64s([1], 0), try Tensor(.uint64, [], [UInt64.max]), try floats(2)]),
    Refusal("OneHot", "values for off and on", [], [try int64s([1], 0), try int64s([], 2), try floats(3)]),
    Refusal("Det", "the sides of a matrix", [], [matrix]),
    Refusal("DepthToSpace", "a multiple of 4", [("blocksize", .int(2))], [try floats(1, 2, 2, 2)]),
    Refusal("DepthToSpace", "'blocksize'", [("blocksize", .int(.max))], [try floats(1, 2, 2, 2)]),
    Refusal("BitShift", "LEFT or RIGHT", [], [try int64s([1], 0), try int64s([1], 0)]),
    Refusal("CumSum", "expected -2..1, found 2", [], [matrix, try int64s([], 2)]),
    Refusal("CenterCropPad", "expected 2 sizes", [], [matrix, try int64s([1], 1)]),
    Refusal("TensorScatter", "the batch dimension", [("axis", .int(0))], [square, square]),
    Refusal("Multinomial", "int32 or int64", [("dtype", .int(1))], [matrix]),
    Refusal("RandomUniform", "is no shape", [("shape", .ints([2, -1]))], []),
    Refusal(
      "Dropout", "expected 0..0, found 1", [],
      [matrix, try Tensor(.float, [], [Float(1)]), try Tensor(.bool, [], [UInt8(1)])]),
    Refusal("Add", "broadcast = 1", opset: 6, [], [matrix, try floats(3)]),
    Refusal("Cast", "unknown element type", opset: 1, [("to", .string("float"))], [matrix]),
  ]
}

@Suite struct RefusalTests {
  private static let refusals: [Refusal] = {
    guard let a = try? placements(), let b = try? shapesAndAttributes(), let c = try? textRefusals(),
      let d = try? mlRefusals(), let e = try? quantizedRefusals()
    else { return [] }
    return a + b + c + d + e
  }()

  @Test func thereAreRefusals() { #expect(Self.refusals.count > 100) }

  @Test(arguments: refusals) func isRefused(_ refusal: Refusal) throws {
    try refusal.expectThrown()
  }
}
