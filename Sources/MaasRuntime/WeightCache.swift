import CMaasSystem
import MaasCore
import MaasGraph

/// Bytes derived from a model's constants (packed weights, aligned copies), made once and shared by all its sessions,
/// and with other models that have the same.
package final class WeightCache: @unchecked Sendable {
  private struct Key: Hashable {
    let source: ObjectIdentifier
    let layout: String
  }

  private let lock = Lock()
  private let constants: [NamedConstant]
  private let owned: Set<ObjectIdentifier>
  /// Bytes of the constants themselves.
  let constantBytes: Int
  private var made: [Key: TensorStorage] = [:]
  private static let alignedLayout = "aligned"

  /// `graph` is the only owner of the constants that are worth remembering: others die with their plan.
  package init(_ graph: Graph) {
    constants = graph.namedConstants
    constantBytes = constants.reduce(0) { $0 + $1.tensor.byteCount }
    owned = Set(constants.map { ObjectIdentifier($0.tensor) })
  }

  deinit { for storage in made.values { SharedBytes.leave(storage) } }

  /// Bytes held, packed weights and copies together; what lies in a compiled model's file is not counted.
  package var byteCount: Int {
    lock.holding { made.values.reduce(0) { $0 + ($1.isPart ? 0 : $1.byteCount) } }
  }

  /// The bytes a step packs from a constant.
  func packed(_ request: PackRequest, threads: Int) throws(MaasError) -> TensorStorage {
    try remembered(request.source, request.layout, request.byteCount) { () throws(MaasError) in
      let target = try TensorStorage.allocateLasting(request.byteCount)
      try request.fill(target, threads: threads)
      return target
    }
  }

  /// The tensor at an address its element type may be loaded from.
  func aligned(_ tensor: Tensor) throws(MaasError) -> Tensor {
    if tensor.isAligned { return tensor }
    let copy = PackRequest(
      source: tensor, layout: Self.alignedLayout, byteCount: tensor.byteCount,
      step: .copy(from: BufferID(1), to: BufferID(0), tensor.byteCount))
    return try Tensor(tensor.dtype, tensor.shape, storage: try packed(copy, threads: 1))
  }

  /// `byteCount` is what the bytes must be: those of a file may be others.
  private func remembered(
    _ source: Tensor, _ layout: String, _ byteCount: Int, _ make: () throws(MaasError) -> TensorStorage
  ) throws(MaasError) -> TensorStorage {
    let key = Key(source: ObjectIdentifier(source), layout: layout)
    guard owned.contains(key.source) else { return try make() }
    if let known = lock.holding({ made[key] }), byteCount == known.byteCount {
      return known
    }
    let storage = try SharedBytes.of(source, layout, make)
    let earlier = lock.holding {
      let earlier = made[key].flatMap { $0.byteCount == storage.byteCount ? $0 : nil }
      if earlier == nil { made[key] = storage }
      return earlier
    }
    if earlier != nil { SharedBytes.leave(storage) }
    return earlier ?? storage
  }
}

// Packed weights in files.
extension WeightCache {
  /// Takes what was packed before for a graph like this one. The bytes are data to kernels: what is in them decides
  /// results, never addresses.
  package func take(_ packings: [Packing]) {
    lock.holding {
      for packing in packings {
        guard let constant = constants[at: packing.constant], constant.name == packing.name else { continue }
        made[Key(source: ObjectIdentifier(constant.tensor), layout: packing.layout)] = packing.bytes
      }
    }
  }

  /// All that is packed, by address.
  package var packings: [UnsafeMutableRawPointer: Packing] {
    var indices: [ObjectIdentifier: Int] = [:]
    for (i, constant) in constants.enumerated() { indices[ObjectIdentifier(constant.tensor)] = i }
    var packings: [UnsafeMutableRawPointer: Packing] = [:]
    for (key, bytes) in lock.holding({ made }) where key.layout != Self.alignedLayout {
      guard let i = indices[key.source] else { continue }
      packings[bytes.base] = Packing(
        constant: i, name: constants[i].name, layout: key.layout, bytes: bytes)
    }
    return packings
  }
}

package struct NamedConstant {
  let name: String
  let tensor: Tensor
}

extension Graph {
  /// Every constant of the graph and of the bodies in it, in an order that equal graphs share.
  package var namedConstants: [NamedConstant] {
    var constants: [NamedConstant] = []
    for value in values {
      if let constant = value.constant { constants.append(NamedConstant(name: value.name, tensor: constant)) }
    }
    for node in nodes {
      for body in node.op.bodies { constants += body.namedConstants }
    }
    return constants
  }
}
