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
    withBytes(of: blob) { String(decoding: $0, as: UTF8.self) }
  }

  private func withBytes<R>(of blob: Blob?, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch blob {
    case .made(let bytes): bytes.withUnsafeBytes(body)
    case .source(let range) where storage.holds(range): body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    default: body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }
}

extension ModelSource {
  /// The bytes of a blob.
  func data(_ blob: Blob?) -> [UInt8] { withBytes(of: blob) { Array($0) } }

  /// The name of a value, node or dimension, which C and Python can say: UTF-8, as protobuf demands, without zero
  /// bytes.
  func name(_ blob: Blob?) throws(MaasError) -> String {
    let name = withBytes(of: blob) { $0.contains(0) ? nil : String(utf8: $0) }
    if let name { return name }
    throw MaasError(
      .invalidModel, "a name is no text", expected: "UTF-8 without zero bytes",
      found: "'\(text(blob).escaped)'", hint: "rename it where the model is made")
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
