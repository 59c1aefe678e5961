import CMaasSystem
import MaasCore
import MaasNumPy
import MaasONNX
import MaasOps

/// Samples in NumPy's arrays, whose first axis counts them; their file stays mapped.
package final class ArraySource: SampleSource {
  package let path: String
  package let inputs: [RawInput]
  package let targets: Targets
  package let mostAtOnce = 4096
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
      features = try cast(arrays.features, to: .float)
      (stride, width) = arrays.widths
      let numbers = try arrays.targetNumbers(features)
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
    let tensor = try Tensor(.float, [samples.count] + inputs[0].shape.dims.dropFirst().map { $0.value ?? 1 })
    let bytes = width * MemoryLayout<Float>.size
    for (i, sample) in samples.enumerated() {
      maas_sys_copy(
        tensor.bytes + i * bytes, features.bytes + sample * stride * MemoryLayout<Float>.size, bytes)
    }
    return [tensor]
  }

  package func fingerprint() throws(MaasError) -> UInt64 {
    var checksum = Checksum()
    try checksum.add(fileAt: path)
    return checksum.finished()
  }

  /// NaN is a value that is not known; infinities are refused.
  private func checkFinite() throws(MaasError) {
    let numbers = UnsafeBufferPointer(
      start: features.bytes.assumingMemoryBound(to: Float.self), count: features.count)
    guard let at = numbers.firstIndex(where: { $0.isInfinite }) else { return }
    throw MaasError(
      .outOfRange, "\(place(at / max(1, stride))), element \(at % max(1, stride)): the value is infinite",
      expected: "a finite number", found: "\(numbers[at])",
      hint: "correct it, or use NaN where it is not known"
    ).inFile(path)
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

  func targetNumbers(_ features: Tensor) throws(MaasError) -> Tensor {
    let rows = features.shape[0]
    if let target {
      return try cast(target, to: .float).reshaped([rows, target.count / max(1, rows)])
    }
    let numbers = features.elements(as: Float.self)
    let stride = widths.stride
    return try Tensor(.float, [rows, 1], (0..<rows).map { numbers[($0 + 1) * stride - 1] })
  }
}
