import MaasCore

/// The bytes a model was read from. Weights that are used without a copy keep it alive.
package final class ModelSource: Sendable {
  package let storage: TensorStorage
  /// The model's file; nil for a model from memory.
  package let path: String?
  /// Where external data may be; nil when there is no such place.
  package let folder: String?
  /// Whether files are read instead of mapped.
  package let copiesFiles: Bool
  /// Of a compiled model, the weights, which are in its own file.
  let embedded: TensorStorage?

  /// A file, mapped, or read whole for a caller who cannot promise that it stays as it is.
  package init(path: String, copy: Bool) throws(MaasError) {
    storage = .mapped(try MappedFile(path, copy: copy))
    self.path = path
    folder = directory(of: path)
    copiesFiles = copy
    embedded = nil
  }

  /// Bytes in memory. Without a folder, a model with external data is refused.
  package init(storage: TensorStorage, folder: String?, embedded: TensorStorage? = nil) {
    self.storage = storage
    path = nil
    self.folder = folder
    copiesFiles = false
    self.embedded = embedded
  }

  /// The same bytes with the weights that are among them.
  init(_ source: ModelSource, embedded: TensorStorage) {
    (storage, path, folder, copiesFiles) = (source.storage, source.path, source.folder, source.copiesFiles)
    self.embedded = embedded
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount) }

  /// The bytes of a blob as text; what is not UTF-8 is replaced. Nothing is an empty text.
  package func text(_ blob: Blob?) -> String {
    switch blob {
    case nil, .stored: ""
    case .made(let bytes): String(decoding: bytes, as: UTF8.self)
    case .source(let range):
      storage.holds(range)
        ? String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) : ""
    }
  }
}

extension ModelSource {
  /// The bytes of a blob.
  func data(_ blob: Blob) -> [UInt8] {
    switch blob {
    case .made(let bytes): bytes
    case .stored: []
    case .source(let range):
      storage.holds(range) ? Array(UnsafeRawBufferPointer(rebasing: bytes[range])) : []
    }
  }
}

extension TensorStorage {
  func holds(_ range: Range<Int>) -> Bool { range.lowerBound >= 0 && range.upperBound <= byteCount }
}

/// The part of a path before its last component.
func directory(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
}
