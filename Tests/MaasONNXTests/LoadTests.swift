import MaasCore
import Testing

@testable import MaasONNX

@Suite struct LoadTests {
  @Test(arguments: SharedModels.names)
  func everySharedModelParses(name: String) throws {
    guard let path = SharedModels.path(name) else { return }
    let model = try ONNXModel(path: path)
    let info = try model.info()
    print(name, info.irVersion, info.producerName, info.opsets.map { "\($0.domain):\($0.version)" })
    for input in info.inputs {
      print("  in ", input.name, input.dtype?.name ?? "?", input.shape?.text ?? "?")
    }
    for output in info.outputs {
      print("  out", output.name, output.dtype?.name ?? "?", output.shape?.text ?? "?")
    }
    let graph = model.proto.graph.value
    let decoder = TensorDecoder(model.source)
    for tensor in graph?.initializers ?? [] { _ = try decoder.tensor(tensor) }
    #expect(graph?.nodes.isEmpty == false)
  }
}
