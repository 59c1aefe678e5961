import MaasCore
import MaasGraph

/// What ONNX Runtime's operators on quantized tensors must refuse.
func quantizedRefusals() throws -> [Refusal] {
  func floats(_ shape: Int...) throws -> Tensor {
    try Tensor(.float, shape, [Float](repeating: 1, count: shape.reduce(1, *)))
  }
  func bytes(_ dtype: DType, _ shape: Int...) throws -> Tensor { try Tensor(dtype, shape) }
  func refusal(
    _ op: String, _ message: String, _ attributes: [(String, AttributeValue)], _ inputs: [Tensor?]
  ) -> Refusal {
    Refusal(op, message, domain: "com.microsoft", opset: 1, attributes, inputs)
  }
  let (x, one, two) = (try bytes(.uint8, 2, 3), try floats(), try floats(2))
  let (zero, signed) = (try bytes(.uint8, 1), try bytes(.int8, 1))
  let nbits: [(String, AttributeValue)] = [("K", .int(32)), ("N", .int(4)), ("block_size", .int(16))]
  let (codes, scales) = (try bytes(.uint8, 4, 2, 8), try floats(4, 2))
  let groups = try Tensor(.int32, [32], [Int32](repeating: 2, count: 32))
  return [
    refusal("QLinearAdd", "input 1 is not a single element", [], [x, two, nil, x, one, nil, one]),
    refusal("QLinearAdd", "inputs 0 and 2 differ", [], [x, one, signed, x, one, nil, one]),
    refusal(
      "QLinearMul", "do not broadcast", [], [x, one, nil, try bytes(.uint8, 4), one, nil, one]),
    refusal("QLinearSigmoid", "uint8 or int8", [], [one, one, nil, one, nil]),
    refusal("QLinearConcat", "2 and 3 for each tensor", [("axis", .int(0))], [one, zero, x, one]),
    refusal(
      "QLinearConcat", "dimensions 1 do not agree", [("axis", .int(0))],
      [one, zero, x, one, zero, try bytes(.uint8, 2, 4), one, zero]),
    refusal(
      "QLinearWhere", "inputs 1 and 4 differ", [],
      [try bytes(.bool, 1), x, one, zero, try bytes(.int8, 2, 3), one, signed, one, zero]),
    refusal("QLinearSoftmax", "'opset' is missing", [], [x, one, zero, one, zero]),
    refusal("QLinearGlobalAveragePool", "too few dimensions", [], [x, one, zero, one, zero]),
    refusal("QLinearReduceMean", "axis", [("axes", .ints([2]))], [x, one, zero, one, zero]),
    refusal(
      "QLinearAveragePool", "window's attributes", [("kernel_shape", .ints([2]))],
      [try bytes(.uint8, 1, 2, 3, 3), one, zero, one, zero]),
    refusal("QGemm", "inner dimensions", [], [x, one, zero, x, one, zero]),
    refusal(
      "QGemm", "1 element, or 3", [("transA", .int(1))], [x, one, zero, x, two, zero]),
    refusal(
      "QGemm", "come together", [("transA", .int(1))], [x, one, zero, x, one, zero, nil, one]),
    refusal(
      "MatMulIntegerToFloat", "expected 1 element", [], [x, try bytes(.uint8, 3, 2), two, one]),
    refusal(
      "DynamicQuantizeMatMul", "the product and the bias", [],
      [try floats(2, 3), try bytes(.int8, 3, 4), one, nil, two]),
    refusal("MatMulNBits", "'K' is out of range", [("N", .int(4))], [one, codes, scales]),
    refusal(
      "MatMulNBits", "a power of two", nbits.dropLast() + [("block_size", .int(24))],
      [one, codes, scales]),
    refusal("MatMulNBits", "2, 4 or 8 bits", nbits + [("bits", .int(3))], [one, codes, scales]),
    refusal("MatMulNBits", "K and the last dimension", nbits, [try floats(2, 31), codes, scales]),
    refusal("MatMulNBits", "input 2 does not fit", nbits, [try floats(2, 32), codes, two]),
    refusal(
      "MatMulNBits", "expected 0..1, found 2", nbits, [try floats(2, 32), codes, scales, nil, groups]),
    refusal(
      "GatherBlockQuantized", "dimension 1 of input 2", [("block_size", .int(16))],
      [try bytes(.uint8, 4, 8), try Tensor(.int64, [1], [Int64(0)]), scales]),
    refusal(
      "DynamicQuantizeLSTM", "number of inputs", [("hidden_size", .int(1))], [try floats(2, 1, 1)]),
  ]
}
