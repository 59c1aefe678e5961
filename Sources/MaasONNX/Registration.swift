import MaasCore
import MaasGraph
import MaasOps

/// How one ONNX operator becomes an `Operator`.
package struct Registration: Sendable {
  /// ONNX's op_type and domain ("" is ai.onnx).
  package let name: String
  package let domain: String
  /// The first and last opset version that this row reads.
  package let opsets: ClosedRange<Int>
  package let make: @Sendable (inout AttributeReader) throws(MaasError) -> any Operator

  package init(
    _ name: String, domain: String = "", opsets: ClosedRange<Int> = 1...28,
    make: @escaping @Sendable (inout AttributeReader) throws(MaasError) -> any Operator
  ) {
    self.name = name
    self.domain = domain
    self.opsets = opsets
    self.make = make
  }

  /// An operator made from its attributes alone.
  init<Op: ReadableOperator>(_ name: String, domain: String = "", since opset: Int = 1, _ type: Op.Type) {
    self.init(name, domain: domain, opsets: opset...28) { (reader: inout AttributeReader) throws(MaasError) in
      try Op(&reader)
    }
  }

  /// An operator of a family, told apart by its row.
  init<Op: OperatorFamily>(
    _ name: String, domain: String = "", since opset: Int = 1, _ type: Op.Type, _ row: Op.Row
  ) {
    self.init(name, domain: domain, opsets: opset...28) { (reader: inout AttributeReader) throws(MaasError) in
      try Op(row, &reader)
    }
  }
}
