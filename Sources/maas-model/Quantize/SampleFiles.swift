import Glibc
import Maas
import MaasCore
import MaasNumPy

/// Samples in NumPy's files, read when they are asked for.
final class SampleFiles: CalibrationData {
  private var parts: [any SamplePart] = []

  init(_ paths: [String], _ inputs: [ValueInfo]) throws(MaasError) {
    for path in paths { parts.append(try SampleFiles.part(path, inputs)) }
  }

  private static func part(_ path: String, _ inputs: [ValueInfo]) throws(MaasError) -> any SamplePart {
    if path.hasSuffix(".npz") {
      let archive = try NpzArchive(path)
      var arrays: [SampleArray] = []
      for name in archive.names {
        arrays.append(try SampleArray(name, try archive.tensor(name), inputs, path))
      }
      return try SampleArrays(arrays, path)
    }
    if path.hasSuffix(".npy") {
      let name = try onlyInput(inputs, path)
      return try SampleArrays([try SampleArray(name, try Npy.read(path), inputs, path)], path)
    }
    return try SampleFolder(path, inputs)
  }

  /// The input that an array without a name is for.
  fileprivate static func onlyInput(_ inputs: [ValueInfo], _ path: String) throws(MaasError) -> String {
    if inputs.count == 1 { return inputs[0].name }
    throw MaasError(
      .invalidArgument, "a .npy file does not say which of the model's inputs it is for",
      expected: "a .npz file with \(joined(inputs.map { "'\($0.name)'" }, ", "))"
    ).inFile(path)
  }

  func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)]? {
    var index = index
    for part in parts {
      if index < part.count { return try part.sample(index) }
      index -= part.count
    }
    return nil
  }
}

/// Samples that are together in one place.
protocol SamplePart: AnyObject {
  var count: Int { get }
  func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)]
}

/// A file for each sample.
private final class SampleFolder: SamplePart {
  private let files: [String]
  private let inputs: [ValueInfo]

  var count: Int { files.count }

  init(_ path: String, _ inputs: [ValueInfo]) throws(MaasError) {
    guard let folder = opendir(path) else { throw MaasError.file(path, "cannot be opened", errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".npy") || name.hasSuffix(".npz") { names.append("\(path)/\(name)") }
    }
    (files, self.inputs) = (names.sorted(), inputs)
    if names.isEmpty {
      throw MaasError(.notFound, "the folder holds no .npz and no .npy file").inFile(path)
    }
  }

  func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)] {
    let path = files[index]
    if path.hasSuffix(".npz") { return try NpzArchive(path).tensors().map { ($0.name, $0.tensor) } }
    return [(try SampleFiles.onlyInput(inputs, path), try Npy.read(path))]
  }
}

/// Arrays whose first axes count the same samples.
private final class SampleArrays: SamplePart {
  private let arrays: [SampleArray]
  let count: Int

  init(_ arrays: [SampleArray], _ path: String) throws(MaasError) {
    self.arrays = arrays
    count = arrays.first?.count ?? 0
    for array in arrays where array.count != count {
      throw MaasError(
        .shapeMismatch, "the arrays hold different numbers of samples", tensor: array.name,
        expected: "\(count) as in '\(arrays[0].name)'", found: "\(array.count)"
      ).inFile(path)
    }
  }

  func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)] {
    try arrays.map { (array) throws(MaasError) in (array.name, try array.sample(index)) }
  }
}

/// Samples of one input, side by side in an array.
private final class SampleArray {
  let name: String
  let count: Int
  private let array: Tensor
  private let shape: [Int]
  /// Where the bytes begin whose pages may still be held.
  private var held = 0
  private static let mostHeld = 4 << 20

  init(_ name: String, _ array: Tensor, _ inputs: [ValueInfo], _ path: String) throws(MaasError) {
    (self.name, self.array) = (name, array)
    let declared = inputs.first { $0.name == name }?.shape
    let rank = declared?.rank ?? array.shape.count
    guard let first = array.shape.first, array.dtype.byteWidth > 0,
      array.shape.count == rank + 1 || array.shape.count == rank
    else {
      throw MaasError(
        .shapeMismatch, "the first axis of calibration data counts samples", tensor: name,
        expected: declared.map { "samples of \($0.text)" } ?? "an array of numbers",
        found: "\(array.dtype.name) \(describe(array.shape))"
      ).inFile(path)
    }
    let rest = Array(array.shape.dropFirst())
    if array.shape.count == rank + 1 {
      (shape, count) = (rest, first)
      return
    }
    let step = max(declared?.dims.first?.value ?? 1, 1)
    (shape, count) = ([step] + rest, first / step)
    guard first % step == 0 else {
      throw MaasError(
        .shapeMismatch, "the array is no whole number of samples", tensor: name,
        expected: "a multiple of \(step) on the first axis", found: "\(first)"
      ).inFile(path)
    }
  }

  func sample(_ index: Int) throws(MaasError) -> Tensor {
    let size = try byteCount(shape, array.dtype, tensor: name)
    let begin = index * size
    letGo(before: begin)
    guard let storage = array.storage.slice(begin, size) else {
      throw MaasError(.internal, "a sample is outside its array", tensor: name)
    }
    return try Tensor(array.dtype, shape, storage: storage)
  }

  /// Mapped pages count as the process's memory as long as they are held.
  private func letGo(before begin: Int) {
    if begin < held { held = 0 }
    guard begin - held > SampleArray.mostHeld else { return }
    array.storage.slice(held, begin - held)?.forgetPages()
    held = begin
  }
}
