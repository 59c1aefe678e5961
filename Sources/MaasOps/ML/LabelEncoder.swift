import MaasCore
import MaasGraph

/// LabelEncoder and CategoryMapper: each element is a key, and becomes the value that belongs to it, or the default.
package final class LabelEncoder: OperatorFamily {
  package enum Row: Sendable { case labelEncoder, categoryMapper }

  package let name: String
  /// One for each element type that may be given.
  private let codes: [Code]

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    name = row == .labelEncoder ? "LabelEncoder" : "CategoryMapper"
    let isTwoWay = row == .categoryMapper || reader.opset < 2
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
    try code.keys.emit(&node, x, .value(code.values), to: try node.output())
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

/// From strings to numbers and back. Where the numbers have no list of their own, they are the places of the strings.
private func twoWay(_ row: LabelEncoder.Row, _ reader: inout AttributeReader) throws(MaasError) -> [Code] {
  let isMapper = row == .categoryMapper
  let texts = try reader.byteStrings(isMapper ? "cats_strings" : "classes_strings") ?? []
  let numbers = try int64s(isMapper ? try reader.ints("cats_int64s") ?? [] : Array(texts.indices))
  let strings = try Tensor([texts.count], strings: texts)
  let fallbacks = try Fallbacks(&reader)
  return [
    try Code(strings, numbers, default: try fallbacks.of(.int64)),
    try Code(numbers, strings, default: try fallbacks.of(.string)),
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
  private let string: [UInt8]
  private let tensor: Tensor?

  init(_ reader: inout AttributeReader) throws(MaasError) {
    int64 = try reader.int("default_int64") ?? -1
    float = try reader.float("default_float") ?? -0.0
    string = try reader.bytes("default_string") ?? Array("_Unused".utf8)
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
    return try cast(try int64s([int64]), to: dtype)
  }
}

extension AttributeReader {
  /// The one of `name_int64s`, `name_floats`, `name_strings` and `name_tensor` that is there.
  fileprivate mutating func list(_ name: String) throws(MaasError) -> Tensor {
    var (list, count): (Tensor?, Int) = (nil, 0)
    func found(_ tensor: Tensor) { (list, count) = (tensor, count + 1) }
    if let given = try ints("\(name)_int64s") { found(try int64s(given)) }
    if let given = try floats("\(name)_floats") { found(try Tensor(.float, [given.count], given)) }
    if let given = try byteStrings("\(name)_strings") { found(try Tensor([given.count], strings: given)) }
    if opset >= 4, let given = try tensor("\(name)_tensor") { found(given) }
    guard let list, count == 1 else {
      throw MaasError(
        .invalidModel, "one attribute '\(name)_…' must say what the \(name) are", found: "\(count)")
    }
    let types: [DType] = [.string, .int64, .float, .int32, .int16, .double]
    if types.contains(list.dtype) { return list }
    throw MaasError(
      .invalidModel, "the \(name) have an element type that is not supported here",
      expected: joined(types.map { $0.name }, " or "), found: list.dtype.name)
  }
}
