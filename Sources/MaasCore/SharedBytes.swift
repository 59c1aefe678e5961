import CMaasSystem

/// Bytes that models of this process have in common, such as packed weights, with a count of their users: those made
/// from the same part of a file, and those that turn out to be equal.
package enum SharedBytes {
  /// What is made of the same bytes of an unchanged file in the same layout is the same.
  fileprivate struct Origin: Hashable {
    let file: FileIdentity
    let offset: Int
    let type: [Int]
    let layout: String

    init?(_ source: Tensor, _ layout: String) {
      guard let origin = source.storage.origin, let file = origin.file.identity else { return nil }
      self.file = file
      offset = origin.offset
      type = [Int(source.dtype.rawValue)] + source.shape
      self.layout = layout
    }
  }

  private struct Entry {
    var users = 1
    let fingerprint: Int
    var origins: Set<Origin> = []
  }

  private static let lock: Lock = {
    let lock = Lock()
    // The child of a fork finds the tables whole and the lock free.
    _ = maas_sys_at_fork(
      { SharedBytes.lock.acquire() }, { SharedBytes.lock.release() }, { SharedBytes.lock.release() })
    return lock
  }()
  private nonisolated(unsafe) static var entries: [ObjectIdentifier: Entry] = [:]
  private nonisolated(unsafe) static var byOrigin: [Origin: TensorStorage] = [:]
  private nonisolated(unsafe) static var byFingerprint: [Int: [TensorStorage]] = [:]
  /// What is smaller is not worth a place in the tables.
  private static let least = 4096

  /// What `source` has become in `layout`, made by `make` if nobody has it. Every call counts as a user.
  package static func of(
    _ source: Tensor, _ layout: String, _ make: () throws(MaasError) -> TensorStorage
  ) throws(MaasError) -> TensorStorage {
    let origin = Origin(source, layout)
    if let known = origin.flatMap({ take($0) }) { return known }
    return share(try make(), origin)
  }

  /// A user is gone.
  package static func leave(_ storage: TensorStorage) {
    let id = ObjectIdentifier(storage)
    lock.holding {
      guard var entry = entries[id] else { return }
      entry.users -= 1
      entries[id] = entry.users > 0 ? entry : nil
      if entry.users > 0 { return }
      for origin in entry.origins { byOrigin[origin] = nil }
      let others = byFingerprint[entry.fingerprint]?.filter { $0 !== storage } ?? []
      byFingerprint[entry.fingerprint] = others.isEmpty ? nil : others
    }
  }

  private static func take(_ origin: Origin) -> TensorStorage? {
    lock.holding {
      guard let known = byOrigin[origin] else { return nil }
      entries[ObjectIdentifier(known)]?.users += 1
      return known
    }
  }

  /// The bytes that others have already and are equal to `made`, or else `made`.
  fileprivate static func share(_ made: TensorStorage, _ origin: Origin? = nil) -> TensorStorage {
    if made.byteCount < least { return made }
    let fingerprint = fingerprint(made)
    return lock.holding {
      let known = byFingerprint[fingerprint]?.first { isEqual($0, made) }
      let storage = known ?? made
      var entry = entries[ObjectIdentifier(storage)] ?? Entry(users: 0, fingerprint: fingerprint)
      entry.users += 1
      if let origin, byOrigin[origin] == nil {
        byOrigin[origin] = storage
        entry.origins.insert(origin)
      }
      entries[ObjectIdentifier(storage)] = entry
      if known == nil { byFingerprint[fingerprint, default: []].append(made) }
      return storage
    }
  }

  private static func isEqual(_ a: TensorStorage, _ b: TensorStorage) -> Bool {
    a.byteCount == b.byteCount && maas_sys_equal(a.base, b.base, a.byteCount)
  }

  /// Some of the bytes as a number: what differs there need not be compared.
  private static func fingerprint(_ storage: TensorStorage) -> Int {
    let words = storage.byteCount / 8
    var result = storage.byteCount
    for i in stride(from: 0, to: words, by: words / 128) {
      result = (result ^ storage.base.load(fromByteOffset: i * 8, as: Int.self)) &* 0x100_0000_01b3
    }
    return result
  }
}

/// A tensor of an operator's own making, which nobody writes to and equal operators have in common.
package final class SharedTensor: Sendable {
  package let tensor: Tensor

  package init(_ tensor: Tensor) throws(MaasError) {
    self.tensor = try Tensor(tensor.dtype, tensor.shape, storage: SharedBytes.share(tensor.storage))
  }

  deinit { SharedBytes.leave(tensor.storage) }
}
