import MaasCore
import MaasTrainer
import Testing

@testable import MaasData

/// The outputs of a deployed model of one dense layer whose weights are known, for all rows of a table.
private func outputs(_ text: String, weights: [Float], bias: [Float]) throws -> [Tensor] {
  try withText(text) { path in
    let table = try TableOptions().read(path)
    var options = PreprocessingOptions()
    options.scaling = .none
    let all = Array(0..<table.count)
    let preprocessing = try Preprocessing(fitting: table, on: all, options, threads: 1)
    let answer: DeployedModel.Answer
    switch table.targets {
    case .classes(_, let names): answer = .classes(names)
    case .numbers(let numbers): answer = .numbers(TargetScale(fitting: numbers, on: all))
    }
    var network = try Network(text: "input 1\ndense \(bias.count)").graph(seed: 0)
    for i in network.values.indices {
      guard let constant = network.values[i].constant else { continue }
      network.values[i].constant = try Tensor(
        .float, constant.shape, constant.shape.count == 2 ? weights : bias)
    }
    let graph = try DeployedModel(preprocessing, answer).graph(network)
    return try GraphRunner(graph, threads: 1).run(try table.raw(all[...]))
  }
}

@Suite struct DeployedModels {
  @Test func namesAndProbabilities() throws {
    let found = try outputs("a,y\n0,u\n2,v\n0.5,v\n", weights: [0, 1], bias: [0, -1])
    #expect(found[0].strings == ["u", "v", "u"])
    // 1 / (1 + e^(x - 1)) for x = 0, 2, 1/2
    let expected: [Float] = [0.7310586, 0.2689414, 0.6224593]
    let firsts = stride(from: 0, to: 6, by: 2).map { found[1].elements(as: Float.self)[$0] }
    #expect(zip(firsts, expected).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func integersStayIntegers() throws {
    let found = try outputs("a,y\n0,3\n2,8\n4,8\n", weights: [0, 1], bias: [0, -1])
    #expect(found[0].dtype == .int64 && found[0].elements(as: Int64.self) == [3, 8, 8])
  }

  @Test func numbersAreScaledBack() throws {
    // Targets 10.5 and 20.5: mean 15.5, deviation 5.
    let found = try outputs("a,y\n1,10.5\n3,20.5\n", weights: [2], bias: [1])
    #expect(found[0].elements(as: Float.self) == [30.5, 50.5] && found[0].shape == [2, 1])
  }
}
