import MaasCore
import MaasGraph

/// What turns a source's samples into what a network reads: fitted on samples to learn from, a graph of standard
/// operators that becomes the first part of the exported model.
package struct Preprocessing {
  package let inputs: [RawInput]
  /// From the raw inputs to one output, [batch, …].
  package let graph: Graph
  /// The features' type and their dimensions behind the first.
  package let dtype: DType
  package let dims: [Int]
  /// How many numbers words become, where they do.
  package let tokens: Int?
  private let runner: GraphRunner

  package init(
    fitting source: any SampleSource, on samples: [Int], _ options: PreprocessingOptions, threads: Int = 0
  ) throws(MaasError) {
    var fit = try Fit(source, options)
    try fit.learn(from: samples)
    var builder = ONNXBuilder("preprocessing")
    let raw = source.inputs.map { builder.input($0) }
    builder.output(try fit.add(to: &builder, raw), InitialModel.input)
    try self.init(try builder.finished(), source, samples, tokens: fit.tokens, threads: threads)
  }

  /// That of a model, if it reads what the source has.
  package init(
    of model: Graph, _ source: any SampleSource, _ samples: [Int], threads: Int = 0
  ) throws(MaasError) {
    for (id, input) in zip(model.inputs, source.inputs) {
      let own = model[id]
      guard own.name == input.name, own.dtype == input.dtype, own.shape?.text == input.shape.text else {
        throw Self.otherInputs(model, source)
      }
    }
    guard model.inputs.count == source.inputs.count else { throw Self.otherInputs(model, source) }
    try self.init(model, source, samples, tokens: nil, threads: threads)
  }

  private init(
    _ graph: Graph, _ source: any SampleSource, _ samples: [Int], tokens: Int?, threads: Int
  ) throws(MaasError) {
    (self.graph, self.tokens, inputs) = (graph, tokens, source.inputs)
    runner = try GraphRunner(graph, threads: threads)
    (dtype, dims) = try Self.form(try runner.run(try source.raw(samples[..<1])), source.path)
  }

  private static func otherInputs(_ model: Graph, _ source: any SampleSource) -> MaasError {
    func text(_ name: String, _ dtype: DType?, _ shape: Shape?) -> String {
      "\(name) \(dtype?.name ?? "?")\(shape?.text ?? "")"
    }
    return MaasError(
      .shapeMismatch, "the data do not have the inputs of the model to go on with",
      expected: joined(model.inputs.map { text(model[$0].name, model[$0].dtype, model[$0].shape) }, ", "),
      found: joined(source.inputs.map { text($0.name, $0.dtype, $0.shape) }, ", ")
    ).inFile(source.path)
  }

  private static func form(_ outputs: [Tensor], _ path: String) throws(MaasError) -> (DType, [Int]) {
    guard let features = outputs.first, features.shape.count > 1, features.count > 0 else {
      throw MaasError(.invalidArgument, "the data have no features").inFile(path)
    }
    return (features.dtype, Array(features.shape.dropFirst()))
  }

  /// The features of some samples, [samples, dims…].
  package func features(of samples: ArraySlice<Int>, _ source: any SampleSource) throws(MaasError) -> Tensor {
    var parts: [Tensor] = []
    var rest = samples
    while !rest.isEmpty {
      let part = rest.prefix(source.mostAtOnce)
      do {
        parts.append(try runner.run(try source.raw(part))[0])
      } catch {
        throw part.count == 1 ? error.inFile(source.place(part[part.startIndex])) : error.inFile(source.path)
      }
      rest = rest.dropFirst(part.count)
    }
    return try concatenated(parts, [samples.count] + dims, dtype)
  }
}

/// Tensors of one type, one after the other.
func concatenated(_ parts: [Tensor], _ shape: [Int], _ dtype: DType) throws(MaasError) -> Tensor {
  if parts.count == 1 { return parts[0] }
  let whole = try Tensor(dtype, shape)
  var at = 0
  for part in parts {
    guard at + part.byteCount <= whole.byteCount else {
      throw MaasError(.internal, "the features of samples differ in shape")
    }
    UnsafeMutableRawPointer(whole.bytes + at).copyMemory(from: part.bytes, byteCount: part.byteCount)
    at += part.byteCount
  }
  return whole
}

/// What is learned of the raw inputs.
private struct Fit {
  private let source: any SampleSource
  private let options: PreprocessingOptions
  private var numbers: NumberFit
  private var categories: [Int: Set<String>] = [:]
  private var texts: [Int: TextFit] = [:]
  private var splitters: [Int: WordSplitter] = [:]
  private var images: ImageFit
  private var sound: SoundFit?

  init(_ source: any SampleSource, _ options: PreprocessingOptions) throws(MaasError) {
    (self.source, self.options) = (source, options)
    numbers = NumberFit(columns: source.inputs.reduce(0) { $0 + $1.columns }, options)
    images = ImageFit(options)
    for input in source.inputs {
      if case .sound(let rate) = input.role { sound = SoundFit(options, rate: rate) }
    }
  }

  private func each(_ samples: [Int], _ body: ([Tensor]) throws(MaasError) -> Void) throws(MaasError) {
    var rest = samples[...]
    while !rest.isEmpty {
      let part = rest.prefix(source.mostAtOnce)
      try body(try source.raw(part))
      rest = rest.dropFirst(part.count)
    }
  }

  mutating func learn(from samples: [Int]) throws(MaasError) {
    try learnSplitters(samples)
    try each(samples) { (raw) throws(MaasError) in
      var first = 0
      for (i, input) in source.inputs.enumerated() {
        try learn(input, i, raw[i], first)
        first += input.columns
      }
    }
    if sound != nil { try learnEnergies(samples) }
  }

  private mutating func learn(_ input: RawInput, _ i: Int, _ raw: Tensor, _ first: Int) throws(MaasError) {
    switch input.role {
    case .numbers: numbers.add(raw, first: first, columns: input.columns)
    case .category: categories[i, default: []].formUnion(raw.strings)
    case .text:
      for words in try splitters[i]?.words(raw) ?? [] { texts[i, default: TextFit(options)].add(words) }
    case .image: images.add(raw)
    case .sound: sound?.add(raw)
    }
  }

  /// Whether texts have letters beyond ASCII must be known before they are split.
  private mutating func learnSplitters(_ samples: [Int]) throws(MaasError) {
    let places = source.inputs.indices.filter {
      if case .text = source.inputs[$0].role { true } else { false }
    }
    if places.isEmpty { return }
    var beyond: Set<Int> = []
    try each(samples) { (raw) throws(MaasError) in
      for i in places where raw[i].stringElements.contains(where: { $0.bytes.contains { $0 > 127 } }) {
        beyond.insert(i)
      }
    }
    for i in places { splitters[i] = try WordSplitter(isASCII: !beyond.contains(i)) }
  }

  private mutating func learnEnergies(_ samples: [Int]) throws(MaasError) {
    guard var fit = sound else { return }
    var builder = ONNXBuilder("energies")
    let input = builder.input(source.inputs[0])
    builder.output(try fit.addEnergies(to: &builder, input, "audio"), "energies")
    let runner = try GraphRunner(try builder.finished())
    try each(samples) { (raw) throws(MaasError) in fit.add(energies: try runner.run(raw)[0]) }
    sound = fit
  }

  var tokens: Int? { options.text == .tokens ? texts.values.first?.tokens : nil }
}

// The graph.
extension Fit {
  func add(to builder: inout ONNXBuilder, _ raw: [ValueID]) throws(MaasError) -> ValueID {
    var parts = try numberParts(&builder, raw)
    for (i, input) in source.inputs.enumerated() {
      switch input.role {
      case .numbers: break
      case .category: parts.append(try category(&builder, raw[i], i))
      case .text: parts.append(try text(&builder, raw[i], i))
      case .image: parts.append(try images.add(to: &builder, raw[i], input.name))
      case .sound: if let sound { parts.append(try sound.add(to: &builder, raw[i], input.name)) }
      }
    }
    if options.text == .tokens, parts.count > 1, !texts.isEmpty {
      throw MaasError(
        .unsupported,
        "a network that reads the words of a text in their order has no place for other columns",
        expected: "one text", found: "\(source.inputs.count) columns",
        hint: "leave them out with --ignore, or use --text-encoding tfidf")
    }
    return parts.count == 1
      ? parts[0] : try builder.add("Concat", parts, "features/all", [.init("axis", .int(1))])
  }

  /// All numbers together.
  private func numberParts(_ builder: inout ONNXBuilder, _ raw: [ValueID]) throws(MaasError) -> [ValueID] {
    let places = source.inputs.indices.filter { source.inputs[$0].columns > 0 }
    guard let first = places.first else { return [] }
    var x = raw[first]
    if places.count > 1 {
      x = try builder.add("Concat", places.map { raw[$0] }, "numbers/all", [.init("axis", .int(1))])
    }
    let isMatrix = source.inputs[first].shape.rank == 2
    if isMatrix {
      x = try builder.add(
        "Imputer", [x], "numbers/known", domain: "ai.onnx.ml",
        [
          .init("imputed_value_floats", .floats(numbers.replacements)),
          .init("replaced_value_float", .float(.nan)),
        ])
    } else if numbers.hasMissing {
      throw MaasError(
        .unsupported, "values are missing in an array of more than two dimensions", expected: "numbers",
        found: "NaN",
        hint: "fill them in before")
    }
    return [try scaled(&builder, x)]
  }

  private func scaled(_ builder: inout ONNXBuilder, _ x: ValueID) throws(MaasError) -> ValueID {
    var x = x
    if options.scaling != .none {
      let scaling = numbers.scaling
      let offset = try builder.floats("numbers/offset", scaling.map { $0.offset })
      x = try builder.add("Sub", [x, offset], "numbers/centered")
      x = try builder.add(
        "Mul", [x, try builder.floats("numbers/scale", scaling.map { $0.scale })], "numbers/scaled")
    }
    guard let clip = options.clip else { return x }
    let bounds = [Float(-clip), Float(clip)]
    return try builder.add(
      "Clip",
      [
        x, try builder.scalar("numbers/least", .float, bounds[0]),
        try builder.scalar("numbers/most", .float, bounds[1]),
      ],
      "numbers/clipped")
  }

  private func category(_ builder: inout ONNXBuilder, _ x: ValueID, _ i: Int) throws(MaasError) -> ValueID {
    let (name, names) = (source.inputs[i].name, sortedClasses(categories[i] ?? []))
    if options.encoding == .ordinal {
      return try builder.add(
        "LabelEncoder", [x], "\(name)/place", domain: "ai.onnx.ml",
        [
          .init("default_float", .float(-1)), .init("keys_strings", .strings(names)),
          .init("values_floats", .floats(names.indices.map { Float($0) })),
        ])
    }
    let encoded = try builder.add(
      "OneHotEncoder", [x], "\(name)/onehot", domain: "ai.onnx.ml",
      [.init("cats_strings", .strings(names)), .init("zeros", .int(1))])
    return try builder.add(
      "Reshape", [encoded, try builder.integers("\(name)/flat", [-1, names.count])], "\(name)/columns")
  }

  private func text(_ builder: inout ONNXBuilder, _ x: ValueID, _ i: Int) throws(MaasError) -> ValueID {
    let name = source.inputs[i].name
    guard let splitter = splitters[i], let fit = texts[i] else {
      throw MaasError(.internal, "the texts of '\(name)' were not read")
    }
    return try fit.add(to: &builder, try splitter.add(to: &builder, x, name), name)
  }
}

extension RawInput {
  /// Numbers that have statistics of their own: those of the last dimension of a matrix; of larger arrays all together.
  fileprivate var columns: Int {
    guard case .numbers = role else { return 0 }
    return shape.rank == 2 ? shape.dims[1].value ?? 1 : 1
  }
}
