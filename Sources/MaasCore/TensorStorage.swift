import CMaasSystem

/// Where bytes of a tensor live, and who gives them back. One of the two places of unsafe memory in the core
/// (the other is the plan's step buffer).
package final class TensorStorage: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let keeper: Keeper

  private enum Keeper {
    case owned
    case pages
    case borrowed((() -> Void)?)
    case part(of: TensorStorage)
    case file(MappedFile)
  }

  private init(_ base: UnsafeMutableRawPointer, _ byteCount: Int, _ keeper: Keeper) {
    self.base = base
    self.byteCount = byteCount
    self.keeper = keeper
  }

  /// Fresh memory, 64-byte aligned, not cleared.
  package static func allocate(_ byteCount: Int) throws(MaasError) -> TensorStorage {
    guard let base = maas_sys_alloc(byteCount, 64) else {
      throw MaasError(.outOfMemory, "no memory for a tensor of \(byteCount) bytes")
    }
    return TensorStorage(base, byteCount, .owned)
  }

  /// As `allocate`, for what lives as long as a model or session. Where it is large it has pages of its own: the C
  /// library would keep freed blocks of up to 32 MB for the process.
  package static func allocateLasting(_ byteCount: Int) throws(MaasError) -> TensorStorage {
    if byteCount < 128 << 10 { return try allocate(byteCount) }
    guard let base = maas_sys_alloc_pages(byteCount) else {
      throw MaasError(.outOfMemory, "no memory for \(byteCount) bytes")
    }
    return TensorStorage(base, byteCount, .pages)
  }

  /// Memory of the caller's, used without a copy until `release` is called.
  package static func borrow(
    _ base: UnsafeMutableRawPointer, _ byteCount: Int, release: (() -> Void)? = nil
  ) -> TensorStorage {
    TensorStorage(base, byteCount, .borrowed(release))
  }

  /// Bytes of a file that stays mapped as long as they are used.
  package static func mapped(_ file: MappedFile) -> TensorStorage {
    TensorStorage(UnsafeMutableRawPointer(mutating: file.base), file.byteCount, .file(file))
  }

  /// Whether the bytes are nobody else's and stay as long as the storage: its own memory, or a file's.
  package var isOwned: Bool {
    switch keeper {
    case .owned, .pages, .file: true
    case .borrowed: false
    case .part(let whole): whole.isOwned
    }
  }

  /// The mapped file whose bytes these are, and where in it they begin.
  package var origin: (file: MappedFile, offset: Int)? {
    switch keeper {
    case .file(let file): (file, 0)
    case .part(let whole): whole.origin.map { ($0.file, $0.offset + (base - whole.base)) }
    case .owned, .pages, .borrowed: nil
    }
  }

  /// Lets go of the pages of a mapped file until somebody reads them again.
  package func forgetPages() {
    if isMapped { maas_sys_file_forget(base, byteCount) }
  }

  /// Whether the bytes are a file's own pages.
  package var isMapped: Bool { origin?.file.identity != nil }

  /// Whether the bytes are a range of another storage.
  package var isPart: Bool { if case .part = keeper { true } else { false } }

  /// A range of this storage, or nil when it is not inside.
  package func slice(_ offset: Int, _ count: Int) -> TensorStorage? {
    guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else { return nil }
    return TensorStorage(base + offset, count, .part(of: self))
  }

  deinit {
    switch keeper {
    case .owned: maas_sys_free(base)
    case .pages: maas_sys_free_pages(base, byteCount)
    case .borrowed(let release): release?()
    case .part, .file: break
    }
  }
}

/// Which file, as it was when it was mapped: the same numbers, the same bytes.
package struct FileIdentity: Hashable, Sendable {
  private let device, inode, modified, changed: UInt64

  fileprivate init(_ file: maas_sys_file) {
    (device, inode) = (file.device, file.inode)
    (modified, changed) = (file.modified, file.changed)
  }
}

/// A file's bytes, mapped (or copied, for a caller who cannot promise that the file stays whole).
package final class MappedFile: @unchecked Sendable {
  package let path: String
  private var file = maas_sys_file()

  /// With `folder`, which like `path` is free of symbolic links, the file must be in that folder.
  package init(_ path: String, inside folder: String? = nil, copy: Bool = false) throws(MaasError) {
    self.path = path
    let error = maas_sys_file_open(path, folder, copy, &file)
    if error != 0 { throw MaasError.file(path, "cannot be opened", error) }
  }

  deinit { maas_sys_file_close(&file) }

  package var byteCount: Int { file.size }

  /// Nil for a copy, whose file may be overwritten at any time.
  package var identity: FileIdentity? { file.is_mapped ? FileIdentity(file) : nil }

  /// Never nil: an empty file has an address that must not be read.
  package var base: UnsafeRawPointer {
    file.bytes ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
  }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}

extension MaasError {
  /// A failed call on a file, with the system's reason.
  package static func file(_ path: String, _ problem: String, _ error: Int32) -> MaasError {
    file(path, problem, error, error == 2 ? .notFound : error == 12 ? .outOfMemory : .io)
  }

  /// A failed write, where also a folder that is missing is a failure of the system.
  package static func unwritable(_ path: String, _ error: Int32) -> MaasError {
    file(path, "cannot be written", error, .io)
  }

  private static func file(_ path: String, _ problem: String, _ error: Int32, _ code: Code) -> MaasError {
    let reason = String(cString: maas_sys_error_text(error))
    return MaasError(code, "the file \(problem) (\(reason))").inFile(path)
  }
}
