import MaasCore
import MaasGraph

/// LabelEncoder and CategoryMapper: each element is a key, and becomes the value that belongs to it, or the default.
package final class LabelEncoder: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    /// What the lists of its two-way form are called; of numbers, nil where the places in the other list are meant.
    let texts: String
    let numbers: String?

    package static let labelEncoder = Row(name: "LabelEncoder", texts: "classes_strings", numbers: nil)
    package static let categoryMapper = Row(
      name: "CategoryMapper", texts: "cats_strings", numbers: "cats_int64s")
  }

  private let row: Row
  /// One for each element type that may be given.
  private let codes: [Code]
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    let isTwoWay = row.numbers != nil || reader.opset < 2
    codes = isTwoWay ? try twoWay(row, &reader) : [try listed(&reader)]
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, codes.map { $0.from })
    node.setOutput(0, try code(node.dtype(0)).values.dtype, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(0)
    let code = try code(x.dtype)
    let places = try code.keys.emit(&node, x, missing: code.values.count - 1)
    try node.emitGather(try node.constant(code.values), places, try node.output(), axis: 0)
  }

  private func code(_ dtype: DType) throws(MaasError) -> Code {
    guard let code = codes.first(where: { $0.from == dtype }) else {
      throw MaasError(.internal, "there are no keys of \(dtype.name)")
    }
    return code
  }
}

/// What elements of one type become.
private struct Code: Sendable {
  let from: DType
  let keys: KeyTable
  /// A value for each key, then the default.
  let values: Tensor

  init(_ keys: Tensor, _ values: Tensor, default fallback: Tensor) throws(MaasError) {
    guard keys.shape.count == 1, keys.shape == values.shape else {
      throw MaasError(
        .invalidModel, "there must be one value for each key, in lists",
        expected: describe(keys.shape), found: describe(values.shape))
    }
    from = keys.dtype
    self.keys = try KeyTable(keys)
    let both = try evaluate(Concat(axis: 0), [values, fallback], outputs: [true])
    guard let both = both?.first ?? nil else { throw MaasError(.internal, "lists could not be joined") }
    self.values = try both.copied()
  }
}

private func twoWay(_ row: LabelEncoder.Row, _ reader: inout AttributeReader) throws(MaasError) -> [Code] {
  let texts = try reader.strings(row.texts) ?? []
  let numbers = row.numbers == nil ? Array(0..<texts.count) : try reader.ints(row.numbers ?? "") ?? []
  let strings = try Tensor([texts.count], strings: texts)
  let int64s = try Tensor(.int64, [numbers.count], numbers.map { Int64($0) })
  let fallbacks = try Fallbacks(&reader)
  return [
    try Code(strings, int64s, default: try fallbacks.of(.int64)),
    try Code(int64s, strings, default: try fallbacks.of(.string)),
  ]
}

private func listed(_ reader: inout AttributeReader) throws(MaasError) -> Code {
  let keys = try reader.list("keys")
  let values = try reader.list("values")
  let fallbacks = try Fallbacks(&reader)
  return try Code(keys, values, default: try fallbacks.of(values.dtype))
}

/// The attributes for elements that are no key.
private struct Fallbacks {
  private let int64: Int
  private let float: Float
  private let string: String
  private let tensor: Tensor?

  init(_ reader: inout AttributeReader) throws(MaasError) {
    int64 = try reader.int("default_int64") ?? -1
    float = try reader.float("default_float") ?? -0.0
    string = try reader.string("default_string") ?? "_Unused"
    tensor = reader.opset < 4 ? nil : try reader.tensor("default_tensor")
  }

  /// A list of one value.
  func of(_ dtype: DType) throws(MaasError) -> Tensor {
    if let tensor {
      guard tensor.dtype == dtype, tensor.count == 1 else {
        throw MaasError(
          .invalidModel, "attribute 'default_tensor' does not fit the values", expected: "one \(dtype.name)",
          found: "\(tensor.dtype.name)\(describe(tensor.shape))")
      }
      return try tensor.reshaped([1])
    }
    if dtype == .string { return try Tensor([1], strings: [string]) }
    if DType.floats.contains(dtype) { return try cast(try Tensor(.float, [1], [float]), to: dtype) }
    return try cast(try Tensor(.int64, [1], [Int64(int64)]), to: dtype)
  }
}

extension AttributeReader {
  /// The one of `name_int64s`, `name_floats`, `name_strings` and `name_tensor` that is there.
  fileprivate mutating func list(_ name: String) throws(MaasError) -> Tensor {
    var lists: [Tensor] = []
    if let list = try ints("\(name)_int64s") {
      lists.append(try Tensor(.int64, [list.count], list.map { Int64($0) }))
    }
    if let list = try floats("\(name)_floats") { lists.append(try Tensor(.float, [list.count], list)) }
    if let list = try strings("\(name)_strings") { lists.append(try Tensor([list.count], strings: list)) }
    if opset >= 4, let list = try tensor("\(name)_tensor") { lists.append(list) }
    guard lists.count == 1 else {
      throw MaasError(
        .invalidModel, "one attribute '\(name)_…' must say what the \(name) are", found: "\(lists.count)")
    }
    let types: [DType] = [.string, .int64, .float, .int32, .int16, .double]
    if types.contains(lists[0].dtype) { return lists[0] }
    throw MaasError(
      .invalidModel, "the \(name) have an element type that is not supported here",
      expected: joined(types.map { $0.name }, " or "), found: lists[0].dtype.name)
  }
}
