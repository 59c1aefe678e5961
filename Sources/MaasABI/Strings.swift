import CMaas
import CMaasSystem
import MaasCore

@c @implementation
package func maas_tensor_create_strings(
  _ shape: UnsafePointer<Int64>?, _ rank: Int, _ strings: UnsafePointer<UnsafePointer<CChar>?>?,
  _ lengths: UnsafePointer<Int>?, _ count: Int, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "tensor")
    let sizes = try sizes(shape, rank, .string)
    guard elementCount(sizes) == count else {
      throw MaasError(
        .shapeMismatch, "the number of strings does not fit the shape \(describe(sizes))",
        expected: "\(elementCount(sizes) ?? 0)", found: "\(UInt(bitPattern: count))")
    }
    var elements: [StringElement] = []
    elements.reserveCapacity(count)
    for i in 0..<count {
      let text = try required(try required(strings, "strings")[i], "strings[i]")
      elements.append(StringElement(text, count: try length(text, lengths?[i])))
    }
    result.pointee = handle(TensorHandle(try Tensor(sizes, copying: elements)))
  }
}

/// The bytes of a string as C passes it; without a length it ends with a zero byte.
private func length(_ text: UnsafePointer<CChar>, _ length: Int?) throws(MaasError) -> Int {
  guard let length else { return maas_sys_length(text) }
  guard length >= 0 else {
    throw MaasError(
      .invalidArgument, "the length of a string is more than any memory has",
      found: "\(UInt(bitPattern: length))")
  }
  return length
}

private func stringTensor(_ handle: OpaquePointer?) throws(MaasError) -> Tensor {
  let tensor = try tensor(handle, "tensor")
  guard tensor.dtype == .string else {
    throw MaasError(
      .typeMismatch, "the tensor holds no strings", expected: "string", found: tensor.dtype.name)
  }
  return tensor
}

@c @implementation
package func maas_tensor_string(
  _ tensor: OpaquePointer?, _ index: Int, _ bytes: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let tensor = try stringTensor(tensor)
    guard index >= 0, index < tensor.count else {
      throw MaasError(
        .invalidArgument, "there is no string with this index", expected: "less than \(tensor.count)",
        found: "\(UInt(bitPattern: index))")
    }
    let (bytes, length) = (try required(bytes, "bytes"), try required(length, "length"))
    let element = tensor.stringElements[index]
    let start = element.bytes.baseAddress ?? UnsafeRawPointer(tensor.bytes)
    bytes.pointee = start.assumingMemoryBound(to: CChar.self)
    length.pointee = element.count
  }
}

@c @implementation
package func maas_tensor_strings(
  _ tensor: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ bytes: UnsafeMutablePointer<Int>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let elements = try stringTensor(tensor).stringElements
    let bytes = try required(bytes, "bytes")
    let needed = elements.reduce(elements.count) { $0 + $1.count }
    bytes.pointee = needed
    guard let buffer else { return }
    // size_t beyond Int.max arrives negative.
    guard capacity < 0 || capacity >= needed else {
      throw MaasError(
        .bufferTooSmall, "the buffer is too small for the strings", expected: "\(needed) bytes",
        found: "\(capacity)")
    }
    var at = UnsafeMutableRawPointer(buffer)
    for element in elements {
      at += element.copy(to: at)
      at.storeBytes(of: 0, as: UInt8.self)
      at += 1
    }
  }
}
