import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// CastMap, DictVectorizer and ZipMap. What they give is what ONNX Runtime gives, unless a test says otherwise.
@Suite struct MapTests {
  private func make(_ op: String, _ attributes: [(String, AttributeValue)]) throws -> any Operator {
    let registration = try operatorRegistration(op, domain: "ai.onnx.ml", opset: 1)
    var reader = AttributeReader(
      attributes.map { Attribute($0.0, $0.1) }, opset: 1, inputCount: 1, outputCount: 1)
    return try registration.make(&reader)
  }

  private func infer(_ op: any Operator, _ fact: Fact) throws -> Fact {
    var inference = Inference(inputs: [fact], outputNames: ["y"], makeSymbol: { .symbol($0) })
    try op.infer(&inference)
    return try #require(inference.outputs[0])
  }

  private func run(_ op: String, _ attributes: [(String, AttributeValue)], _ input: Datum) throws
    -> Datum
  {
    let made = try make(op, attributes)
    let fact: Fact
    switch input {
    case .map(let keys, let values): fact = Fact(values.dtype, nil, container: .map(key: keys.dtype))
    default: fact = Fact(.float, input.tensor.map { Shape($0.shape) })
    }
    let output = try infer(made, fact)
    let host = try #require(made.host)
    let result = try #require(try host.run(HostCall(inputs: [input], wanted: [true]))[0])
    #expect(result.isA(output.container, of: output.dtype))
    if let shape = output.shape?.concrete { #expect(result.tensor?.shape == shape) }
    return result
  }

  private func run(_ op: String, _ input: Datum) throws -> Datum { try run(op, [], input) }

  private func map(_ keys: [Int64], _ values: [Float]) throws -> Datum {
    .map(keys: try Tensor(.int64, [keys.count], keys), values: try Tensor(.float, [values.count], values))
  }

  private func row(_ result: Datum) throws -> [Float] {
    let tensor = try #require(result.tensor)
    #expect(tensor.dtype == .float && tensor.shape == [1, tensor.count])
    return tensor.elements(as: Float.self)
  }

  @Test func castMapOrdersByKey() throws {
    #expect(try row(run("CastMap", map([5, 2, 9], [1.5, -2.5, 1e10]))) == [-2.5, 1.5, 1e10])
    #expect(try row(run("CastMap", map([], []))) == [])
    let whole = try run("CastMap", [("cast_to", .string("TO_INT64"))], map([5, 2, 9], [1.5, -2.7, 1e10]))
    #expect(whole.tensor?.integers == [-2, 1, 10_000_000_000])
  }

  @Test func castMapPutsValuesWhereKeysSay() throws {
    func sparse(_ count: Int) -> [(String, AttributeValue)] {
      [("map_form", .string("SPARSE")), ("max_map", .int(count))]
    }
    #expect(try row(run("CastMap", sparse(7), map([5, 2], [1.5, -2.5]))) == [0, 0, -2.5, 0, 0, 1.5, 0])
    #expect(try row(run("CastMap", sparse(5), map([5, 2], [1.5, -2.5]))) == [0, 0, -2.5, 0, 0])
    #expect(try row(run("CastMap", sparse(2), map([], []))) == [0, 0])
    #expect(throws: MaasError.self) { try run("CastMap", sparse(4), map([-5, 2], [1, 2])) }
  }

  /// The texts of numbers are those that Cast makes: ONNX says no more than "cast".
  @Test func castMapReadsAndMakesStrings() throws {
    let texts = try run("CastMap", [("cast_to", .string("TO_STRING"))], map([2, 1], [0.5, 1e10]))
    #expect(texts.tensor?.strings == ["1e+10", "0.5"])
    let given = Datum.map(
      keys: try Tensor(.int64, [2], [Int64(7), 3]), values: try Tensor([2], strings: ["15", "-2"]))
    #expect(try row(run("CastMap", given)) == [-2, 15])
    #expect(try run("CastMap", [("cast_to", .string("TO_INT64"))], given).tensor?.integers == [-2, 15])
    let sparse: [(String, AttributeValue)] = [
      ("cast_to", .string("TO_STRING")), ("map_form", .string("SPARSE")), ("max_map", .int(5)),
    ]
    #expect(try run("CastMap", sparse, given).tensor?.strings == ["", "", "", "-2", ""])
    let word = Datum.map(keys: try Tensor(.int64, [1], [Int64(0)]), values: try Tensor([1], strings: ["x"]))
    #expect(throws: MaasError.self) { try run("CastMap", word) }
  }

  @Test func castMapRefusesOtherTypes() throws {
    let keys = Datum.map(keys: try Tensor([1], strings: ["a"]), values: try Tensor(.float, [1], [Float(1)]))
    #expect(throws: MaasError.self) { try run("CastMap", keys) }
    #expect(throws: MaasError.self) { try run("CastMap", .tensor(try Tensor(.float, [1], [Float(1)]))) }
    #expect(throws: MaasError.self) { try run("CastMap", [("max_map", .int(0))], map([1], [1])) }
    #expect(throws: MaasError.self) { try run("CastMap", [("cast_to", .string("TO_BOOL"))], map([1], [1])) }
  }

  @Test func dictVectorizerFollowsTheVocabulary() throws {
    let words: [(String, AttributeValue)] = [("string_vocabulary", .strings(["z", "b", "a"]))]
    let values = try Tensor(.float, [2], [Float(1), 2])
    let known = Datum.map(keys: try Tensor([2], strings: ["a", "z"]), values: values)
    #expect(try row(run("DictVectorizer", words, known)) == [2, 0, 1])
    let unknown = Datum.map(keys: try Tensor([2], strings: ["a", "q"]), values: values)
    #expect(try row(run("DictVectorizer", words, unknown)) == [0, 0, 1])
    #expect(throws: MaasError.self) { try run("DictVectorizer", words, map([1], [1])) }
    #expect(throws: MaasError.self) { try run("DictVectorizer", map([1], [1])) }
  }

  @Test func dictVectorizerTakesEveryTypeOfValue() throws {
    let numbers: [(String, AttributeValue)] = [("int64_vocabulary", .ints([3, 1]))]
    let key = try Tensor(.int64, [1], [Int64(1)])
    let texts = try run("DictVectorizer", numbers, .map(keys: key, values: try Tensor([1], strings: ["x"])))
    #expect(texts.tensor?.strings == ["", "x"])
    let wide = try run("DictVectorizer", numbers, .map(keys: key, values: try Tensor(.double, [1], [0.1])))
    #expect(wide.tensor?.elements(as: Double.self) == [0, 0.1])
    let whole = try run(
      "DictVectorizer", numbers, .map(keys: key, values: try Tensor(.int64, [1], [Int64(9)])))
    #expect(whole.tensor?.integers == [0, 9])
  }

  private func maps(_ result: Datum) throws -> [(keys: Tensor, values: [Float])] {
    guard case .sequence(let elements) = result else { return [] }
    return try elements.map { element in
      guard case .map(let keys, let values) = element else { throw MaasError(.internal, "no map") }
      return (keys, values.elements(as: Float.self))
    }
  }

  @Test func zipMapMakesAMapOfEachRow() throws {
    let numbers: [(String, AttributeValue)] = [("classlabels_int64s", .ints([9, 7, 8]))]
    let matrix = Datum.tensor(try Tensor(.float, [2, 3], [Float(1), 2, 3, 4, 5, 6]))
    let rows = try maps(run("ZipMap", numbers, matrix))
    #expect(rows.map { $0.values } == [[2, 3, 1], [5, 6, 4]])
    #expect(rows.allSatisfy { $0.keys.integers == [7, 8, 9] })
    let list = Datum.tensor(try Tensor(.float, [3], [Float(1), 2, 3]))
    let texts = try maps(run("ZipMap", [("classlabels_strings", .strings(["c", "", "é"]))], list))
    #expect(texts.map { $0.keys.strings } == [["", "c", "é"]])
    #expect(texts.map { $0.values } == [[2, 1, 3]])
    let repeated = try maps(run("ZipMap", [("classlabels_int64s", .ints([9, 7, 9]))], list))
    #expect(repeated.map { $0.values } == [[2, 3]])
    #expect(try maps(run("ZipMap", numbers, .tensor(try Tensor(.float, [0, 3])))).isEmpty)
  }

  @Test func zipMapRefusesOtherShapes() throws {
    let list = Datum.tensor(try Tensor(.float, [3], [Float(1), 2, 3]))
    #expect(throws: MaasError.self) { try run("ZipMap", list) }
    #expect(throws: MaasError.self) { try run("ZipMap", [("classlabels_int64s", .ints([7, 8]))], list) }
    let cube = Datum.tensor(try Tensor(.float, [1, 1, 3], [Float(1), 2, 3]))
    #expect(throws: MaasError.self) { try run("ZipMap", [("classlabels_int64s", .ints([7, 8, 9]))], cube) }
  }
}
