import CMaas
import CMaasSystem
import MaasCore

/// What a `maas_tensor` is: a tensor, and its shape where C can read it.
final class TensorHandle {
  let tensor: Tensor
  let shape: UnsafeMutablePointer<Int64>

  init(_ tensor: Tensor) {
    self.tensor = tensor
    shape = .allocate(capacity: max(tensor.shape.count, 1))
    for (axis, size) in tensor.shape.enumerated() { (shape + axis).initialize(to: Int64(size)) }
  }

  deinit { shape.deallocate() }
}

/// The tensor behind a handle.
func tensor(_ handle: OpaquePointer?, _ argument: StaticString) throws(MaasError) -> Tensor {
  try object(TensorHandle.self, handle, argument).tensor
}

@c @implementation
package func maas_tensor_create(
  _ dtype: maas_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "tensor")
    let dtype = try elementType(dtype)
    let tensor = try Tensor(dtype, sizes(shape, rank, dtype))
    maas_sys_zero(tensor.bytes, tensor.byteCount)
    result.pointee = handle(TensorHandle(tensor))
  }
}

@c @implementation
package func maas_tensor_copy(
  _ dtype: maas_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int, _ data: UnsafeRawPointer?, _ bytes: Int,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "tensor")
    let source = try borrowed(
      dtype, shape, rank, UnsafeMutableRawPointer(mutating: data), bytes, release: nil)
    let tensor = try Tensor(source.dtype, source.shape)
    maas_sys_copy(tensor.bytes, source.bytes, tensor.byteCount)
    result.pointee = handle(TensorHandle(tensor))
  }
}

@c @implementation
package func maas_tensor_borrow(
  _ dtype: maas_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int, _ data: UnsafeMutableRawPointer?,
  _ bytes: Int, _ release: maas_release?, _ context: UnsafeMutableRawPointer?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "tensor")
    let release = release.map { function in { function(context) } }
    result.pointee = handle(TensorHandle(try borrowed(dtype, shape, rank, data, bytes, release: release)))
  }
}

/// A tensor over memory of the caller, after all checks; a failure leaves `release` uncalled.
func borrowed(
  _ dtype: maas_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int, _ data: UnsafeMutableRawPointer?,
  _ bytes: Int, release: (() -> Void)?
) throws(MaasError) -> Tensor {
  let dtype = try elementType(dtype)
  let sizes = try sizes(shape, rank, dtype)
  let needed = try byteCount(sizes, dtype)
  // size_t beyond Int.max arrives negative: more than anything can need.
  let capacity = bytes < 0 ? Int.max : bytes
  if capacity < needed {
    throw MaasError(
      .bufferTooSmall, "the memory is too small for \(dtype.name)\(describe(sizes))",
      expected: "\(needed) bytes", found: "\(capacity)")
  }
  let base = try address(data, needed)
  if UInt(bitPattern: base) % UInt(max(dtype.byteWidth, 1)) != 0 {
    throw MaasError(
      .invalidArgument, "the memory of a \(dtype.name) tensor must be aligned to \(dtype.byteWidth) bytes")
  }
  return try Tensor(dtype, sizes, storage: .borrow(base, needed, release: release))
}

/// `data`, which may be NULL only where no byte is needed.
private func address(_ data: UnsafeMutableRawPointer?, _ needed: Int) throws(MaasError)
  -> UnsafeMutableRawPointer
{
  if let data { return data }
  guard needed == 0, let unused = UnsafeMutableRawPointer(bitPattern: 64) else {
    return try required(data, "data")
  }
  return unused
}

@c @implementation
package func maas_tensor_close(_ tensor: OpaquePointer?) -> maas_status {
  close(TensorHandle.self, tensor)
}

@c @implementation
package func maas_tensor_dtype(_ tensor: OpaquePointer?, _ dtype: UnsafeMutablePointer<maas_dtype>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let tensor = try MaasABI.tensor(tensor, "tensor")
    try required(dtype, "dtype").pointee = code(tensor.dtype)
  }
}

@c @implementation
package func maas_tensor_shape(
  _ tensor: OpaquePointer?, _ shape: UnsafeMutablePointer<UnsafePointer<Int64>?>?,
  _ rank: UnsafeMutablePointer<Int>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let tensor = try object(TensorHandle.self, tensor, "tensor")
    shape?.pointee = UnsafePointer(tensor.shape)
    rank?.pointee = tensor.tensor.shape.count
  }
}

@c @implementation
package func maas_tensor_elements(_ tensor: OpaquePointer?, _ elements: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let tensor = try MaasABI.tensor(tensor, "tensor")
    try required(elements, "elements").pointee = tensor.count
  }
}

@c @implementation
package func maas_tensor_data(
  _ tensor: OpaquePointer?, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ bytes: UnsafeMutablePointer<Int>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let tensor = try MaasABI.tensor(tensor, "tensor")
    data?.pointee = tensor.bytes
    bytes?.pointee = tensor.byteCount
  }
}
