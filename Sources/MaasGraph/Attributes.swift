import MaasCore

/// The value of a node's attribute.
package enum AttributeValue: Sendable {
  case float(Float)
  case int(Int)
  /// Bytes, which need not be text.
  case string([UInt8])
  case tensor(Tensor)
  case graph(Graph)
  case floats([Float])
  case ints([Int])
  case strings([[UInt8]])
  case tensors([Tensor])
  case graphs([Graph])
  /// A type: what would be known of a value of it.
  case type(Fact)

  package var kind: String {
    switch self {
    case .float: "float"
    case .int: "int"
    case .string: "string"
    case .tensor: "tensor"
    case .graph: "graph"
    case .floats: "floats"
    case .ints: "ints"
    case .strings: "strings"
    case .tensors: "tensors"
    case .graphs: "graphs"
    case .type: "type"
    }
  }
}

extension AttributeValue {
  package static func string(_ text: String) -> AttributeValue { .string(Array(text.utf8)) }

  package static func strings(_ texts: [String]) -> AttributeValue { .strings(texts.map { Array($0.utf8) }) }
}

package struct Attribute: Sendable {
  package let name: String
  package let value: AttributeValue

  package init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }
}

/// What an operator is made from: its attributes, the opset version of its domain, and how many inputs and outputs
/// the node has. Reading marks an attribute as known; `finish` refuses the ones nobody read.
package struct AttributeReader {
  package let opset: Int
  package let inputCount: Int
  package let outputCount: Int
  private let attributes: [Attribute]
  private var unread: [String]
  private var known: [String] = []

  package init(_ attributes: [Attribute], opset: Int, inputCount: Int, outputCount: Int) {
    self.attributes = attributes
    self.opset = opset
    self.inputCount = inputCount
    self.outputCount = outputCount
    unread = attributes.map { $0.name }
  }

  private mutating func value(_ name: String) -> AttributeValue? {
    known.append(name)
    unread.removeAll { $0 == name }
    return attributes.first { $0.name == name }?.value
  }

  private func mismatch(_ name: String, _ expected: String, _ found: AttributeValue) -> MaasError {
    MaasError(.invalidModel, "attribute '\(name)' has the wrong type", expected: expected, found: found.kind)
  }

  package mutating func has(_ name: String) -> Bool { value(name) != nil }

  package mutating func int(_ name: String) throws(MaasError) -> Int? {
    guard let found = value(name) else { return nil }
    guard case .int(let int) = found else { throw mismatch(name, "int", found) }
    return int
  }

  package mutating func float(_ name: String) throws(MaasError) -> Float? {
    guard let found = value(name) else { return nil }
    guard case .float(let float) = found else { throw mismatch(name, "float", found) }
    return float
  }

  /// A string that is text.
  package mutating func string(_ name: String) throws(MaasError) -> String? {
    guard let bytes = try bytes(name) else { return nil }
    return try text(name, bytes)
  }

  /// A string that may be anything.
  package mutating func bytes(_ name: String) throws(MaasError) -> [UInt8]? {
    guard let found = value(name) else { return nil }
    guard case .string(let bytes) = found else { throw mismatch(name, "string", found) }
    return bytes
  }

  private func text(_ name: String, _ bytes: [UInt8]) throws(MaasError) -> String {
    if let text = bytes.withUnsafeBytes({ String(utf8: $0) }) { return text }
    throw MaasError(
      .invalidModel, "attribute '\(name)' is no text", expected: "UTF-8",
      found: "'\(String(decoding: bytes, as: UTF8.self).escaped)'")
  }

  package mutating func ints(_ name: String) throws(MaasError) -> [Int]? {
    guard let found = value(name) else { return nil }
    guard case .ints(let ints) = found else { throw mismatch(name, "ints", found) }
    return ints
  }

  package mutating func floats(_ name: String) throws(MaasError) -> [Float]? {
    guard let found = value(name) else { return nil }
    guard case .floats(let floats) = found else { throw mismatch(name, "floats", found) }
    return floats
  }

  /// Strings that are text.
  package mutating func strings(_ name: String) throws(MaasError) -> [String]? {
    guard let strings = try byteStrings(name) else { return nil }
    return try strings.map { (bytes) throws(MaasError) in try text(name, bytes) }
  }

  /// Strings that may be anything.
  package mutating func byteStrings(_ name: String) throws(MaasError) -> [[UInt8]]? {
    guard let found = value(name) else { return nil }
    guard case .strings(let strings) = found else { throw mismatch(name, "strings", found) }
    return strings
  }

  package mutating func tensor(_ name: String) throws(MaasError) -> Tensor? {
    guard let found = value(name) else { return nil }
    guard case .tensor(let tensor) = found else { throw mismatch(name, "tensor", found) }
    return tensor
  }

  package mutating func type(_ name: String) throws(MaasError) -> Fact? {
    guard let found = value(name) else { return nil }
    guard case .type(let type) = found else { throw mismatch(name, "type", found) }
    return type
  }

  package mutating func graph(_ name: String) throws(MaasError) -> Graph {
    guard let found = value(name) else {
      throw MaasError(.invalidModel, "attribute '\(name)' is missing", expected: "graph")
    }
    guard case .graph(let graph) = found else { throw mismatch(name, "graph", found) }
    return graph
  }

  /// The DType an int attribute names, e.g. Cast's `to`.
  package mutating func dtype(_ name: String) throws(MaasError) -> DType? {
    guard let number = try int(name) else { return nil }
    guard let raw = Int32(exactly: number), let dtype = DType(rawValue: raw) else {
      throw MaasError(.unsupported, "attribute '\(name)' names an unknown element type", found: "\(number)")
    }
    return dtype
  }

  /// Every attribute, for an operator that has whatever the node gives it.
  package mutating func all() -> [Attribute] {
    unread = []
    return attributes
  }

  /// Attributes that later opsets removed, or that change nothing here, are read with this.
  package mutating func ignore(_ names: String...) {
    unread.removeAll { names.contains($0) }
  }

  /// Refuses a node with another number of inputs: for operators to which a rewrite may add inputs that no file has.
  package func expectInputs(_ counts: ClosedRange<Int>) throws(MaasError) {
    try checkInputCount(inputCount, counts)
  }

  /// Refuses attributes that the operator did not read.
  package func finish() throws(MaasError) {
    guard let name = unread.first else { return }
    throw MaasError(
      .unsupported, "attribute '\(name)' is not known",
      hint: didYouMean(name, known)
        ?? "the operator has no such attribute at opset \(opset), or maas does not support it")
  }
}

package func checkInputCount(_ count: Int, _ allowed: ClosedRange<Int>) throws(MaasError) {
  guard !allowed.contains(count) else { return }
  throw MaasError(
    .invalidModel, "the number of inputs is wrong",
    expected: allowed.count == 1 ? "\(allowed.lowerBound)" : "\(allowed.lowerBound) to \(allowed.upperBound)",
    found: "\(count)")
}
