import MaasCore
import MaasGraph
import Testing

@testable import MaasQuantizer

/// image -> Conv -> Relu -> MaxPool -> Conv -> Add (with the pool) -> Relu -> GlobalAveragePool -> Flatten -> Gemm
private struct Network {
  var rewriter = GraphRewriter(Graph("network"), opset: 17)
  var ids: [String: ValueID] = [:]

  init() throws {
    var graph = Graph("network")
    let image = graph.addInput("image", .float, Shape([1, 3, 8, 8]))
    rewriter = GraphRewriter(graph, opset: 17)
    let first = try weights("first", [4, 3, 1, 1])
    let second = try weights("second", [4, 4, 1, 1])
    try add("conv1", "Conv", [image, first])
    try add("relu1", "Relu", [ids["conv1"]])
    try add("pool", "MaxPool", [ids["relu1"]], [Attribute("kernel_shape", .ints([2, 2]))])
    try add("conv2", "Conv", [ids["pool"], second])
    try add("sum", "Add", [ids["conv2"], ids["pool"]])
    try add("relu2", "Relu", [ids["sum"]])
    try add("mean", "GlobalAveragePool", [ids["relu2"]])
    try add("flat", "Flatten", [ids["mean"]])
    let last = try weights("last", [4, 5])
    try add("gemm", "Gemm", [ids["flat"], last])
  }

  private mutating func weights(_ name: String, _ shape: [Int]) throws -> ValueID {
    rewriter.constant(name, try Tensor(.float, shape, noise(shape.reduce(1, *))))
  }

  private mutating func add(
    _ name: String, _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = []
  ) throws {
    ids[name] = try rewriter.add(type, inputs, name, attributes)
  }

  func graph() throws -> Graph {
    var graph = try rewriter.finished()
    graph.outputs = [ids["gemm"]!]
    return graph
  }
}

@Suite struct ByteFlowTests {
  private func flow(_ network: Network, excluded: [String] = []) throws -> ByteFlow {
    let graph = try network.graph()
    var options = QuantizationOptions()
    options.mode = .static
    options.excluded = excluded
    return ByteFlow(graph, layers: LayerList(graph, options).layers)
  }

  @Test func bytesFlowFromLayerToLayer() throws {
    let network = try Network()
    let flow = try flow(network)
    func ids(_ names: [String]) -> Set<ValueID> { Set(names.compactMap { network.ids[$0] }) }
    // What the first layer reads is made of no layer, and no bytes stand between a layer and its activation.
    let image = ValueID(0)
    #expect(flow.everywhere == ids(["relu1", "pool", "conv2", "relu2", "mean", "flat"]))
    #expect(Set(flow.values) == flow.everywhere.union([image]))
    let leader = { (name: String) in flow.leader(network.ids[name]!) }
    #expect(leader("relu1") == leader("pool"))
    #expect(leader("mean") == leader("flat"))
    #expect(leader("pool") != leader("conv2"))
    #expect(leader("relu2") != leader("mean"))
  }

  @Test func aFloatLayerEndsTheFlow() throws {
    let network = try Network()
    let flow = try flow(network, excluded: ["conv1"])
    // The pool is now made of floats; so is the sum, and all that only comes of it.
    #expect(flow.everywhere == [])
    #expect(Set(flow.values) == Set(["pool", "flat"].compactMap { network.ids[$0] }))
  }
}
