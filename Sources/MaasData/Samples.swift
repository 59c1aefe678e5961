import MaasCore
import MaasONNX

/// What is to be learned.
package enum Task: String, Sendable, CaseIterable {
  case classification, regression
}

/// What is known of the samples' targets.
package enum Targets: Sendable {
  /// The class of each sample, as its place among the names.
  case classes([Int], names: [String])
  /// Numbers of float, [samples, numbers each].
  case numbers(Tensor)

  package var task: Task { if case .classes = self { .classification } else { .regression } }

  package var classNames: [String] { if case .classes(_, let names) = self { names } else { [] } }

  /// Outputs of a network: classes, or numbers.
  package var width: Int {
    switch self {
    case .classes(_, let names): names.count
    case .numbers(let tensor): tensor.shape[1]
    }
  }
}

/// An input of the model that will be deployed.
package struct RawInput: Sendable {
  /// What it is, and so how a network gets to see it.
  package enum Role: Sendable {
    case numbers, category, text, image
    /// With so many samples a second.
    case sound(rate: Int)
  }

  package let name: String
  package let role: Role
  /// The first dimension counts samples.
  package let shape: Shape
  /// What the elements of the second dimension are called, where they have names.
  package let names: [String]

  package init(_ name: String, _ role: Role, _ dims: [Dim], names: [String] = []) {
    (self.name, self.role, self.names) = (name, role, names)
    shape = Shape([.symbol("batch")] + dims)
  }

  package var dtype: DType {
    switch role {
    case .numbers, .sound: .float
    case .category, .text: .string
    case .image: .uint8
    }
  }
}

/// Samples as they lie in files, read when they are asked for.
package protocol SampleSource: AnyObject {
  /// The file or folder.
  var path: String { get }
  var count: Int { get }
  var inputs: [RawInput] { get }
  var targets: Targets { get }
  /// How many samples one call of `raw` may ask for: 1 where their shapes may differ.
  var mostAtOnce: Int { get }
  /// What the model gets for some samples: a tensor for each of `inputs`.
  func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor]
  /// What a sample is called in a table: the file, or the number from 1.
  func name(_ sample: Int) -> String
  /// Where a sample is, for a person.
  func place(_ sample: Int) -> String
  /// A number that other data do not have.
  func fingerprint() throws(MaasError) -> UInt64
}

extension SampleSource {
  package func name(_ sample: Int) -> String { "\(sample + 1)" }
}

/// How many samples are read at once where one takes so many bytes: enough to be quick, in a few megabytes.
package func samplesAtOnce(bytes: Int) -> Int { max(1, min(4096, (2 << 20) / max(1, bytes))) }

/// Classes under their names, sorted: numbers by value, all else by their bytes.
package func sortedClasses(_ names: some Sequence<String>) -> [String] {
  let names = Array(Set(names))
  let numbers = names.map { Double($0) }
  if numbers.allSatisfy({ $0 != nil }) {
    return names.sorted { (Double($0) ?? 0, $0) < (Double($1) ?? 0, $1) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

extension Checksum {
  package mutating func add(fileAt path: String) throws(MaasError) {
    let file = try MappedFile(path)
    withExtendedLifetime(file) { add(file.bytes) }
  }

  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    add([UInt8](repeating: 0, count: 1))
  }

  package mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }
}
