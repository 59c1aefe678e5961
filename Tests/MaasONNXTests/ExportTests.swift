import CMaasSystem
import MaasCore
import MaasGraph
import Testing

@testable import MaasONNX

/// Graphs that are written and read again.
@Suite struct ExportTests {
  private func written(_ model: ONNXModel, weights: WeightFile? = nil) throws -> ModelProto {
    try exported(model.graph(keepsForms: true), model.info(), weights: weights)
  }

  private func text(_ blob: Blob?) -> String {
    if case .made(let bytes) = blob { String(decoding: bytes, as: UTF8.self) } else { "" }
  }

  private func summary(_ graph: Graph) -> [String] {
    graph.nodes.map { node in
      let inputs = node.inputs.map { $0.map { graph[$0].name } ?? "" }
      let outputs = node.outputs.map { $0.map { graph[$0].name } ?? "" }
      let bodies = node.op.bodies.map { summary($0) }
      return "\(node.name) \(node.op.name)(\(inputs)) -> \(outputs) \(bodies)"
    } + graph.values.filter { $0.constant != nil }.map { "\($0.name) \($0.constant?.shape ?? [])" }.sorted()
  }

  @Test(arguments: DifferentialTests.sources.map { $0.path })
  func soundModels(path: String) throws {
    let original = try ONNXModel(path: path)
    let proto = try written(original)
    let bytes = try bytes(proto)
    #expect(bytes.withUnsafeBytes { Authority($0) } != nil)
    let again = try opened(proto)
    let (before, after) = (try original.graph(), try again.graph())
    // Constants that nothing reads are left out.
    #expect(Set(summary(after)).isSubset(of: summary(before)))
    #expect(after.nodes.count == before.nodes.count)
    #expect(after.inputs.map { after[$0].shape } == before.inputs.map { before[$0].shape })
    #expect(after.outputs.map { after[$0].name } == before.outputs.map { before[$0].name })
    for (x, y) in zip(constants(before), constants(after)) { #expect(x == y) }
  }

  /// The bytes of the constants that nodes read, in the nodes' order.
  private func constants(_ graph: Graph) -> [[UInt8]] {
    graph.nodes.flatMap { $0.inputs.compactMap { $0 } }.compactMap { graph[$0].constant }
      .filter { $0.dtype != .string }.map { $0.byteArray }
  }

  private func addition() -> GraphProto {
    var proto = graph(
      [node("Add", ["x", "w"], ["y"], name: "add")], inputs: [value("x", .float, ["n", 300])], outputs: ["y"])
    proto.initializers = [tensor("w", .float, [300], raw: [UInt8](repeating: 1, count: 1200))]
    return proto
  }

  @Test func metadataAndSymbols() throws {
    var source = model(addition(), opset: 13, irVersion: 7)
    (source.producerName, source.docString, source.metadata) = (Blob("me"), Blob("what"), [entry("k", "v")])
    let proto = try written(opened(source))
    #expect(proto.irVersion == 7 && proto.opsetImports.map { $0.version } == [13])
    #expect(text(proto.producerName) == "me" && text(proto.docString) == "what")
    #expect(text(proto.metadata.first?.value) == "v")
    let dims = proto.graph.value?.inputs.first?.type.value?.kinds.tensor.value?.shape.value?.dims ?? []
    #expect(text(dims.first?.param) == "n" && dims.last?.value == 300)
  }

  @Test func largeTensorsGoToAFileOfTheirOwn() throws {
    let weights = WeightFile(location: "w.data")
    let proto = try written(opened(model(addition())), weights: weights)
    let initializer = try #require(proto.graph.value?.initializers.first)
    #expect(initializer.dataLocation == 1 && initializer.rawData == nil)
    #expect(initializer.externalData.map { text($0.value) } == ["w.data", "0", "1200"])
    #expect(weights.contents.byteCount == 1200)
  }

  /// A branch that hands on what it captures, and one that makes a constant.
  @Test func bodies() throws {
    var one = graph([], outputs: ["c"])
    one.initializers = [tensor("c", .float, [], raw: [0, 0, 0x80, 0x3f])]
    var branch = node("If", ["flag"], ["y"], name: "if")
    for (name, body) in [("then_branch", graph([], outputs: ["x"])), ("else_branch", one)] {
      var attribute = AttributeProto()
      (attribute.name, attribute.kind) = (Blob(name), AttributeProto.Kind.graph.rawValue)
      attribute.graph = Box(body)
      branch.attributes.append(attribute)
    }
    let proto = graph([branch], inputs: [value("flag", .bool), value("x")], outputs: ["y"])
    let written = try written(opened(model(proto)))
    let bodies = written.graph.value?.nodes.first?.attributes.compactMap { $0.graph.value } ?? []
    // ONNX Runtime wants a node in a body for each of its outputs.
    #expect(bodies.map { $0.nodes.map { text($0.opType) } } == [["Identity"], ["Identity"]])
    #expect(text(bodies.first?.nodes.first?.inputs.first) == "x")
    let graph = try opened(written).graph()
    #expect(graph.nodes.first?.op.bodies.map { $0.captureCount } == [1, 0])
  }

  @Test func operatorsWithoutAForm() throws {
    let model = try opened(model(addition()))
    let error = #expect(throws: MaasError.self) { try exported(model.graph(), model.info()) }
    #expect(error?.code == .unsupported && error?.node == "add")
  }
}
