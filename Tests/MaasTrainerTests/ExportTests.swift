import CMaasONNX
import Foundation
import MaasCore
import Testing

@testable import MaasTrainer

/// Exported models are what ONNX's checkers accept, and give ONNX Runtime the trainer's own predictions.
@Suite struct ExportTests {
  private static let image = "input 3 12 12\n"
  private static let networks: [(text: String, vocabulary: Int)] = [
    (
      "input 6\ndense 8 activation=gelu\nbatch-norm\ndropout 0.3\ndense 8 activation=swish bias=false\ndense 3",
      0
    ),
    ("input 6\nresidual\ndense 8 activation=relu\ndense 9\nend activation=elu\nlayer-norm\ndense 3", 0),
    (
      image + "conv 8 kernel=3x5 stride=2x1 padding=same activation=leaky-relu\nmax-pool 2\nflatten\ndense 4",
      0
    ),
    (
      image
        + "depthwise-conv kernel=3 multiplier=2\naverage-pool 3 stride=2 padding=1\nconv 4 kernel=1 groups=2",
      0
    ),
    (
      image
        + "residual\nconv 6 kernel=3 stride=2 padding=same\nbatch-norm\nend\nglobal-average-pool\ndense 3", 0
    ),
    (
      "input 12\nreshape 2 6\nconv 4 kernel=3 dilation=2 padding=valid activation=hard-swish\nflatten\ndense 2",
      0
    ),
    ("input 9 type=int64\nembedding 20 8\nlstm 5 bidirectional=true return=all\ngru 4\ndense 3", 20),
    (
      "input 9 type=int64\nembedding 20 8\npositional\ntransformer heads=2 ff=16 dropout=0.1 causal=true\n"
        + "global-average-pool",
      20
    ),
    ("input 7 6\nattention heads=3\ndense 4 activation=softplus\nlstm 3\ndense 2 activation=log-softmax", 0),
  ]

  @Test(arguments: 0..<9) func runElsewhereTheyGiveTheSame(index: Int) throws {
    let (text, vocabulary) = Self.networks[index]
    let trainer = try Trainer(Network(text: text))
    let path = temporaryPath("export\(index).onnx")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer.export(to: path, metadata: [("classes", "a,b")])
    try check(path)
    let dims = trainer.model.graph[trainer.model.graph.inputs[0]].shape?.dims.dropFirst() ?? []
    let shape = [4] + dims.compactMap { $0.value }
    let count = shape.reduce(1, *)
    let x =
      vocabulary > 0
      ? try Tensor(.int64, shape, (0..<count).map { Int64($0 * 7 % vocabulary) })
      : try Tensor(.float, shape, pattern(count, 17, 3))
    let own = floats(try trainer.predict([x]))
    let others = try onnxRuntime(path, vocabulary)
    #expect(own.count == others.count && !own.isEmpty)
    for (a, b) in zip(own, others) { #expect(abs(Double(a) - b) < 1e-5) }
  }

  @Test func probabilitiesAreAddedWhereTheyAreAskedFor() throws {
    var options = TrainerOptions()
    options.loss = .crossEntropy
    let trainer = try Trainer(Network(text: "input 4\ndense 3"), options: options)
    let path = temporaryPath("probabilities.onnx")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer.export(to: path, probabilities: true)
    try check(path)
    let rows = try onnxRuntime(path, 0)
    for row in 0..<4 { #expect(abs(rows[3 * row..<3 * row + 3].reduce(0, +) - 1) < 1e-6) }
    // The loss looks at the scores in front of the softmax, which the model keeps.
    let again = try Trainer(path: path, options: options)
    #expect(again.model.hasEnding)
    let x = try Tensor(.float, [4, 4], pattern(16, 17, 3))
    for (a, b) in zip(floats(try again.predict([x])), rows) { #expect(abs(Double(a) - b) < 1e-6) }
  }

  /// With libonnx's checker.
  private func check(_ path: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let model = data.withUnsafeBytes { maas_onnx_parse($0.baseAddress, $0.count) }
    defer { maas_onnx_free(model) }
    var problem = maas_onnx_problem()
    #expect(
      maas_onnx_check(model, path, &problem) == MAAS_ONNX_SOUND,
      "\(problem.reason.map { String(cString: $0) } ?? "")")
    maas_onnx_problem_free(&problem)
  }

  /// The outputs of a model for the pattern, from the Python that scripts/setup.sh made.
  private func onnxRuntime(_ path: String, _ vocabulary: Int) throws -> [Double] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let root = folder.deletingLastPathComponent().deletingLastPathComponent()
    let python =
      ProcessInfo.processInfo.environment["PYTHON"]
      ?? root.appendingPathComponent(".build/venv/bin/python").path
    let (process, pipe) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [
      folder.appendingPathComponent("Fixtures/run_model.py").path, path, "4", "\(vocabulary)",
    ]
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return text.split(separator: "\n").compactMap { Double($0) }
  }
}
