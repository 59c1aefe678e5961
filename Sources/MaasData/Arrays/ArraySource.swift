import CMaasSystem
import MaasCore
import MaasNumPy
import MaasONNX
import MaasOps

/// Samples in NumPy's arrays, whose first axis counts them. Their file stays mapped, and samples become floats when
/// they are asked for, so that arrays may be larger than the memory.
package final class ArraySource: SampleSource {
  package let path: String
  package let inputs: [RawInput]
  package let targets: Targets
  package let mostAtOnce: Int
  private let targetName: String?
  private let features: Tensor
  /// Elements of one sample.
  private let width: Int
  /// Rows of the features' matrix, whose last column is the target where that is no array of its own.
  private let stride: Int

  package convenience init(_ path: String, target: String? = nil, task: Task? = nil) throws(MaasError) {
    try self.init(path, target, task, nil)
  }

  /// The same arrays in another file.
  package convenience init(_ path: String, like other: ArraySource) throws(MaasError) {
    try self.init(path, other.targetName, other.targets.task, other.targets.classNames)
    guard inputs[0].shape.text == other.inputs[0].shape.text, targets.width == other.targets.width else {
      throw MaasError(
        .shapeMismatch, "the arrays have other shapes than those to learn from",
        expected: "\(other.inputs[0].shape.text) and \(other.targets.width) targets",
        found: "\(inputs[0].shape.text) and \(targets.width)"
      ).inFile(path)
    }
  }

  private init(_ path: String, _ target: String?, _ task: Task?, _ classes: [String]?) throws(MaasError) {
    (self.path, targetName) = (path, target)
    do throws(MaasError) {
      let arrays = try Arrays(path, target: target)
      try arrays.check()
      features = arrays.features
      (stride, width) = arrays.widths
      mostAtOnce = samplesAtOnce(
        bytes: max(stride * features.dtype.byteWidth, width * MemoryLayout<Float>.size))
      let numbers = try arrays.targetNumbers()
      targets = try Self.targets(numbers, task, classes)
      let dims = arrays.target == nil ? [width] : Array(features.shape.dropFirst())
      inputs = [RawInput("features", .numbers, dims.map { .known($0) })]
    } catch {
      throw error.inFile(path)
    }
    try checkFinite()
  }

  package var count: Int { features.shape[0] }
  package func place(_ sample: Int) -> String { "row \(sample + 1)" }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    let shape = [samples.count] + inputs[0].shape.dims.dropFirst().map { $0.value ?? 1 }
    return [try rows(samples, of: features, from: 0, width, stride: stride).reshaped(shape)]
  }

  package func fingerprint() throws(MaasError) -> UInt64 {
    var checksum = Checksum()
    try checksum.add(fileAt: path)
    return checksum.finished()
  }

  /// NaN is a value that is not known; infinities, and what a float cannot hold, are refused.
  private func checkFinite() throws(MaasError) {
    guard [.float, .double, .float16, .bfloat16].contains(features.dtype) else { return }
    let samples = Array(0..<count)
    for first in Swift.stride(from: 0, to: count, by: mostAtOnce) {
      let block = try raw(samples[first..<min(count, first + mostAtOnce)])[0]
      let numbers = UnsafeBufferPointer(
        start: block.bytes.assumingMemoryBound(to: Float.self), count: block.count)
      guard let at = numbers.firstIndex(where: { $0.isInfinite }) else { continue }
      throw MaasError(
        .outOfRange, "\(place(first + at / width)), element \(at % width): the value is infinite",
        expected: "a finite number that a float holds", found: "\(numbers[at])",
        hint: "correct it, or use NaN where it is not known"
      ).inFile(path)
    }
  }

  /// Integers of at most 20 values are classes, all else numbers.
  private static func targets(_ numbers: Tensor, _ task: Task?, _ classes: [String]?) throws(MaasError)
    -> Targets
  {
    let values = numbers.elements(as: Float.self)
    if let at = values.firstIndex(where: { !$0.isFinite }) {
      throw MaasError(
        .outOfRange, "row \(at / numbers.shape[1] + 1): the target is not finite",
        expected: "a finite number",
        found: "\(values[at])", hint: "leave out rows whose target is not known")
    }
    let distinct = Set(values.prefix(100_000))
    let areClasses = numbers.shape[1] == 1 && distinct.count <= 20 && values.allSatisfy { $0 == $0.rounded() }
    guard task ?? (areClasses ? .classification : .regression) == .classification else {
      return .numbers(numbers)
    }
    if numbers.shape[1] != 1 {
      throw MaasError(
        .shapeMismatch, "classes are one number for each sample", expected: "[\(numbers.shape[0])]",
        found: describe(numbers.shape))
    }
    let names = classes ?? sortedClasses(Set(values.map(name)))
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    var labels: [Int] = []
    for (row, value) in values.enumerated() {
      guard let place = places[name(value)] else { throw unknownClass(row, name(value), names) }
      labels.append(place)
    }
    return .classes(labels, names: names)
  }

  private static func unknownClass(_ row: Int, _ name: String, _ names: [String]) -> MaasError {
    MaasError(
      .invalidArgument, "row \(row + 1): the class is not among those to learn", expected: listed(names),
      found: "'\(name)'", hint: "training needs samples of every class")
  }

  private static func name(_ value: Float) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
}

/// Which array is what.
private struct Arrays {
  let features: Tensor
  /// Nil: the target is the last column of the features.
  let target: Tensor?

  init(_ path: String, target: String?) throws(MaasError) {
    guard path.hasSuffix(".npz") else {
      (features, self.target) = (try Npy.read(path), nil)
      return
    }
    let archive = try NpzArchive(path)
    let targetName = try Arrays.name(
      target.map { [$0] } ?? ["y", "target", "label", "labels"], archive, "target")
    let others = archive.names.filter { $0 != targetName }
    let name =
      others.count == 1 ? others[0] : try Arrays.name(["x", "X", "data", "features"], archive, "features")
    features = try archive.tensor(name)
    self.target = try archive.tensor(targetName)
  }

  private static func name(_ names: [String], _ archive: NpzArchive, _ what: String) throws(MaasError)
    -> String
  {
    if let name = names.first(where: archive.names.contains) { return name }
    throw MaasError(
      .notFound, "the file has no array of the \(what)", expected: joined(names.map { "'\($0)'" }, " or "),
      found: listed(archive.names), hint: what == "target" ? "name it with --target" : nil)
  }

  func check() throws(MaasError) {
    guard let samples = features.shape.first, samples > 0 else {
      throw MaasError(
        .shapeMismatch, "the features have no rows", expected: "[samples, …]", found: describe(features.shape)
      )
    }
    for array in [features] + [target].compactMap({ $0 }) {
      if [.string, .complex64, .complex128].contains(array.dtype) {
        throw MaasError(
          .typeMismatch, "an array does not hold numbers that can be learned", expected: "integers or floats",
          found: array.dtype.name, hint: "give classes numbers, or write a CSV file")
      }
    }
    if let target {
      guard target.shape.first == samples, (1...2).contains(target.shape.count) else {
        throw MaasError(
          .shapeMismatch, "features and target do not have the same rows",
          expected: "[\(samples)] or [\(samples), n]",
          found: describe(target.shape))
      }
    } else if features.shape.count != 2 || features.shape[1] < 2 {
      throw MaasError(
        .shapeMismatch, "the array has no column that is the target", expected: "[samples, features + 1]",
        found: describe(features.shape), hint: "save features and target as x and y with numpy.savez")
    }
  }

  /// Elements from one row to the next, and those that are features.
  var widths: (stride: Int, width: Int) {
    let stride = features.shape.dropFirst().reduce(1, *)
    return (stride, target == nil ? stride - 1 : stride)
  }

  /// [samples, n]
  func targetNumbers() throws(MaasError) -> Tensor {
    let count = features.shape[0]
    if let target {
      return try cast(target, to: .float).reshaped([count, target.count / max(1, count)])
    }
    let (stride, width) = widths
    return try rows(Array(0..<count)[...], of: features, from: width, 1, stride: stride)
  }
}

/// Some rows of a matrix of any type as floats: `width` elements of each, from one on.
private func rows(
  _ samples: ArraySlice<Int>, of matrix: Tensor, from first: Int, _ width: Int, stride: Int
) throws(MaasError) -> Tensor {
  let size = matrix.dtype.byteWidth
  let part = try Tensor(matrix.dtype, [samples.count, width])
  for (i, sample) in samples.enumerated() {
    maas_sys_copy(
      part.bytes + i * width * size, matrix.bytes + (sample * stride + first) * size, width * size)
  }
  return try cast(part, to: .float)
}
