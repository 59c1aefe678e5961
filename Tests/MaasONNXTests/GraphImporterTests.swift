import MaasCore
import MaasGraph
import Testing

@testable import MaasONNX

@Suite struct GraphImporterTests {
  private func imported(_ proto: GraphProto, opset: Int64 = 17, irVersion: Int64 = 8) throws -> Graph {
    try opened(model(proto, opset: opset, irVersion: irVersion)).graph()
  }

  private func message(_ proto: ModelProto) -> String? {
    #expect(throws: MaasError.self) { try opened(proto).graph() }?.message
  }

  private func names(_ graph: Graph, _ ids: [ValueID?]) -> [String?] { ids.map { $0.map { graph[$0].name } } }

  @Test(arguments: SharedModels.names)
  func sharedModels(name: String) throws {
    guard let path = SharedModels.path(name) else { return }
    let model = try ONNXModel(path: path)
    let graph = try model.graph()
    let constants = model.proto.graph.value?.nodes.filter { model.source.text($0.opType) == "Constant" } ?? []
    #expect(graph.nodes.count + constants.count == model.proto.graph.value?.nodes.count)
    #expect(graph.inputs.map { graph[$0].name } == (try model.info()).inputs.map { $0.name })
  }

  /// é as one scalar, and as e with an accent: the same to Swift, but names of ONNX are bytes.
  @Test func namesAreBytes() throws {
    let (one, two) = ("\u{e9}", "e\u{301}")
    #expect(one == two)
    let proto = graph(
      [node("Neg", [one], [one + "y"]), node("Abs", [two], [two + "y"])], inputs: [value(one), value(two)],
      outputs: [two + "y", one + "y"])
    let imported = try imported(proto)
    #expect(imported.inputs.count == 2)
    let made = imported.nodes.map { ($0.op.name, $0.inputs[0], $0.outputs[0]) }
    #expect(made.map { $0.0 } == ["Neg", "Abs"])
    #expect(made.map { $0.1 } == imported.inputs.map { $0 })
    #expect(made.reversed().map { $0.2 } == imported.outputs.map { $0 })
  }

  @Test func inputsOutputsAndConstants() throws {
    var proto = graph(
      [node("Add", ["x", "w"], ["a"]), node("Clip", ["a", "", "top"], ["y"], name: "clip")],
      inputs: [value("x", .float, ["n"]), value("w")], outputs: ["y"])
    proto.initializers = [
      tensor("w", .float, [1], raw: [0, 0, 0x80, 0x3f]), tensor("top", .float, [], raw: [0, 0, 0, 0]),
    ]
    proto.valueInfos = [value("a", .float, ["n"])]
    let graph = try imported(proto)
    #expect(names(graph, graph.inputs.map { $0 }) == ["x"])
    #expect(graph.nodes.map { $0.name } == ["Add_0", "clip"])
    #expect(names(graph, graph.nodes[1].inputs) == ["a", nil, "top"])
    #expect(graph.values.first { $0.name == "w" }?.constant?.elements(as: Float.self) == [1])
    #expect(graph.values.first { $0.name == "a" }?.shape?.text == "[n]")
    #expect(graph.captureCount == 0)
  }

  @Test(
    arguments: [
      ("value_float", .float, [], [0, 0, 0x80, 0x3f]), ("value_int", .int64, [], [7, 0, 0, 0, 0, 0, 0, 0]),
      ("value_floats", .float, [2], [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]),
      ("value_ints", .int64, [1], [7, 0, 0, 0, 0, 0, 0, 0]), ("value", .uint8, [2], [5, 6]),
    ] as [(String, DType, [Int], [UInt8])])
  func constantNodes(name: String, dtype: DType, shape: [Int], contents: [UInt8]) throws {
    var attribute = AttributeProto()
    attribute.name = Blob(name)
    attribute.float = 1
    attribute.int = 7
    attribute.floats = [1, 2]
    attribute.ints = [7]
    attribute.tensor = Box(tensor("", .uint8, [2], raw: [5, 6]))
    var constant = node("Constant", [], ["c"])
    constant.attributes = [attribute]
    let graph = try imported(graph([constant, node("Identity", ["c"], ["y"])], outputs: ["y"]))
    #expect(graph.nodes.count == 1)
    let tensor = graph.values.first { $0.name == "c" }?.constant
    #expect(tensor?.dtype == dtype)
    #expect(tensor?.shape == shape)
    #expect(tensor?.byteArray == contents)
  }

  private func attribute(_ name: String, _ body: GraphProto) -> AttributeProto {
    var attribute = AttributeProto()
    attribute.name = Blob(name)
    attribute.graph = Box(body)
    attribute.kind = AttributeProto.Kind.graph.rawValue
    return attribute
  }

  /// The else branch stands first in the file; captures come in the order then, else all the same.
  @Test func capturesOfIf() throws {
    var condition = node("If", ["c"], ["y"], name: "choice")
    condition.attributes = [
      attribute("else_branch", graph([node("Add", ["b", "w"], ["e"])], outputs: ["e"])),
      attribute(
        "then_branch", graph([node("Sub", ["a", "b"], ["d"]), node("Neg", ["d"], ["t"])], outputs: ["t"])),
    ]
    var proto = graph(
      [condition], inputs: [value("c", .bool), value("a"), value("b")], outputs: ["y"])
    proto.initializers = [tensor("w", .float, [], raw: [0, 0, 0, 0])]
    let graph = try imported(proto)
    let choice = try #require(graph.nodes.first)
    #expect(names(graph, choice.inputs) == ["c", "a", "b", "b"])
    let bodies = choice.op.bodies
    #expect(bodies.map { $0.captureCount } == [2, 1])
    #expect(names(bodies[0], bodies[0].inputs.map { $0 }) == ["a", "b"])
    #expect(names(bodies[1], bodies[1].inputs.map { $0 }) == ["b"])
    // Constants are not captured: the body has them itself.
    #expect(bodies[1].values.first { $0.name == "w" }?.constant != nil)
  }

  /// What an inner body reads goes through every graph on the way; inner names hide outer ones.
  @Test func nestedCaptures() throws {
    var inner = node("If", ["c"], ["i"])
    inner.attributes = [
      attribute("then_branch", graph([node("Neg", ["x"], ["v"])], outputs: ["v"])),
      attribute("else_branch", graph([node("Abs", ["v"], ["r"])], outputs: ["r"])),
    ]
    var outer = node("If", ["c"], ["y"])
    outer.attributes = [
      attribute("then_branch", graph([node("Exp", ["x"], ["v"]), inner], outputs: ["i"])),
      attribute("else_branch", graph([], outputs: ["x"])),
    ]
    let graph = try imported(graph([outer], inputs: [value("c", .bool), value("x")], outputs: ["y"]))
    let node = try #require(graph.nodes.first)
    #expect(names(graph, node.inputs) == ["c", "x", "c", "x"])
    let thenBranch = node.op.bodies[0]
    #expect(names(thenBranch, thenBranch.inputs.map { $0 }) == ["x", "c"])
    #expect(names(thenBranch, thenBranch.nodes[1].inputs) == ["c", "x", "v"])
    #expect(node.op.bodies[1].outputs == node.op.bodies[1].inputs)
  }

  /// A model that tells ranks or sizes apart by If has a branch that does not fit the inputs it is used with.
  @Test func aBranchThatDoesNotFitSaysNothing() throws {
    func ends(_ b: String, _ c: String) throws -> Graph {
      var choice = node("If", ["c"], ["y"])
      choice.attributes = [
        attribute("then_branch", graph([node("MatMul", ["a", b], ["t"])], outputs: ["t"])),
        attribute("else_branch", graph([node("MatMul", ["a", c], ["e"])], outputs: ["e"])),
      ]
      let inputs = [
        value("c", .bool), value("a", .float, [2, 3]), value("fits", .float, [3, 5]),
        value("short", .float, [2, 5]),
      ]
      var proto = graph([choice], inputs: inputs, outputs: ["y"])
      proto.outputs = [value("y", .float, nil)]
      var made = try imported(proto)
      try made.inferValues()
      return made
    }
    let first = try ends("short", "fits")
    #expect(first[first.outputs[0]].shape?.text == "[2, 5]")
    let second = try ends("fits", "short")
    #expect(second[second.outputs[0]].shape?.text == "[2, 5]")
    #expect(throws: MaasError.self) { try ends("short", "short") }
  }

  @Test func namesMustBeUnique() {
    let twice = graph(
      [node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])], inputs: [value("x")], outputs: ["y"])
    #expect(
      message(model(twice)) == "node 'Abs_1' (Abs): tensor 'y': two values of the graph have the same name; "
        + "every input, initializer and node output needs a name of its own")
    let inputs = graph([node("Neg", ["x"], ["y"])], inputs: [value("x"), value("x")], outputs: ["y"])
    #expect(message(model(inputs))?.hasPrefix("tensor 'x': two values") == true)
  }

  @Test func edgesMustLeadSomewhere() {
    let misspelt = graph(
      [node("Neg", ["imagee"], ["y"], name: "n")], inputs: [value("image")], outputs: ["y"])
    #expect(
      message(model(misspelt))
        == "node 'n' (Neg): tensor 'imagee': input 0 reads a value that nothing makes; did you mean 'image'?")
    let output = graph([node("Neg", ["x"], ["y"])], inputs: [value("x")], outputs: ["result"])
    #expect(message(model(output))?.hasPrefix("tensor 'result': an output reads a value") == true)
    #expect(message(model(graph([], inputs: [value("x")], outputs: []))) == "the graph has no outputs")
  }

  @Test func operatorsMustBeKnown() {
    func using(_ type: String, domain: String = "", opset: Int64 = 17) -> ModelProto {
      var user = node(type, ["x"], ["y"], name: "n")
      user.domain = Blob(domain)
      return model(graph([user], inputs: [value("x")], outputs: ["y"]), opset: opset)
    }
    #expect(
      message(using("Reluu")) == "node 'n' (Reluu): the operator is not supported (opset 17 of ai.onnx); "
        + "did you mean 'Relu'?")
    #expect(
      message(using("Relu", domain: "com.example"))
        == "node 'n' (Relu): the model does not import the operator's domain: "
        + "expected an opset_import of com.example, found ai.onnx 17")
    #expect(
      message(using("Relu", opset: 99))
        == "node 'n' (Relu): this version of the operator is not supported: "
        + "expected opset 1 to 28, found opset 99; ONNX's version converter can write the model for another opset"
    )
    #expect(
      message(using("Relu", opset: 0))
        == "node 'n' (Relu): the opset version is impossible: expected 1 or more, found 0")
    var imported = using("Relu", domain: "com.example")
    var domain = OperatorSetIdProto()
    domain.domain = Blob("com.example")
    domain.version = 1
    imported.opsetImports.append(domain)
    let text = message(imported) ?? ""
    #expect(
      text.hasPrefix("node 'n' (Relu): operator 'Relu' of com.example, version 1, is not known; add it with ")
    )
  }

  private func function(_ name: String, _ nodes: [NodeProto]) -> FunctionProto {
    var function = FunctionProto()
    function.name = Blob(name)
    function.inputs = [Blob("a")]
    function.outputs = [Blob("b")]
    function.nodes = nodes
    var opset = OperatorSetIdProto()
    opset.version = 17
    function.opsetImports = [opset]
    return function
  }

  @Test func functionsArePutInTheirCallsPlaces() throws {
    var proto = model(graph([node("Twice", ["x"], ["y"], name: "t")], inputs: [value("x")], outputs: ["y"]))
    proto.functions = [
      function("Once", [node("Neg", ["a"], ["b"], name: "neg")]),
      function("Twice", [node("Once", ["a"], ["c"], name: "p"), node("Once", ["c"], ["b"], name: "q")]),
    ]
    let graph = try opened(proto).graph()
    #expect(graph.nodes.map { $0.name } == ["t/p/neg", "t/q/neg", "y"])
    #expect(graph.nodes[1].inputs == graph.nodes[0].outputs)
    #expect(graph.nodes[2].inputs == graph.nodes[1].outputs)
    #expect(graph.outputs == graph.nodes[2].outputs.compactMap { $0 })
    #expect(names(graph, graph.outputs.map { $0 }) == ["y"])
  }

  @Test func outputsHaveTheModelsNamesAlsoWhereAFunctionForwardsThem() throws {
    let call = node("Same", ["x"], ["y"], name: "s")
    var proto = model(graph([call], inputs: [value("x")], outputs: ["y", "x"]))
    var forward = function("Same", [])
    forward.outputs = [Blob("a")]
    proto.functions = [forward]
    let graph = try opened(proto).graph()
    #expect(names(graph, graph.inputs.map { $0 }) == ["x"])
    #expect(names(graph, graph.outputs.map { $0 }) == ["y", "x"])
  }

  @Test func operatorsOfTheCallersGoBeforeFunctions() throws {
    let registry = OperatorRegistry()
    for since in [1, 17, 18] {
      try registry.add(
        Registration("Twice", domain: "com.example", opsets: since...Int.max) { (reader) throws(MaasError) in
          throw MaasError(.unsupported, "version \(since) is taken at \(reader.opset)")
        })
    }
    var call = node("Twice", ["x"], ["y"], name: "t")
    call.domain = Blob("com.example")
    var proto = model(graph([call], inputs: [value("x")], outputs: ["y"]))
    var body = function("Twice", [node("Neg", ["a"], ["b"])])
    body.domain = Blob("com.example")
    proto.functions = [body]
    var domain = OperatorSetIdProto()
    domain.domain = Blob("com.example")
    domain.version = 17
    proto.opsetImports.append(domain)
    #expect(try opened(proto).graph().nodes.map { $0.op.name } == ["Neg", "Identity"])
    let error = #expect(throws: MaasError.self) { try opened(proto).graph(own: registry) }
    #expect(error?.message == "node 't' (Twice): version 17 is taken at 17")
  }

  @Test func functionsThatCallThemselvesAreRefused() {
    var proto = model(graph([node("Twice", ["x"], ["y"])], inputs: [value("x")], outputs: ["y"]))
    proto.functions = [function("Twice", [node("Twice", ["a"], ["b"])])]
    #expect(message(proto)?.contains("the function 'Twice' calls itself") == true)
  }

  /// The table is searched by halves, and each name has one row per opset.
  @Test func tableIsSorted() {
    for (row, next) in zip(operatorTable, operatorTable.dropFirst()) {
      #expect(row.name <= next.name)
      if row.name == next.name, row.domain == next.domain { #expect(!row.opsets.overlaps(next.opsets)) }
    }
  }
}
