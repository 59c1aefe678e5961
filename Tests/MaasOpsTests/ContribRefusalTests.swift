import MaasCore
import MaasGraph
import Testing

private func int32s(_ numbers: Int32...) throws -> Tensor { try Tensor(.int32, [numbers.count], numbers) }

private typealias Attributes = [(String, AttributeValue)]

private func attention() throws -> [Refusal] {
  let heads: Attributes = [("num_heads", .int(2))]
  let (x, w, b) = (try floats(2, 3, 6), try floats(6, 24), try floats(24))
  func refusal(_ message: String, _ more: Attributes, _ inputs: [Tensor?]) -> Refusal {
    Refusal("Attention", message, domain: "com.microsoft", opset: 1, heads + more, inputs)
  }
  return [
    refusal("'do_rotary'", [("do_rotary", .int(1))], [x, w, b]),
    refusal("'past_present_share_buffer'", [("past_present_share_buffer", .int(1))], [x, w, b]),
    refusal("'qkv_hidden_sizes'", [("qkv_hidden_sizes", .ints([8, 4, 8]))], [x, w, b]),
    refusal("a multiple of 6 columns", [], [x, try floats(6, 20), try floats(20)]),
    refusal("dimension 0 of input 2", [], [x, w, try floats(20)]),
    refusal("the mask has the wrong length", [], [x, w, b, try int32s(1, 2, 3)]),
    refusal("expected 0..3, found -1", [], [x, w, b, try int32s(2, -1)]),
    refusal("'unidirectional'", [("unidirectional", .int(2))], [x, w, b]),
    refusal(
      "a mask of this rank", [],
      [x, w, b, try Tensor(.int32, [2, 1, 3, 3], [Int32](repeating: 1, count: 18))]),
    refusal("element type", [], [x, w, b, try floats(2)]),
    refusal("dimension 4 of input 4", [], [x, w, b, nil, try floats(2, 2, 2, 5, 3)]),
    refusal("dimension 2 of input 5", [], [x, w, b, nil, nil, try floats(1, 1, 1, 3)]),
    refusal("input 6 is not supported", [], [x, w, b, nil, nil, nil, try int32s(1)]),
  ]
}

private func multiHead() throws -> [Refusal] {
  let heads: Attributes = [("num_heads", .int(2))]
  let (q, k) = (try floats(2, 3, 8), try floats(2, 5, 8))
  func refusal(_ message: String, _ inputs: [Tensor?], _ attributes: Attributes? = nil) -> Refusal {
    Refusal("MultiHeadAttention", message, domain: "com.microsoft", opset: 1, attributes ?? heads, inputs)
  }
  let past = try floats(2, 2, 1, 4)
  return [
    refusal("'num_heads'", [q, k, k], []),
    refusal("the query does not divide into heads", [q, k, k], [("num_heads", .int(3))]),
    refusal("the lengths of K and V", [q, k, q]),
    refusal("the sizes of the heads of Q and K", [q, try floats(2, 5, 4), k]),
    refusal("input 1 has the wrong rank", [q, k]),
    refusal("dimension 3 of input 0", [try floats(2, 3, 2, 2, 4)]),
    refusal("dimension 0 of input 3", [q, k, k, try floats(23)]),
    refusal("come together", [q, k, k, nil, nil, nil, past]),
    refusal("past keys cannot come before", [q, past, past, nil, nil, nil, past, past]),
    refusal("dimension 3 of input 6", [q, q, q, nil, nil, nil, try floats(2, 2, 1, 3), past]),
    refusal("input 8 is not supported", [q, q, q, nil, nil, nil, past, past, try int32s(1)]),
  ]
}

private func grouped() throws -> [Refusal] {
  let heads: Attributes = [("num_heads", .int(4)), ("kv_num_heads", .int(2))]
  let (q, k, last, total) = (try floats(2, 3, 32), try floats(2, 3, 16), try int32s(2, 2), try int32s(3))
  let past = try floats(2, 2, 4, 8)
  func refusal(
    _ message: String, _ inputs: [Tensor?], _ more: Attributes = [], _ attributes: Attributes? = nil
  ) -> Refusal {
    Refusal(
      "GroupQueryAttention", message, domain: "com.microsoft", opset: 1, (attributes ?? heads) + more, inputs)
  }
  let plain = [q, k, k, nil, nil, last, total]
  let rotary: Attributes = [("do_rotary", .int(1))]
  let (angles, ids) = (try floats(3, 4), try Tensor(.int64, [2, 3], [Int64](repeating: 1, count: 6)))
  func cached(_ last: Tensor, _ total: Int32) throws -> [Tensor?] {
    [q, k, k, past, past, last, try int32s(total)]
  }
  return [
    refusal("do not go together", plain, [], [("num_heads", .int(4)), ("kv_num_heads", .int(3))]),
    refusal("do not go together", plain, [("causal", .int(0)), ("local_window_size", .int(2))]),
    refusal("'sliding_window_cache'", plain, [("sliding_window_cache", .int(1))]),
    refusal("'k_quant_type'", plain, [("k_quant_type", .string("PER_TENSOR"))]),
    refusal("input 12 is not supported", plain + [nil, nil, nil, nil, nil, try floats(1)]),
    refusal("inputs 3 and 4 come together", [q, k, k, past, nil, last, total]),
    refusal("a rotation needs", plain, rotary),
    refusal("dimension 2 of input 1", [q, q, q, nil, nil, last, total]),
    refusal("dimension 3 of input 3", [q, k, k, try floats(2, 2, 4, 4), past, last, total]),
    refusal("larger heads", plain + [try floats(3, 5), try floats(3, 5)], rotary),
    refusal("the batch and input 5", [q, k, k, nil, nil, try int32s(2), total]),
    refusal("dimension 3 of input 10", plain + [nil, nil, nil, try floats(1, 1, 3, 4)]),
    refusal("found 3", [q, k, k, nil, nil, try int32s(2, 3), total]),
    refusal("found -1", [q, k, k, nil, nil, try int32s(-1, 2), total]),
    refusal("found 1", try cached(try int32s(3, 1), 4)),
    refusal("found 7", try cached(try int32s(3, 7), 7)),
    refusal(
      "expected 0..2, found 3",
      plain + [angles, angles, try Tensor(.int64, [2, 3], [3, 0, 0, 0, 0, 0] as [Int64])], rotary),
    refusal(
      "dimension 1 of input 9",
      plain + [angles, angles, try Tensor(.int64, [2, 2], [0, 0, 0, 0] as [Int64])]),
    refusal(
      "expected 0..3, found 4",
      plain + [angles, angles, ids] + [Tensor?](repeating: nil, count: 6) + [try int32s(3, 4)]),
  ]
}

private func others() throws -> [Refusal] {
  let x = try floats(2, 3, 4)
  func refusal(_ op: String, _ message: String, _ attributes: Attributes = [], _ inputs: [Tensor?]) -> Refusal
  {
    Refusal(op, message, domain: "com.microsoft", opset: 1, attributes, inputs)
  }
  let position = try Tensor(.int64, [1], [3] as [Int64])
  let angles = try floats(5, 2)
  return [
    refusal("FusedMatMul", "the inner dimensions", [("transA", .int(1))], [x, try floats(2, 4, 5)]),
    refusal(
      "FusedGemm", "LeakyRelu", [("activation", .string("Sin"))], [try floats(2, 3), try floats(3, 4)]),
    refusal(
      "FusedConv", "dimension 3 of input 3", [("activation", .string("Relu"))],
      [try floats(1, 1, 4, 4), try floats(1, 1, 3, 3), nil, try floats(1, 1, 2, 1)]),
    refusal("BiasGelu", "dimension 0 of input 1", [], [x, try floats(3)]),
    refusal("FastGelu", "input 1 has the wrong rank", [], [x, try floats(3, 4)]),
    refusal("BiasSoftmax", "does not broadcast", [], [x, try floats(2, 3, 3)]),
    refusal("SkipLayerNormalization", "input 1 has the wrong rank", [], [x, try floats(4), try floats(4)]),
    refusal("SkipLayerNormalization", "dimension 1 of input 1", [], [x, try floats(1, 2, 4), try floats(4)]),
    refusal(
      "SkipSimplifiedLayerNormalization", "dimension 0 of input 2", [], [x, x, try floats(3)]),
    refusal(
      "EmbedLayerNormalization", "not enough positions", [],
      [
        try Tensor(.int32, [1, 3], [0, 0, 0] as [Int32]), nil, try floats(2, 4), try floats(2, 4), nil,
        try floats(4),
        try floats(4),
      ]),
    refusal(
      "RotaryEmbedding", "needs 'num_heads'", [("rotary_embedding_dim", .int(2))],
      [x, position, angles, angles]),
    refusal("RotaryEmbedding", "'interleaved'", [("interleaved", .int(-1))], [x, position, angles, angles]),
    refusal("RotaryEmbedding", "'num_heads'", [("num_heads", .int(-1))], [x, position, angles, angles]),
    refusal(
      "RotaryEmbedding", "'rotary_embedding_dim'", [("rotary_embedding_dim", .int(-2))],
      [x, position, angles, angles]),
    refusal("RotaryEmbedding", "expected 0..4, found 5", [], [x, position, angles, angles]),
    refusal(
      "RotaryEmbedding", "dimension 0 of input 1", [],
      [x, try Tensor(.int64, [1, 3], [0, 0, 0] as [Int64]), angles, angles]),
    refusal(
      "RotaryEmbedding", "a multiple of two times 3", [], [x, position, try floats(5, 3), try floats(5, 3)]),
  ]
}

@Suite struct ContribRefusalTests {
  private static let refusals: [Refusal] = {
    guard let a = try? attention(), let b = try? multiHead(), let c = try? grouped(), let d = try? others()
    else {
      return []
    }
    return a + b + c + d
  }()

  @Test func thereAreRefusals() { #expect(Self.refusals.count > 40) }

  @Test(arguments: refusals) func isRefused(_ refusal: Refusal) throws { try refusal.expectThrown() }
}
