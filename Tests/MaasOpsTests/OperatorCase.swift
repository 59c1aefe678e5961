import CMaasSystem
import Foundation
import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// One line of Fixtures/cases.jsonl, see make-cases.py.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  let name: String
  let op: String
  let domain: String
  let opset: Int
  let attributes: [Attribute]
  let inputs: [Tensor?]
  let expected: [Tensor?]
  let tolerance: Tolerance

  var testDescription: String { "\(op) \(name)" }

  func makeOperator() throws -> any Operator {
    let registration = try operatorRegistration(op, domain: domain, opset: opset)
    var reader = AttributeReader(
      attributes, opset: opset, inputCount: inputs.count, outputCount: expected.count)
    return try registration.make(&reader)
  }
}

/// |found - expected| <= absolute + relative |expected|
struct Tolerance {
  let relative: Double
  let absolute: Double

  /// For results whose arithmetic is that of the element type; integers are exact.
  static func usual(_ dtype: DType) -> Tolerance {
    switch dtype {
    case .float: Tolerance(relative: 1e-5, absolute: 1e-6)
    case .float16: Tolerance(relative: 2e-3, absolute: 1e-3)
    case .bfloat16: Tolerance(relative: 1e-2, absolute: 1e-2)
    default: Tolerance(relative: 1e-9, absolute: 1e-11)
    }
  }
}

let operatorCases: [OperatorCase] = {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/cases.jsonl")
  guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return text.split(separator: "\n").compactMap { line in
    (try? decoder.decode(Line.self, from: Data(line.utf8))).flatMap { try? OperatorCase($0) }
  }
}()

private struct Line: Decodable {
  let name: String
  let op: String
  let domain: String?
  let opset: Int
  let attributes: [String: LineAttribute]?
  let rtol: Double?
  let atol: Double?
  let inputs: [String?]
  let outputs: [String?]
}

private struct LineAttribute: Decodable {
  let float: Float?
  let int: Int?
  let string: String?
  let tensor: String?
  let floats: [Float]?
  let ints: [Int]?
  let strings: [String]?

  func value() throws -> AttributeValue {
    if let float { return .float(float) }
    if let int { return .int(int) }
    if let string { return .string(string) }
    if let floats { return .floats(floats) }
    if let ints { return .ints(ints) }
    if let strings { return .strings(strings) }
    return .tensor(try decodedTensor(tensor ?? ""))
  }
}

extension OperatorCase {
  fileprivate init(_ line: Line) throws {
    name = line.name
    op = line.op
    domain = line.domain ?? ""
    opset = line.opset
    attributes = try (line.attributes ?? [:]).map { Attribute($0, try $1.value()) }
    inputs = try line.inputs.map { try $0.map(decodedTensor) }
    expected = try line.outputs.map { try $0.map(decodedTensor) }
    let usual = Tolerance.usual(expected.compactMap { $0 }.first?.dtype ?? .float)
    tolerance = Tolerance(relative: line.rtol ?? usual.relative, absolute: line.atol ?? usual.absolute)
  }
}

/// `dtype dims elements`, the elements as base64 of their bytes, or of a JSON list of strings.
private func decodedTensor(_ text: String) throws -> Tensor {
  let parts = text.split(separator: " ", omittingEmptySubsequences: false)
  let dtype = try #require(DType(rawValue: Int32(parts[0]) ?? 0))
  let shape = parts[1].split(separator: ",").map { Int($0) ?? 0 }
  let data = try #require(Data(base64Encoded: String(parts[2])))
  if dtype == .string {
    return try Tensor(shape, strings: try JSONDecoder().decode([String].self, from: data))
  }
  let tensor = try Tensor(dtype, shape)
  try #require(data.count == tensor.byteCount)
  for (i, byte) in data.enumerated() { tensor.bytes.storeBytes(of: byte, toByteOffset: i, as: UInt8.self) }
  return tensor
}
