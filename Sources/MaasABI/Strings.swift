import CMaas
import CMaasSystem
import MaasCore

@c @implementation
package func maas_tensor_create_strings(
  _ shape: UnsafePointer<Int64>?, _ rank: Int, _ strings: UnsafePointer<UnsafePointer<CChar>?>?,
  _ lengths: UnsafePointer<Int>?, _ count: Int, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  create(shape, rank, count, UnsafeRawPointer(strings), "strings", result) { (i) throws(MaasError) in
    let text = try required(try required(strings, "strings")[i], "strings[i]")
    return StringElement(text, count: try length(text, lengths?[i]))
  }
}

@c @implementation
package func maas_tensor_read_strings(
  _ shape: UnsafePointer<Int64>?, _ rank: Int, _ items: UnsafePointer<UnsafeMutableRawPointer?>?,
  _ read: (@convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar>?)?,
  _ count: Int, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  create(shape, rank, count, UnsafeRawPointer(items), "items", isLogged: false, result) {
    (i) throws(MaasError) in
    let item = try required(try required(items, "items")[i], "items[i]")
    var size = 0
    guard let text = try required(read, "read")(item, &size) else {
      throw MaasError(.invalidArgument, "item \(i) is no string")
    }
    return StringElement(text, count: try length(text, size))
  }
}

/// A tensor of copies of the elements, which the named argument has.
private func create(
  _ shape: UnsafePointer<Int64>?, _ rank: Int, _ count: Int, _ elements: UnsafeRawPointer?,
  _ argument: StaticString, isLogged: Bool = true, _ result: UnsafeMutablePointer<OpaquePointer?>?,
  _ element: (Int) throws(MaasError) -> StringElement
) -> maas_status {
  withStatus(isLogged: isLogged) { () throws(MaasError) in
    let result = try required(result, "tensor")
    let sizes = try sizes(shape, rank, .string)
    guard elementCount(sizes) == count else {
      throw MaasError(
        .shapeMismatch, "the number of strings does not fit the shape \(describe(sizes))",
        expected: "\(elementCount(sizes) ?? 0)", found: "\(UInt(bitPattern: count))")
    }
    if count > 0 { _ = try required(elements, argument) }
    var elements: [StringElement] = []
    elements.reserveCapacity(count)
    for i in 0..<count { elements.append(try element(i)) }
    let copy = try elements.withUnsafeBufferPointer { (elements) throws(MaasError) in
      try Tensor(sizes, copying: elements)
    }
    result.pointee = handle(TensorHandle(copy))
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

@c @implementation
package func maas_tensor_map_strings(
  _ tensor: OpaquePointer?,
  _ make: (@convention(c) (UnsafePointer<CChar>?, Int, UnsafePointer<CChar>?) -> UnsafeMutableRawPointer?)?,
  _ context: UnsafePointer<CChar>?, _ results: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> maas_status {
  withStatus(isLogged: false) { () throws(MaasError) in
    let tensor = try stringTensor(tensor)
    let (make, results) = (try required(make, "make"), try required(results, "results"))
    let elements = tensor.stringElements
    for i in 0..<elements.count {
      let start = elements[i].bytes.baseAddress ?? UnsafeRawPointer(tensor.bytes)
      guard let result = make(start.assumingMemoryBound(to: CChar.self), elements[i].count, context) else {
        throw MaasError(.outOfMemory, "nothing could be made of string \(i)")
      }
      results[i] = result
    }
  }
}
