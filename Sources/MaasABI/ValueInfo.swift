import CMaas
import Maas
import MaasCore

/// What a `maas_value_info` is; owned by a model's handle.
final class ValueInfoHandle {
  fileprivate let info: ValueInfo
  fileprivate let name: Text
  fileprivate let type: Text
  fileprivate let dims: [(size: Int64, symbol: Text?)]

  /// `unnamed` are symbols that stand for dimensions without a name.
  init(_ info: ValueInfo, unnamed: Set<Name>) {
    self.info = info
    name = Text(info.name)
    type = Text(info.typeText)
    dims = (info.shape?.dims ?? []).map { dim in
      if let value = dim.value { return (Int64(value), nil) }
      return (-1, Text(unnamed.contains(Name(dim.text)) ? "" : dim.text))
    }
  }
}

@c @implementation
package func maas_value_info_name(
  _ value: OpaquePointer?, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
)
  -> maas_status
{
  giveText(of: value, "value", to: name, "name") { (value: ValueInfoHandle) in value.name }
}

@c @implementation
package func maas_value_info_dtype(_ value: OpaquePointer?, _ dtype: UnsafeMutablePointer<maas_dtype>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let value = try object(ValueInfoHandle.self, value, "value")
    try required(dtype, "dtype").pointee = code(value.info.dtype)
  }
}

@c @implementation
package func maas_value_info_rank(_ value: OpaquePointer?, _ rank: UnsafeMutablePointer<Int64>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let value = try object(ValueInfoHandle.self, value, "value")
    try required(rank, "rank").pointee = value.info.shape.map { Int64($0.rank) } ?? -1
  }
}

@c @implementation
package func maas_value_info_dim(
  _ value: OpaquePointer?, _ axis: Int, _ size: UnsafeMutablePointer<Int64>?,
  _ symbol: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let dim = try element(object(ValueInfoHandle.self, value, "value").dims, axis, "axis")
    size?.pointee = dim.size
    symbol?.pointee = dim.symbol?.pointer
  }
}

@c @implementation
package func maas_value_info_type(
  _ value: OpaquePointer?, _ type: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> maas_status {
  giveText(of: value, "value", to: type, "type") { (value: ValueInfoHandle) in value.type }
}
