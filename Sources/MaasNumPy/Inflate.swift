import CZlib
import MaasCore

/// What zlib does for zip entries: checksums and raw deflate streams.

/// The CRC-32 of `bytes`, continued from `start`.
func crc32(_ bytes: UnsafeRawBufferPointer, from start: UInt32 = 0) -> UInt32 {
  guard let base = bytes.baseAddress else { return start }
  return UInt32(crc32_z(UInt(start), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

/// The `size` bytes that the raw deflate stream `compressed` holds.
func inflated(_ compressed: UnsafeRawBufferPointer, size: Int) throws(MaasError) -> TensorStorage {
  // Deflate cannot shrink data to less than 1/1032: a larger claim is refused before memory is asked for.
  if size / 1032 > compressed.count {
    throw ZipDirectory.damaged("it claims \(size) bytes in \(compressed.count) compressed ones")
  }
  let result = try TensorStorage.allocate(size)
  var stream = z_stream()
  guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw MaasError(.outOfMemory, "no memory to decompress the entry")
  }
  defer { inflateEnd(&stream) }
  let end = feed(&stream, compressed, result)
  guard end.status == Z_STREAM_END, end.written == size else {
    throw ZipDirectory.damaged("its compressed data do not give the \(size) bytes they should")
  }
  return result
}

/// Runs the stream to its end, a fault, or the end of input or output. zlib counts both in 32 bits.
private func feed(
  _ stream: inout z_stream, _ input: UnsafeRawBufferPointer, _ output: TensorStorage
) -> (status: Int32, written: Int) {
  let most = 1 << 30
  var read = 0
  var written = 0
  var status = Z_OK
  while status == Z_OK {
    let given = min(input.count - read, most)
    let room = min(output.byteCount - written, most)
    stream.next_in = input.baseAddress.map {
      UnsafeMutablePointer(mutating: ($0 + read).assumingMemoryBound(to: UInt8.self))
    }
    stream.avail_in = UInt32(given)
    stream.next_out = (output.base + written).assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(room)
    status = inflate(&stream, Z_NO_FLUSH)
    read += given - Int(stream.avail_in)
    written += room - Int(stream.avail_out)
  }
  return (status, written)
}
