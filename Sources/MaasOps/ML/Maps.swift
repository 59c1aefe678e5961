import CMaasSystem
import MaasCore
import MaasGraph

extension Inference {
  /// What is known of an input that must be a map, and the type of its keys.
  fileprivate func map(_ i: Int) throws(MaasError) -> (fact: Fact, key: DType) {
    let fact = try anyInput(i)
    if case .map(let key) = fact.container { return (fact, key) }
    throw wrongKind(i, fact.typeText)
  }
}

extension HostCall {
  fileprivate func map(_ i: Int) throws(MaasError) -> (keys: Tensor, values: Tensor) {
    let input = try input(i)
    if case .map(let keys, let values) = input { return (keys, values) }
    throw wrongKind(i, input.kind)
  }
}

private func wrongKind(_ i: Int, _ found: String) -> MaasError {
  MaasError(.typeMismatch, "input \(i) is of the wrong kind", expected: "a map", found: found)
}

/// [1, count]: the values at their places, zeros or empty strings elsewhere. Places outside are left out.
private func row(_ values: Tensor, _ places: [Int], count: Int) throws(MaasError) -> Datum {
  let result = try Tensor(values.dtype, [1, count])
  let width = values.dtype.byteWidth
  maas_sys_zero(result.bytes, result.byteCount)
  for (i, place) in places.enumerated() where place >= 0 && place < count {
    maas_sys_copy(result.bytes + place * width, values.bytes + i * width, width)
  }
  // Strings are still those of the map.
  return .tensor(values.dtype == .string ? try result.copied() : result)
}

/// The values of a map from int64, cast, in the order of the keys, or each at the place that its key names.
package final class CastMap: ReadableOperator, HostOperator {
  package let name = "CastMap"
  private let dtype: DType
  /// Nil: only the values that are there.
  private let count: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.choice(
      "cast_to", [("TO_FLOAT", .float), ("TO_STRING", .string), ("TO_INT64", .int64)])
    let isSparse = try reader.choice("map_form", [("DENSE", false), ("SPARSE", true)])
    let count = try reader.int("max_map", default: 1, 1...Int.max)
    self.count = isSparse ? count : nil
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let (fact, key) = try node.map(0)
    guard key == .int64, fact.dtype == .string || fact.dtype == .float else {
      throw MaasError(
        .typeMismatch, "the map is of the wrong type", expected: "keys of int64, values of string or float",
        found: fact.typeText)
    }
    node.setOutput(0, dtype, [.known(1), count.map { .known($0) } ?? node.unknownDim()])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let (keys, given) = try call.map(0)
    let values = try cast(given, to: dtype)
    guard let count else { return [try row(values, try ranked(keys).ranks, count: keys.count)] }
    let places = keys.integers ?? []
    for place in places where place < 0 {
      throw MaasError(.outOfRange, "a key of the map is no place", expected: "at least 0", found: "\(place)")
    }
    return [try row(values, places, count: count)]
  }
}

/// The different labels, ascending, and the place of each label among them.
private func ranked(_ labels: Tensor) throws(MaasError) -> (labels: Tensor, ranks: [Int]) {
  let results = try evaluate(Unique(), [labels], outputs: [true, false, true, false]) ?? []
  guard let unique = results[at: 0] ?? nil, let ranks = (results[at: 2] ?? nil)?.integers else {
    throw MaasError(.internal, "labels could not be sorted")
  }
  return (unique, ranks)
}

/// The values of a map, each at the place that its key has in the vocabulary; those of other keys are left out.
package final class DictVectorizer: ReadableOperator, HostOperator {
  package let name = "DictVectorizer"
  private let vocabulary: KeyTable
  private let count: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let keys = try reader.keys("int64_vocabulary", "string_vocabulary")
    (vocabulary, count) = (try KeyTable(keys), keys.count)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let (fact, key) = try node.map(0)
    guard key == vocabulary.dtype, [.int64, .float, .double, .string].contains(fact.dtype) else {
      throw MaasError(
        .typeMismatch, "the map is of the wrong type",
        expected: "keys of \(vocabulary.dtype.name), values of int64, float, double or string",
        found: fact.typeText)
    }
    node.setOutput(0, fact.dtype, [.known(1), .known(count)])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let (keys, values) = try call.map(0)
    return [try row(values, vocabulary.places(keys), count: count)]
  }
}

/// A sequence of maps, one for each row of a matrix: the attributes name the keys, the columns are their values.
package final class ZipMap: ReadableOperator, HostOperator {
  package let name = "ZipMap"
  /// Ascending, each once.
  private let keys: Tensor
  /// The column of each key.
  private let columns: [Int]
  private let width: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let labels = try reader.keys("classlabels_int64s", "classlabels_strings")
    width = labels.count
    let (unique, ranks) = try ranked(labels)
    keys = try unique.copied()
    var columns = [Int](repeating: 0, count: keys.count)
    for (column, rank) in ranks.enumerated() { columns[rank] = column }
    self.columns = columns
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.float])
    if let shape = try node.shape(0) {
      guard (1...2).contains(shape.count), shape[shape.count - 1].value ?? width == width else {
        throw MaasError(
          .shapeMismatch, "input 0 must have a column for each key", expected: "[\(width)] or [N, \(width)]",
          found: Shape(shape).text)
      }
    }
    node.setOutput(0, Fact(.float, nil, container: .sequence(of: .map(key: keys.dtype))))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let elements = x.elements(as: Float.self)
    var maps: [Datum] = []
    for i in 0..<x.count / width {
      let values = columns.map { elements[i * width + $0] }
      maps.append(.map(keys: keys, values: try Tensor(.float, [columns.count], values)))
    }
    return [.sequence(maps)]
  }
}
