import CMaas
import MaasCore
import MaasGraph
import MaasONNX

@c @implementation
package func maas_operators_create(_ operators: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status {
  withStatus { () throws(MaasError) in
    try required(operators, "operators").pointee = handle(OperatorRegistry())
  }
}

@c @implementation
package func maas_operators_close(_ operators: OpaquePointer?) -> maas_status {
  close(OperatorRegistry.self, operators)
}

@c @implementation
package func maas_operators_add(
  _ operators: OpaquePointer?, _ domain: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
  _ sinceVersion: Int64, _ shape: maas_operator_callback?, _ compute: maas_operator_callback?,
  _ release: maas_release?, _ context: UnsafeMutableRawPointer?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let operators = try object(OperatorRegistry.self, operators, "operators")
    let definition = CustomDefinition(
      try string(name, "name"), try required(shape, "shape"), try required(compute, "compute"), context)
    let row = Registration(
      definition.name, domain: try string(domain, "domain"),
      opsets: Int(min(sinceVersion, .max - 1))...Int.max
    ) { (reader: inout AttributeReader) throws(MaasError) in try CustomOperator(definition, &reader) }
    try operators.add(row)
    definition.release = release
  }
}

/// What was added under one name. The context goes back when nobody can call the functions any more.
final class CustomDefinition: @unchecked Sendable {
  let name: String
  let shape: maas_operator_callback
  let compute: maas_operator_callback
  let context: UnsafeMutableRawPointer?
  /// Set when the definition has been accepted: before, the context is the caller's.
  fileprivate(set) var release: maas_release?

  init(
    _ name: String, _ shape: @escaping maas_operator_callback, _ compute: @escaping maas_operator_callback,
    _ context: UnsafeMutableRawPointer?
  ) {
    self.name = name
    self.shape = shape
    self.compute = compute
    self.context = context
  }

  deinit { release?(context) }
}
