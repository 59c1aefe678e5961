import CMaasSystem
import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer
import MaasRuntime

/// What a model says about one of its inputs or outputs.
public struct ValueInfo: Sendable {
  public let name: String
  public let dtype: DType
  /// Dimensions are numbers or symbols; nil when the model does not even tell the rank.
  public let shape: Shape?
  /// How the tensors are wrapped; nil for a plain tensor.
  public let container: Container?

  package init(name: String, dtype: DType, shape: Shape?, container: Container? = nil) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.container = container
  }

  /// The type as ONNX writes it, e.g. `tensor(float)` or `seq(tensor(int64))`.
  public var typeText: String { container?.text(dtype) ?? "tensor(\(dtype.name))" }
}

/// What a model says about itself.
public struct ModelMetadata: Sendable {
  public let irVersion: Int
  public let producerName: String
  public let producerVersion: String
  public let domain: String
  public let modelVersion: Int
  public let description: String
  public let graphName: String
  public let graphDescription: String
  /// Operator set versions by domain; "" is ai.onnx.
  public let opsets: [(domain: String, version: Int)]
  /// The model's own keys and values.
  public let properties: [(key: String, value: String)]
}

/// How model files are read.
public struct ModelOptions: Sendable {
  /// Reads files into memory instead of mapping them: slower, but they may then be overwritten.
  public var copy = false
  /// Where a model from memory finds its external data; nil refuses such models.
  public var externalDataFolder: String?
  /// Whether a compiled model `m.maas` that is missing, damaged, or for another CPU or version is compiled anew from
  /// `m.onnx` beside it.
  public var rebuild = false
  /// The caller's operators.
  package var operators: OperatorRegistry?

  public init() {}
}

/// A loaded model, ONNX or compiled: graph, weights, metadata. Immutable and safe for any number of threads; its
/// weights are shared by all its sessions and given back when the last of them is gone.
public final class Model: @unchecked Sendable {
  public let inputs: [ValueInfo]
  public let outputs: [ValueInfo]
  public let metadata: ModelMetadata
  /// The file it came from; nil for a model from memory.
  public let path: String?
  /// The symbols that stand for dimensions to which the model gives no name.
  package let unnamedDims: Set<Name>

  private let graph: Graph
  private let packings: [Packing]
  private let lock = Lock()
  private var optimized: [OptimizedGraph?] = OptimizationLevel.allCases.map { _ in nil }

  struct OptimizedGraph {
    let graph: Graph
    let weights: WeightCache
  }

  /// Loads a model file. It is mapped, not copied, unless `options.copy` is set: it must then not be truncated or
  /// overwritten while the model lives. Throws `MaasError` naming the file and what is wrong with it.
  public convenience init(path: String, options: ModelOptions = ModelOptions()) throws(MaasError) {
    do {
      try self.init(try opened(path, options), options, path: path)
    } catch {
      throw error.inFile(path)
    }
  }

  /// Loads a model from bytes, which are copied.
  public convenience init(
    copying bytes: UnsafeRawBufferPointer, options: ModelOptions = ModelOptions()
  ) throws(MaasError) {
    try self.init(try ONNXModel(copying: bytes, folder: options.externalDataFolder), options, path: nil)
  }

  /// Loads a model from bytes that stay where they are until `release` is called, after the last use of the model. When
  /// loading fails `release` is not called.
  public convenience init(
    borrowing bytes: UnsafeRawBufferPointer, options: ModelOptions = ModelOptions(),
    release: (() -> Void)? = nil
  ) throws(MaasError) {
    let loan = Loan(release)
    let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? UnsafeRawPointer(loan.placeholder))
    let storage = TensorStorage.borrow(base, bytes.count) { loan.end() }
    try self.init(try ONNXModel(storage: storage, folder: options.externalDataFolder), options, path: nil)
    loan.begin()
  }

  init(_ model: ONNXModel, _ options: ModelOptions, path: String?) throws(MaasError) {
    if let compiled = model.compiled { try Model.check(compiled) }
    packings = model.compiled?.packings ?? []
    let info = try model.info()
    var graph = try model.graph(own: options.operators)
    try graph.inferValues()
    self.graph = graph
    self.path = path
    unnamedDims = info.unnamedDims
    let (values, inputIDs, outputIDs) = (graph.values, graph.inputs, graph.outputs)
    inputs = try inputIDs.map { (id) throws(MaasError) in try describe(values[id.index]) }
    outputs = try outputIDs.map { (id) throws(MaasError) in try describe(values[id.index]) }
    metadata = ModelMetadata(
      irVersion: info.irVersion, producerName: info.producerName, producerVersion: info.producerVersion,
      domain: info.domain, modelVersion: info.modelVersion, description: info.docString,
      graphName: info.graphName, graphDescription: info.graphDocString,
      opsets: info.opsets.map { ($0.domain, $0.version) }, properties: info.metadata)
  }

  /// The graph after the rules of a level, made once for all sessions of that level.
  func optimized(_ level: OptimizationLevel) throws(MaasError) -> OptimizedGraph {
    if let known = lock.holding({ optimized[level.rawValue] }) { return known }
    var graph = graph
    try optimize(&graph, level)
    let made = OptimizedGraph(graph: graph, weights: WeightCache(graph))
    // They were made for the constants of a graph behind all rules.
    if level == .all { made.weights.take(packings) }
    return lock.holding {
      if let earlier = optimized[level.rawValue] { return earlier }
      optimized[level.rawValue] = made
      return made
    }
  }
}

/// Reads a file, and compiles it first where that is needed and asked for.
private func opened(_ path: String, _ options: ModelOptions) throws(MaasError) -> ONNXModel {
  do {
    let model = try ONNXModel(path: path, copy: options.copy)
    if options.rebuild, let compiled = model.compiled { try Model.check(compiled) }
    return model
  } catch {
    guard options.rebuild, path.hasSuffix(".maas") else { throw error }
    #if hasFeature(Embedded)
      // The writer of models would be a twentieth of the library.
      throw MaasError(.unsupported, "this build of maas compiles no models", hint: error.message)
    #else
      try Model.compile(path: String(path.dropLast(5)) + ".onnx", to: path, options: options)
      return try ONNXModel(path: path, copy: options.copy)
    #endif
  }
}

// Names.
extension Model {
  /// The index of an input; the error suggests the nearest name.
  package func index(ofInput name: String) throws(MaasError) -> Int {
    try index(of: name, inputs, "input")
  }

  package func index(ofOutput name: String) throws(MaasError) -> Int {
    try index(of: name, outputs, "output")
  }

  private func index(of name: String, _ values: [ValueInfo], _ kind: String) throws(MaasError) -> Int {
    if let i = values.firstIndex(where: { Name($0.name) == Name(name) }) { return i }
    let names = values.map { $0.name }
    throw MaasError(
      .notFound, "the model has no \(kind) '\(name)'", expected: joined(names.map { "'\($0)'" }, " or "),
      hint: didYouMean(name, names))
  }
}

private func describe(_ value: Value) throws(MaasError) -> ValueInfo {
  guard let dtype = value.dtype else {
    throw MaasError(
      .invalidModel, "neither the model nor its nodes tell the type of this output", tensor: value.name)
  }
  return ValueInfo(name: value.name, dtype: dtype, shape: value.shape, container: value.container)
}
