import CMaasSystem
import Maas
import MaasCommand
import MaasCore
import MaasNumPy

/// Finds a tensor for each input of a model: named arguments and .npz files first, then files by order, then made up.
struct InputGatherer {
  private let model: Model
  private var dimensions: DimensionSizes
  private var tensors: [Tensor?]
  /// Arrays without a name, in the order of the arguments.
  private var unnamed: [(argument: String, tensor: Tensor)] = []

  init(_ model: Model, _ dimensions: [DimensionArgument]) throws(MaasError) {
    self.model = model
    self.dimensions = try DimensionSizes(dimensions, model.inputs)
    tensors = model.inputs.map { _ in nil }
  }

  /// Tensors in the model's order. Inputs not among `arguments` are made up from `seed`, or refused without one.
  mutating func gather(_ arguments: [String], seed: UInt64?) throws(MaasError) -> [Tensor] {
    try refuseContainers()
    for argument in arguments { try read(argument) }
    for (argument, tensor) in unnamed { try place(argument, tensor) }
    var gathered: [Tensor] = []
    for (i, input) in model.inputs.enumerated() {
      if let tensor = tensors[i] {
        gathered.append(tensor)
      } else {
        gathered.append(try made(input, i, seed))
      }
    }
    return gathered
  }

  private func refuseContainers() throws(MaasError) {
    guard let input = model.inputs.first(where: { $0.container != nil }) else { return }
    throw MaasError(
      .unsupported, "no file holds an input of type \(input.typeText)", tensor: input.name,
      hint: "run this model from Python or C")
  }

  private mutating func read(_ argument: String) throws(MaasError) {
    if let (name, path) = named(argument) { return try set(name, try Npy.read(path), path) }
    switch try InputFile(argument) {
    case .array(let tensor): unnamed.append((argument, tensor))
    case .archive(let archive):
      for array in try archive.tensors() { try set(array.name, array.tensor, archive.path) }
    }
  }

  /// The parts of `name=path`. A file whose own path has such a form is meant when no input has that name.
  private func named(_ argument: String) -> (name: String, path: String)? {
    for input in model.inputs where argument.utf8.starts(with: (input.name + "=").utf8) {
      return (input.name, String(decoding: argument.utf8.dropFirst(input.name.utf8.count + 1), as: UTF8.self))
    }
    guard let equals = argument.firstIndex(of: "="), !exists(argument) else { return nil }
    return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
  }

  private func exists(_ path: String) -> Bool {
    guard let real = maas_sys_real_path(path) else { return false }
    maas_sys_free(real)
    return true
  }

  private mutating func set(_ name: String, _ tensor: Tensor, _ source: String) throws(MaasError) {
    let names = model.inputs.map { $0.name }
    guard let i = names.firstIndex(where: { Name($0) == Name(name) }) else {
      throw MaasError(
        .notFound, "the model has no input '\(name)'", expected: joined(names.map { "'\($0)'" }, " or "),
        hint: didYouMean(name, names)
      ).inFile(source)
    }
    if tensors[i] != nil {
      throw MaasError(.invalidArgument, "the input is given twice", tensor: name).inFile(source)
    }
    try dimensions.learn(from: tensor, for: model.inputs[i])
    tensors[i] = tensor
  }

  private mutating func place(_ argument: String, _ tensor: Tensor) throws(MaasError) {
    guard let i = tensors.firstIndex(where: { $0 == nil }) else {
      throw MaasError(
        .invalidArgument, "more inputs are given than the model has", expected: "\(model.inputs.count)",
        hint: "see 'maas-run --inputs'"
      ).inFile(argument)
    }
    try set(model.inputs[i].name, tensor, argument)
  }

  private func made(_ input: ValueInfo, _ i: Int, _ seed: UInt64?) throws(MaasError) -> Tensor {
    guard let seed else {
      throw MaasError(
        .missingInput, "an input of the model is not given", tensor: input.name,
        hint: "give it as '\(input.name)=file.npy', or have it made up with --random")
    }
    var generator = RandomNumbers(seed: seed, stream: UInt64(i))
    return try generator.tensor(input, try dimensions.shape(of: input))
  }
}

/// A file of arrays: one, or several with names.
private enum InputFile {
  case array(Tensor)
  case archive(NpzArchive)

  /// Reads a path, or standard input for `-`. Zip files are known by their first bytes or the ending .npz.
  init(_ path: String) throws(MaasError) {
    do {
      let file = try path == "-" ? TensorStorage.standardInput() : .mapped(try MappedFile(path))
      let start = UnsafeRawBufferPointer(start: file.base, count: min(file.byteCount, 2))
      let isZip = start.elementsEqual("PK".utf8) || path.hasSuffix(".npz")
      self = isZip ? .archive(try NpzArchive(file, path: path)) : .array(try Npy.decode(file))
    } catch {
      throw error.inFile(path == "-" ? "standard input" : path)
    }
  }
}

extension TensorStorage {
  fileprivate static func standardInput() throws(MaasError) -> TensorStorage {
    let bytes = try Terminal.readAll()
    let storage = try TensorStorage.allocate(bytes.count)
    bytes.withUnsafeBytes { if let base = $0.baseAddress { maas_sys_copy(storage.base, base, $0.count) } }
    return storage
  }
}
