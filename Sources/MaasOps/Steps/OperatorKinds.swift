import MaasCore
import MaasGraph

/// An operator made from its attributes alone.
package protocol ReadableOperator: Operator {
  init(_ reader: inout AttributeReader) throws(MaasError)
}

/// Operators that share shape rule and kernel signature: a table row tells them apart.
package protocol OperatorFamily: Operator {
  associatedtype Row: Sendable
  init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError)
}
