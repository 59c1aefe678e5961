import CMaasSystem
import MaasCore
import MaasGraph

/// BitwiseAnd, BitwiseOr and BitwiseXor: two integer tensors of one type, with broadcasting.
package final class Bitwise: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let function: BitFunction

    package static let and = Row(name: "BitwiseAnd", function: .and)
    package static let or = Row(name: "BitwiseOr", function: .or)
    package static let xor = Row(name: "BitwiseXor", function: .xor)
  }

  private let row: Row
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) { try node.inferIntegerPair() }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.lowerBits(row.function, try node.input(1))
  }
}

/// The first input shifted by the second. Bits that come in are zero, or the sign's in a right shift of a signed type.
package final class BitShift: ReadableOperator {
  package let name = "BitShift"
  private let isLeft: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let direction = try reader.string("direction") ?? ""
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw MaasError(
        .invalidModel, "attribute 'direction' has an unknown value", expected: "LEFT or RIGHT",
        found: "'\(direction)'")
    }
    isLeft = direction == "LEFT"
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) { try node.inferIntegerPair() }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let isSigned = DType.signedIntegers.contains(try node.input(0).dtype)
    try node.lowerBits(isLeft ? .left : isSigned ? .signedRight : .right, try node.input(1))
  }
}

/// Every bit flipped.
package final class BitwiseNot: ReadableOperator {
  package let name = "BitwiseNot"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.integers)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let dtype = try node.input(0).dtype
    let ones = try Tensor(.uint8, [dtype.byteWidth], [UInt8](repeating: 0xff, count: dtype.byteWidth))
    try node.lowerBits(.xor, try node.constant(try Tensor(dtype, [], storage: ones.storage)))
  }
}

enum BitFunction: Int32 {
  case and, or, xor, left, right, signedRight
}

extension Inference {
  fileprivate mutating func inferIntegerPair() throws(MaasError) {
    try expectInputs(2...2)
    try expectDType(0, DType.integers)
    try expectSameDType(0, 1)
    setOutput(0, try dtype(0), try broadcastShape(0..<2))
  }
}

extension Lowering {
  /// Emits the output as a function of input 0 and `b`.
  fileprivate mutating func lowerBits(_ function: BitFunction, _ b: Operand) throws(MaasError) {
    let (a, y) = (try input(0), try output())
    try mayReuseElementwise(0)
    let walk = try Walk(broadcasting: [a.shape, b.shape], to: y.shape)
    let params = BitParams(function: function.rawValue, walk: WalkParams(walk))
    emit(runBits, [a, b, y], params, dtype: y.dtype, items: y.count, grain: grain(nanoseconds: 1))
  }
}

private struct BitParams {
  let function: Int32
  let walk: WalkParams
}

private let runBits: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  switch DType(rawValue: chunk.step.pointee.dtype)?.byteWidth {
  case 1: return bits(chunk, UInt8.self)
  case 2: return bits(chunk, UInt16.self)
  case 4: return bits(chunk, UInt32.self)
  default: return bits(chunk, UInt64.self)
  }
}

/// a, b, y.
private func bits<T: UnsignedInteger & FixedWidthInteger>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
  let params = chunk.params(BitParams.self)
  let (a, b, y) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self))
  let strides = params.pointee.walk.rowStrides
  let function = BitFunction(rawValue: params.pointee.function) ?? .and
  params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, aAt, bAt, _, count in
    for i in 0..<count { y[at + i] = apply(function, a[aAt + i * strides.a], b[bAt + i * strides.b]) }
  }
  return StepStatus.ok
}

/// Shifts by more than a type has bits, which a negative number is as an unsigned one, leave only what comes in.
@inline(__always)
private func apply<T: UnsignedInteger & FixedWidthInteger>(_ function: BitFunction, _ a: T, _ b: T) -> T {
  switch function {
  case .and: a & b
  case .or: a | b
  case .xor: a ^ b
  case .left: a << b
  case .right: a >> b
  case .signedRight: a.leadingZeroBitCount == 0 ? ~(~a >> b) : a >> b
  }
}
