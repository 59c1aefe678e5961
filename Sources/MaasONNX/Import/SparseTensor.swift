import CMaasSystem
import MaasCore

extension TensorDecoder {
  /// A sparse tensor as a dense one: zeros, and the values where the indices say.
  func dense(_ proto: SparseTensorProto, fallbackName: String) throws(MaasError) -> Tensor {
    let values = try tensor(proto.values.value ?? TensorProto(), fallbackName: fallbackName)
    let indices = try tensor(proto.indices.value ?? TensorProto(), fallbackName: fallbackName)
    let shape = proto.dims.map { Int($0) }
    let name = source.text(proto.values.value?.name)
    guard values.shape.count == 1, values.dtype.byteWidth > 0, let positions = indices.integers,
      positions.count == values.count * (indices.shape.count == 2 ? shape.count : 1)
    else {
      throw MaasError(
        .invalidModel, "values and indices of the sparse tensor do not fit each other", tensor: name)
    }
    let dense = try Tensor(values.dtype, shape)
    maas_sys_zero(dense.bytes, dense.byteCount)
    let width = values.dtype.byteWidth
    for i in 0..<values.count {
      let position =
        indices.shape.count == 2 ? Array(positions[i * shape.count..<(i + 1) * shape.count]) : [positions[i]]
      let at = try offset(position, shape, dense.count, name)
      maas_sys_copy(dense.bytes + at * width, values.bytes + i * width, width)
    }
    return try dense.owned()
  }

  /// The element that coordinates, or a single flat index, name.
  private func offset(_ position: [Int], _ shape: [Int], _ count: Int, _ name: String) throws(MaasError)
    -> Int
  {
    let limits = position.count == shape.count ? shape : [count]
    var offset = 0
    for (index, limit) in zip(position, limits) {
      guard index >= 0, index < limit else {
        throw MaasError(
          .invalidModel, "an index of the sparse tensor is out of range", tensor: name,
          expected: "0..\(limit - 1)", found: "\(index)")
      }
      offset = offset * limit + index
    }
    return offset
  }
}
