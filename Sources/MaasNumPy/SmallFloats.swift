import MaasCore

extension Tensor {
  /// Elements of the floating-point types below 32 bits that NumPy lacks; nil for other types.
  func smallFloats(at indices: [Int]) -> [Float]? {
    if dtype == .bfloat16 {
      return indices.map {
        Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) << 16)
      }
    }
    return SmallFloat.of(dtype).map { format in packed(at: indices).map { format.value($0) } }
  }
}
