import MaasCore
import Testing

@testable import MaasONNX

@Suite struct ModelInfoTests {
  @Test func whatTheDemoModelSays() throws {
    let info = try ONNXModel(path: SharedModels.package + "/examples/digits/digits.onnx").info()
    #expect(info.irVersion == 8)
    #expect(info.opsets.map { $0.domain } == [""])
    #expect(info.opsets.map { $0.version } == [17])
    #expect(info.inputs.map { $0.name } == ["image"])
    #expect(info.inputs.first?.dtype == .float)
    #expect(info.inputs.first?.shape?.text == "[N, 1, 8, 8]")
  }

  /// From files before IR 4, initializers stand among the inputs too.
  @Test func initializersAreNoInputs() throws {
    var graph = graph([], inputs: [value("x"), value("w")], outputs: ["x"])
    graph.initializers = [tensor("w", .float, [], raw: [0, 0, 0, 0])]
    let info = try opened(model(graph, irVersion: 3)).info()
    #expect(info.inputs.map { $0.name } == ["x"])
  }

  @Test func dimensions() throws {
    var anonymous = DimensionProto()
    anonymous.denotation = Blob("DATA_BATCH")
    let shape: [DimensionProto] = [3, "batch", -1, anonymous, 0, ""]
    let inputs = [value("x", .int64, shape), value("r", .bool, nil), value("s", .double, [])]
    let info = try opened(model(graph([], inputs: inputs, outputs: ["x"]))).info()
    #expect(info.inputs[0].shape?.text == "[3, batch, x[2], x[3], 0, x[5]]")
    #expect(Set(info.unnamedDims.map { $0.text }) == ["x[2]", "x[3]", "x[5]"])
    #expect(info.inputs[1].shape == nil)
    #expect(info.inputs[2].shape?.rank == 0)
    #expect(info.inputs.map { $0.dtype } == [.int64, .bool, .double])
  }

  /// Also where the name stands in a body only, and where two values would get it.
  @Test func madeUpDimensionsHaveNamesOfTheirOwn() throws {
    var branch = AttributeProto()
    branch.name = Blob("then_branch")
    branch.graph = Box(graph([], inputs: [value("b", .float, ["x[1]"])], outputs: ["b"]))
    var conditional = node("If", ["c"], ["y"])
    conditional.attributes = [branch]
    let inputs = [value("x", .float, [-1, -1, "x[2]"]), value("z", .float, ["x[0]"]), value("c", .bool)]
    let info = try opened(model(graph([conditional], inputs: inputs, outputs: ["y"]))).info()
    #expect(info.inputs[0].shape?.text == "[x[0]'1, x[1]'1, x[2]]")
    #expect(Set(info.unnamedDims.map { $0.text }) == ["x[0]'1", "x[1]'1"])
  }

  /// Each of them as the name of an input, an output of a node, a node and a dimension.
  @Test(arguments: [[0x42, 0xff], [0x42, 0], [0xed, 0xa0, 0x80], [0xc3]] as [[UInt8]])
  func namesThatAreNoText(name: [UInt8]) throws {
    let blob = Blob.made(name)
    var (input, dim) = (value("x"), DimensionProto())
    input.name = blob
    dim.param = blob
    var (relu, labelled) = (node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"]))
    relu.outputs = [blob]
    labelled.name = blob
    let graphs = [
      graph([node("Relu", ["x"], ["y"])], inputs: [input], outputs: ["y"]),
      graph([node("Relu", ["x"], ["y"])], inputs: [value("x", .float, [dim])], outputs: ["y"]),
      graph([relu], inputs: [value("x")], outputs: ["y"]),
      graph([labelled], inputs: [value("x")], outputs: ["y"]),
    ]
    for graph in graphs {
      let error = try #require(throws: MaasError.self) {
        let opened = try opened(model(graph))
        _ = (try opened.info(), try opened.graph())
      }
      #expect(error.code == .invalidModel && error.message.contains("UTF-8 without zero bytes"))
    }
  }

  @Test func containers() throws {
    var sequence = SequenceTypeProto()
    var tensor = TensorTypeProto()
    tensor.elemType = DType.int64.rawValue
    sequence.elemType = Box(TypeProto(tensor: tensor))
    var inner = TypeProto()
    inner.kinds.sequence = Box(sequence)
    var optional = SequenceTypeProto()
    optional.elemType = Box(inner)
    var type = TypeProto()
    type.kinds.optional = Box(optional)
    var input = ValueInfoProto()
    input.name = Blob("x")
    input.type = Box(type)
    let info = try opened(model(graph([], inputs: [input], outputs: ["x"]))).info()
    #expect(info.inputs[0].dtype == .int64)
    #expect(info.inputs[0].container == .optional(of: .sequence(of: nil)))
  }

  @Test func negativeDimensions() throws {
    let model = try opened(model(graph([], inputs: [value("x", .float, [2, -7])], outputs: ["x"])))
    let error = #expect(throws: MaasError.self) { try model.info() }
    #expect(
      error?.message
        == "tensor 'x': dimension 1 of the declared shape is negative: expected 0 or more, found -7")
  }

  @Test func metadata() throws {
    var proto = model(graph([], inputs: [value("x")], outputs: ["x"]))
    var entry = StringStringEntryProto()
    entry.key = Blob("author")
    entry.value = Blob("Zoë")
    proto.metadata = [entry]
    proto.producerName = Blob("tests")
    proto.modelVersion = -3
    var other = OperatorSetIdProto()
    other.domain = Blob("ai.onnx")
    other.version = 9
    proto.opsetImports = [other]
    let info = try opened(proto).info()
    #expect(info.metadata.map { "\($0.key)=\($0.value)" } == ["author=Zoë"])
    #expect(info.producerName == "tests")
    #expect(info.modelVersion == -3)
    #expect(info.graphName == "test")
    #expect(info.opsets.map { $0.domain } == [""])
  }

  @Test(
    arguments: [
      ([], "the file is empty: expected an ONNX model"),
      ([0x08, 0x08], "the file has no graph; is it an ONNX model?"),
      (
        [0x3a, 0x05, 0x0a],
        "a field of 5 bytes runs past the end at byte 2 of 3; the file is damaged, incomplete, or no ONNX model"
      ),
      (
        Array("hello, world".utf8),
        "a group ends that never began at byte 3 of 12; the file is damaged, incomplete, or no ONNX model"
      ),
    ] as [([UInt8], String)])
  func filesThatAreNoModels(bytes: [UInt8], message: String) {
    let error = #expect(throws: MaasError.self) { try bytes.withUnsafeBytes { try ONNXModel(copying: $0) } }
    #expect(error?.message == message)
  }

  /// Borrowed bytes are given back once, after the last tensor over them is gone.
  @Test func borrowedMemory() throws {
    var graph = graph([], inputs: [value("x")], outputs: ["x"])
    graph.initializers = [tensor("w", .uint8, [4], raw: [1, 2, 3, 4])]
    let bytes = try bytes(model(graph))
    nonisolated(unsafe) var released = 0
    try bytes.withUnsafeBytes { buffer in
      let base = try #require(buffer.baseAddress)
      var tensor: Tensor?
      do {
        let storage = TensorStorage.borrow(UnsafeMutableRawPointer(mutating: base), buffer.count) {
          released += 1
        }
        let model = try ONNXModel(storage: storage)
        let weight = try #require(model.proto.graph.value?.initializers.first)
        tensor = try TensorDecoder(model.source).tensor(weight)
      }
      #expect(released == 0)
      #expect(tensor?.byteArray == [1, 2, 3, 4])
      tensor = nil
      #expect(released == 1)
    }
  }
}
