import MaasCore
import MaasGraph
import MaasONNX
import MaasOps
import MaasOptimizer
import MaasRuntime

/// What was compiled.
public struct CompiledSummary: Sendable {
  /// The CPUs it is for, e.g. `x86-64 avx512 vnni`.
  public let family: String
  public let fileBytes: Int
  /// Of these, weights as the model has them, and packed for the kernels.
  public let weightBytes: Int
  public let packedBytes: Int
}

extension Model {
  /// Optimizes the ONNX model at `path`, packs its weights for the CPU this runs on, and writes all to `output`, which
  /// opens like the model itself, within milliseconds. The weights are packed for what `sizes` makes of dimensions
  /// with names, 1 for the others; other sizes work all the same. The file is written whole or not at all.
  @discardableResult
  public static func compile(
    path: String, to output: String, sizes: [String: Int] = [:], options: ModelOptions = ModelOptions()
  ) throws(MaasError) -> CompiledSummary {
    var named: [Name: Int] = [:]
    for (name, size) in sizes { named[name] = size }
    return try compile(path: path, to: output, named: named, options: options)
  }

  @discardableResult
  package static func compile(
    path: String, to output: String, named sizes: [Name: Int], options: ModelOptions = ModelOptions()
  ) throws(MaasError) -> CompiledSummary {
    let weights = WeightFile(location: CompiledModel.dataLocation)
    let model = try optimizedModel(path, options, weights)
    let data = try weights.contents.joined()
    let packings = try packings(model, data, sizes, options)
    let file = try CompiledModel.contents(
      model, weights: data, packings: packings, family: Processor.family,
      layouts: try layoutFingerprint(packings.map { $0.layout }))
    try file.write(to: output)
    return CompiledSummary(
      family: Processor.family, fileBytes: file.byteCount, weightBytes: data.byteCount,
      packedBytes: packings.reduce(0) { $0 + $1.bytes.byteCount })
  }

  private static func optimizedModel(
    _ path: String, _ options: ModelOptions, _ weights: WeightFile
  ) throws(MaasError) -> ModelProto {
    do {
      let model = try ONNXModel(path: path, copy: options.copy)
      var graph = try model.graph(own: options.operators, keepsForms: true)
      try graph.inferValues()
      try optimize(&graph, .all, keepsOrigins: true)
      return try exported(graph, try model.info(), weights: weights, own: options.operators)
    } catch {
      throw error.inFile(path)
    }
  }

  /// What the weights are packed into by the graph as it will be read from the file.
  private static func packings(
    _ proto: ModelProto, _ data: TensorStorage, _ sizes: [Name: Int], _ options: ModelOptions
  ) throws(MaasError) -> [Packing] {
    let read = try ONNXModel(storage: serialized(proto), embedded: data)
    let optimized = try Model(read, options, path: nil).optimized(.all)
    let threads = ThreadPool.defaultThreads
    return try packed(optimized.graph, optimized.weights, sizes, threads: threads)
  }

  /// Refuses a compiled model that was made for other kernels than this process has.
  static func check(_ compiled: CompiledModel) throws(MaasError) {
    let family = Processor.family
    guard compiled.family == family else {
      throw MaasError(
        .unsupported, "the model was compiled for other CPUs", expected: family, found: compiled.family,
        hint: "compile the ONNX model here with maas-model compile")
    }
    guard compiled.layouts == (try layoutFingerprint(compiled.layoutNames)) else {
      throw MaasError(
        .unsupported, "the model was compiled by a maas whose kernels read weights in another order",
        hint: "compile the ONNX model again with maas-model compile")
    }
  }
}
