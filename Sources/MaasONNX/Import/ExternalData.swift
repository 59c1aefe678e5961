import CMaasSystem
import MaasCore

/// The files beside a model that hold its large tensors. Each is opened when the first tensor asks for it.
///
/// A model comes from outside, so the files it may name are confined to its folder: the one it was opened in, or the
/// one its file really is in when it was reached through a symbolic link.
final class ExternalData {
  private let source: ModelSource
  private var files: [Name: TensorStorage] = [:]

  init(_ source: ModelSource) { self.source = source }

  func tensor(_ proto: TensorProto, _ name: String, _ dtype: DType, _ shape: [Int]) throws(MaasError)
    -> Tensor
  {
    let needed = try byteCount(shape, dtype, tensor: name)
    let place = try Place(proto.externalData, source, name)
    let file = try open(place.location, name)
    // The key is optional, and one file may hold many tensors.
    if place.length ?? needed == needed, let bytes = file.slice(place.offset, needed) {
      return try Tensor(dtype, shape, storage: bytes)
    }
    let found = place.length.map { "\($0) bytes at offset \(place.offset)" } ?? "offset \(place.offset)"
    throw MaasError(
      .invalidModel, "the external file '\(place.location)' does not hold \(dtype.name) \(describe(shape))",
      tensor: name, expected: "\(needed) bytes", found: "\(found) of a file of \(file.byteCount) bytes")
  }

  private func open(_ location: String, _ tensor: String) throws(MaasError) -> TensorStorage {
    if let file = files[location] { return file }
    if let embedded = source.embedded, location == CompiledModel.dataLocation { return embedded }
    guard let folder = source.folder else {
      throw MaasError(
        .invalidArgument, "the model keeps data in the file '\(location)', but was opened from memory",
        tensor: tensor, hint: "open it from a path, or name the folder of its external data")
    }
    let (path, home) = try confined(location, folder, tensor)
    // One file may have many spellings.
    if let file = files[path] {
      files[location] = file
      return file
    }
    let file = try mapped(path, home, location, tensor)
    files[path] = file
    files[location] = file
    return file
  }

  private func mapped(
    _ path: String, _ home: String, _ location: String, _ tensor: String
  ) throws(MaasError) -> TensorStorage {
    do {
      return .mapped(try MappedFile(path, inside: home, copy: source.copiesFiles))
    } catch {
      throw MaasError(.io, "the external file '\(location)': \(error.message)", tensor: tensor)
    }
  }

  /// The real path of `location`, and the folder of the model that it is in.
  private func confined(
    _ location: String, _ folder: String, _ tensor: String
  ) throws(MaasError) -> (path: String, home: String) {
    guard isRelative(location) else { throw outside(location, tensor) }
    guard let path = realPath(folder + "/" + location) else {
      throw MaasError(
        .notFound, "the external file '\(location)' does not exist in '\(folder)'", tensor: tensor,
        hint: "the file belongs beside the model")
    }
    for home in homes(folder) where path.hasPrefix(home == "/" ? "/" : home + "/") { return (path, home) }
    throw outside(location, tensor)
  }

  private func homes(_ folder: String) -> [String] {
    var homes: [String] = []
    if let home = realPath(folder) { homes.append(home) }
    if let path = source.path, let model = realPath(path) { homes.append(directory(of: model)) }
    return homes
  }

  /// Neither absolute nor climbing: every `..` is refused, as ONNX demands.
  private func isRelative(_ location: String) -> Bool {
    if location.isEmpty || location.utf8.first == UInt8(ascii: "/") || location.utf8.contains(0) {
      return false
    }
    return !location.split(separator: "/").contains("..")
  }

  private func outside(_ location: String, _ tensor: String) -> MaasError {
    MaasError(
      .invalidModel, "the external file '\(location)' is outside the model's folder", tensor: tensor,
      hint: "external data must stay in the folder of the model")
  }
}

private func realPath(_ path: String) -> String? {
  guard let resolved = maas_sys_real_path(path) else { return nil }
  defer { maas_sys_free(resolved) }
  return String(cString: resolved)
}

/// Where in which file a tensor's bytes are: ONNX's keys location, offset and length.
private struct Place {
  var location = ""
  var offset = 0
  var length: Int?

  init(_ entries: [StringStringEntryProto], _ source: ModelSource, _ tensor: String) throws(MaasError) {
    for entry in entries {
      let key = source.text(entry.key)
      let value = source.text(entry.value)
      switch key {
      case "location": location = value
      case "offset": offset = try size(key, value, tensor)
      case "length": length = try size(key, value, tensor)
      default: break  // checksum, and whatever writers add for themselves
      }
    }
    guard location.isEmpty else { return }
    throw MaasError(.invalidModel, "external data has no location", tensor: tensor)
  }
}

private func size(_ key: String, _ text: String, _ tensor: String) throws(MaasError) -> Int {
  if let value = Int(text), value >= 0 { return value }
  throw MaasError(
    .invalidModel, "external data has an impossible \(key)", tensor: tensor, expected: "a number of bytes",
    found: "'\(text)'")
}
