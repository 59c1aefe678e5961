import CMaas
import CMaasABI
import MaasCore

private func read(_ node: OpaquePointer?, _ body: (NodeHandle) throws(MaasError) -> Void) -> maas_status {
  withStatus { () throws(MaasError) in try body(object(NodeHandle.self, node, "node")) }
}

@c @implementation
package func maas_node_input_count(_ node: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?) -> maas_status
{
  read(node) { (node) throws(MaasError) in try required(count, "count").pointee = node.inputs.count }
}

@c @implementation
package func maas_node_output_count(_ node: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  read(node) { (node) throws(MaasError) in try required(count, "count").pointee = node.results.count }
}

@c @implementation
package func maas_node_input_info(
  _ node: OpaquePointer?, _ index: Int, _ info: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  read(node) { (node) throws(MaasError) in try required(info, "info").pointee = lent(node.info(index)) }
}

@c @implementation
package func maas_node_input(
  _ node: OpaquePointer?, _ index: Int, _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  read(node) { (node) throws(MaasError) in
    try checkIndex(index, node.inputs.count, "input")
    try required(tensor, "tensor").pointee = lent(node.inputs[index])
  }
}

@c @implementation
package func maas_node_set_shape(
  _ node: OpaquePointer?, _ index: Int, _ dtype: maas_dtype, _ shape: UnsafePointer<Int64>?,
  _ symbols: UnsafePointer<UnsafePointer<CChar>?>?, _ rank: Int64
) -> maas_status {
  read(node) { (node) throws(MaasError) in
    try node.say(index, anyElementType(dtype), shape, symbols, rank: Int(rank))
  }
}

@c @implementation
package func maas_node_output(
  _ node: OpaquePointer?, _ index: Int, _ tensor: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  read(node) { (node) throws(MaasError) in
    try required(tensor, "tensor").pointee = lent(node.place(index))
  }
}

@c @implementation
package func maas_node_set_output(_ node: OpaquePointer?, _ index: Int, _ tensor: OpaquePointer?)
  -> maas_status
{
  read(node) { (node) throws(MaasError) in try node.give(index, MaasABI.tensor(tensor, "tensor")) }
}

// Attributes.

/// The attribute of that name, if it is a single element where `dtype` says so. That the node does not have it is told
/// without an allocation.
@inline(never)
private func attribute(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeRawPointer?, _ dtype: DType?,
  _ status: inout maas_status
) -> NodeAttribute? {
  var found: NodeAttribute?
  status = read(node) { (node) throws(MaasError) in
    _ = try required(value, "value")
    found = node.op.attribute(try required(name, "name"))
    if let dtype, let tensor = found?.value.tensor {
      guard tensor.dtype == dtype, tensor.shape.isEmpty, dtype != .string || found?.text != nil else {
        throw MaasError(
          .typeMismatch, "an attribute is of another kind", expected: dtype.name,
          found: "\(tensor.dtype.name)\(describe(tensor.shape))")
      }
    }
  }
  if status != MAAS_OK { return nil }
  if found == nil {
    status = MAAS_NOT_FOUND
    maas_abi_set_absent(name)
    log(MAAS_LOG_ERROR) { String(cString: maas_error_message()) }
  }
  return found
}

/// Gives `value` what `read` makes of the attribute.
private func give<Value>(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Value>?,
  _ dtype: DType? = nil, _ read: (NodeAttribute) -> Value
) -> maas_status {
  var status = MAAS_OK
  if let found = attribute(node, name, value, dtype, &status) { value?.pointee = read(found) }
  return status
}

@c @implementation
package func maas_node_attribute(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  give(node, name, value) { lent($0.value) }
}

@c @implementation
package func maas_node_int(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Int64>?
) -> maas_status {
  give(node, name, value, .int64) { $0.value.tensor.bytes.load(as: Int64.self) }
}

@c @implementation
package func maas_node_float(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Float>?
) -> maas_status {
  give(node, name, value, .float) { $0.value.tensor.bytes.load(as: Float.self) }
}

@c @implementation
package func maas_node_string(
  _ node: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> maas_status {
  give(node, name, value, .string) {
    length?.pointee = $0.value.tensor.stringElements.first?.count ?? 0
    return $0.text?.pointer
  }
}
