import MaasCore
import MaasGraph

extension ImportContext {
  /// The operator of a node of that kind with these attributes, made if no node like it came before: operators are
  /// immutable.
  func sharedOperator(
    _ kind: String, _ attributes: [Attribute], _ make: () throws(MaasError) -> any Operator
  ) throws(MaasError) -> any Operator {
    guard let key = key(kind, attributes) else { return try make() }
    if let place = shared.places[key] { return shared.operators[place] }
    let op = try make()
    if op.isRandom { return op }
    shared.places[key] = shared.operators.count
    shared.operators.append(op)
    return op
  }
}

/// Nil where an attribute is more than a few numbers or a text.
private func key(_ kind: String, _ attributes: [Attribute]) -> [UInt8]? {
  var key = Array(kind.utf8)
  for attribute in attributes {
    key += " \(attribute.name.utf8.count) \(attribute.name)".utf8
    switch attribute.value {
    case .float(let value): key += " f\(value.bitPattern)".utf8
    case .int(let value): key += " i\(value)".utf8
    case .string(let bytes):
      key += " s\(bytes.count) ".utf8
      key += bytes
    case .floats(let values):
      key += " f\(values.count)".utf8
      for value in values { key += " f\(value.bitPattern)".utf8 }
    case .ints(let values):
      key += " i\(values.count)".utf8
      for value in values { key += " i\(value)".utf8 }
    default: return nil
    }
  }
  return key
}
