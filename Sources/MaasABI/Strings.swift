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
    var copies: [[UInt8]] = []
    for i in 0..<count {
      let text = try required(try required(strings, "strings")[i], "strings[i]")
      copies.append(try bytes(text, lengths?[i]))
    }
    result.pointee = handle(TensorHandle(try Tensor(sizes, strings: copies)))
  }
}

/// A string as C passes it; without a length it ends with a zero byte.
private func bytes(_ text: UnsafePointer<CChar>, _ length: Int?) throws(MaasError) -> [UInt8] {
  guard let length else { return Array(String(cString: text).utf8) }
  guard length >= 0 else {
    throw MaasError(
      .invalidArgument, "the length of a string is more than any memory has",
      found: "\(UInt(bitPattern: length))")
  }
  return Array(UnsafeRawBufferPointer(start: text, count: length))
}

@c @implementation
package func maas_tensor_string(
  _ tensor: OpaquePointer?, _ index: Int, _ bytes: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let tensor = try MaasABI.tensor(tensor, "tensor")
    guard tensor.dtype == .string else {
      throw MaasError(
        .typeMismatch, "the tensor holds no strings", expected: "string", found: tensor.dtype.name)
    }
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
