import Glibc
import MaasCore
import MaasONNX

/// A folder with a folder of files for each class.
package struct FolderListing: Sendable {
  package let path: String
  package let classNames: [String]
  /// Paths and classes, in the order of the names.
  package let files: [(path: String, label: Int)]

  /// What the files are, by their endings.
  package enum Kind: String, CaseIterable {
    case images, texts, sounds

    var endings: [String] {
      switch self {
      case .images: ["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "ppm", "pgm"]
      case .texts: ["txt", "text", "md"]
      case .sounds: ["wav"]
      }
    }
  }

  /// `like`: the classes there may be.
  package init(_ path: String, like classes: [String]? = nil) throws(MaasError) {
    let folders = try entries(path).filter { isFolder("\(path)/\($0)") }
    if folders.isEmpty {
      throw MaasError(
        .invalidArgument, "the folder has no folder for each class",
        expected: "class/file.png, class/file.txt or class/file.wav"
      ).inFile(path)
    }
    let names = classes ?? folders
    var files: [(path: String, label: Int)] = []
    for folder in folders {
      guard let label = names.firstIndex(of: folder) else {
        throw MaasError(
          .invalidArgument, "the class '\(folder)' is not among those to learn", expected: listed(names),
          found: "'\(folder)'", hint: "training needs samples of every class"
        ).inFile(path)
      }
      for file in try entries("\(path)/\(folder)") { files.append(("\(path)/\(folder)/\(file)", label)) }
    }
    (self.path, classNames, self.files) = (path, names, files)
    if files.isEmpty {
      throw MaasError(.invalidArgument, "the folders of the classes are empty", expected: "files").inFile(
        path)
    }
  }

  /// What all files are.
  package func kind() throws(MaasError) -> Kind {
    let first = files[0].path
    guard let kind = Kind.allCases.first(where: { $0.endings.contains(ending(first)) }) else {
      throw MaasError(
        .unsupported, "files of this kind are not read",
        expected: joined(Kind.allCases.map { joined($0.endings.map { ".\($0)" }, " ") }, ", "), found: first
      ).inFile(path)
    }
    if let other = files.first(where: { !kind.endings.contains(ending($0.path)) }) {
      throw MaasError(
        .invalidArgument, "files of another kind are among the \(kind.rawValue)",
        expected: joined(kind.endings.map { ".\($0)" }, " "), found: other.path, hint: "move them elsewhere"
      ).inFile(path)
    }
    return kind
  }

  var targets: Targets { .classes(files.map { $0.label }, names: classNames) }

  func fingerprint() throws(MaasError) -> UInt64 {
    var checksum = Checksum()
    for file in files {
      checksum.add(String(file.path.dropFirst(path.utf8.count)))
      try checksum.add(fileAt: file.path)
    }
    return checksum.finished()
  }
}

/// Samples that are files of a listing.
package protocol ListedSource: SampleSource {
  var listing: FolderListing { get }
}

extension ListedSource {
  package var path: String { listing.path }
  package var count: Int { listing.files.count }
  package var targets: Targets { listing.targets }
  package func name(_ sample: Int) -> String { place(sample) }
  package func place(_ sample: Int) -> String { listing.files[sample].path }
  package func fingerprint() throws(MaasError) -> UInt64 { try listing.fingerprint() }
}

/// The names in a folder, sorted, hidden ones left out.
package func entries(_ path: String) throws(MaasError) -> [String] {
  guard let folder = opendir(path) else { throw MaasError.file(path, "cannot be opened", errno) }
  defer { closedir(folder) }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

package func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

private func ending(_ path: String) -> String {
  path.lastIndex(of: ".").map { String(path[path.index(after: $0)...]).lowercased() } ?? ""
}
