import CMaasSystem
import MaasCore

/// Rearrangements of elements into what tensors hold: row-major, little-endian, and 0 or 1 for booleans.

/// A copy in which each group of `width` bytes (2, 4 or 8) is reversed.
func swapped(_ data: TensorStorage, width: Int) throws(MaasError) -> TensorStorage {
  let result = try TensorStorage.allocate(data.byteCount)
  switch width {
  case 2: swapEach(UInt16.self, data, result)
  case 4: swapEach(UInt32.self, data, result)
  default: swapEach(UInt64.self, data, result)
  }
  return result
}

private func swapEach<T: FixedWidthInteger & BitwiseCopyable>(
  _: T.Type, _ from: TensorStorage, _ to: TensorStorage
) {
  for offset in stride(from: 0, to: from.byteCount, by: MemoryLayout<T>.size) {
    let value = from.base.loadUnaligned(fromByteOffset: offset, as: T.self)
    to.base.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: T.self)
  }
}

/// A copy of column-major (Fortran) elements of `width` bytes in row-major order.
func rowMajor(_ data: TensorStorage, _ shape: [Int], width: Int) throws(MaasError) -> TensorStorage {
  let result = try TensorStorage.allocate(data.byteCount)
  switch width {
  case 1: transpose(UInt8.self, data, result, shape)
  case 2: transpose(UInt16.self, data, result, shape)
  case 4: transpose(UInt32.self, data, result, shape)
  case 8: transpose(UInt64.self, data, result, shape)
  default: transpose(SIMD2<UInt64>.self, data, result, shape)
  }
  return result
}

/// `shape` has at least two dimensions, and its element count is that of both storages.
private func transpose<T: BitwiseCopyable>(
  _: T.Type, _ from: TensorStorage, _ to: TensorStorage, _ shape: [Int]
) {
  var strides = [1]
  for dimension in shape.dropLast() { strides.append(strides[strides.count - 1] * max(dimension, 1)) }
  let size = MemoryLayout<T>.size
  let last = shape.count - 1
  var index = [Int](repeating: 0, count: shape.count)
  var source = 0
  var written = 0
  while written < from.byteCount {
    for i in 0..<shape[last] {
      let value = from.base.loadUnaligned(fromByteOffset: (source + i * strides[last]) * size, as: T.self)
      to.base.storeBytes(of: value, toByteOffset: written, as: T.self)
      written += size
    }
    source += step(&index, shape, strides, axes: last)
  }
}

/// Moves `index` on by one row, the last of the first `axes` fastest; returns how far the offset moves.
private func step(_ index: inout [Int], _ shape: [Int], _ strides: [Int], axes: Int) -> Int {
  var moved = 0
  for axis in (0..<axes).reversed() {
    index[axis] += 1
    moved += strides[axis]
    if index[axis] < shape[axis] { return moved }
    index[axis] = 0
    moved -= shape[axis] * strides[axis]
  }
  return moved
}

/// The same bytes when all are 0 or 1; else a copy in which what is not 0 is 1, as NumPy reads it.
func zeroOrOne(_ data: TensorStorage) throws(MaasError) -> TensorStorage {
  let bytes = UnsafeRawBufferPointer(start: data.base, count: data.byteCount)
  if bytes.allSatisfy({ $0 <= 1 }) { return data }
  let result = try TensorStorage.allocate(data.byteCount)
  for (i, byte) in bytes.enumerated() {
    result.base.storeBytes(of: min(byte, 1), toByteOffset: i, as: UInt8.self)
  }
  return result
}

/// A part of a file that is being put together.
enum FilePart {
  case bytes([UInt8])
  case tensor(Tensor)

  var byteCount: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .tensor(let tensor): tensor.byteCount
    }
  }

  /// Calls `body` with the part's bytes.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch self {
    case .bytes(let bytes): bytes.withUnsafeBytes(body)
    case .tensor(let tensor): body(UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount))
    }
  }
}

/// All parts one after the other, in one piece of memory.
func concatenated(_ parts: [FilePart]) throws(MaasError) -> TensorStorage {
  var size = 0
  for part in parts {
    guard let next = sum(size, part.byteCount) else {
      throw MaasError(.limitExceeded, "the arrays are too large for one file")
    }
    size = next
  }
  let result = try TensorStorage.allocate(size)
  var offset = 0
  for part in parts {
    part.withBytes { bytes in
      if let base = bytes.baseAddress { maas_sys_copy(result.base + offset, base, bytes.count) }
    }
    offset += part.byteCount
  }
  return result
}
