import MaasCore
import MaasGraph
import MaasONNX

extension Trainer {
  /// Goes on training an ONNX model from memory.
  public convenience init(
    copying bytes: UnsafeRawBufferPointer, options: TrainerOptions = TrainerOptions()
  ) throws(MaasError) {
    let model = try ONNXModel(copying: bytes)
    var graph = try model.graph(keepsForms: true)
    try graph.inferValues()
    try self.init(graph, try model.info(), options)
  }

  /// Sets an option that no graph depends on, for the calls that follow.
  public func set(_ name: String, _ value: String) throws(MaasError) {
    try expectRest()
    var changed = options
    try changed.set(name, value)
    guard Self.changeable.contains(name) else {
      throw MaasError(
        .invalidArgument, "the option '\(name)' cannot change once there is a trainer",
        expected: joined(Self.changeable, ", "))
    }
    try changed.check()
    options = changed
  }
  private static let changeable = ["batch_size", "epochs", "learning_rate", "shuffle", "validation_split"]

  /// The output that is trained: the model's first one of floats that depends on a parameter.
  public var outputName: String { model.graph[model.output].name }

  /// The names of all that a training changes: parameters, and behind them running statistics.
  public var tensorNames: [String] { (model.parameters + model.statistics).map { $0.name } }

  /// The bytes of the file that `export` writes.
  public func exported() throws(MaasError) -> Tensor {
    let bytes = try serialized(try MaasONNX.exported(inferenceGraph(), info))
    return try Tensor(.uint8, [bytes.byteCount], storage: bytes)
  }
}
