import MaasCore
import MaasGraph
import Testing

@testable import MaasTrainer

@Suite struct NetworkTests {
  @Test func presetsGiveTheirOutputs() throws {
    let image = Network.Task(input: [3, 16, 16], outputs: 5)
    let text = Network.Task(input: [12], outputs: 5, vocabulary: 50)
    for (name, task) in [
      ("mlp", image), ("cnn-small", image), ("resnet-small", image), ("text-mlp", text), ("lstm", text),
      ("transformer-tiny", text), ("transformer-tiny", Network.Task(input: [7, 6], outputs: 5)),
    ] {
      let graph = try Network(preset: name, task).graph(seed: 1)
      #expect(graph[graph.outputs[0]].shape?.text == "[batch, 5]", "\(name)")
    }
    #expect(Network.presets.count == 6)
  }

  @Test(arguments: [
    ("dense 3", "a network begins with its input"), ("input 4", "the network has no layers"),
    ("input 4\n\ndens 3", "line 3: layer 'dens' is not known"),
    ("input 4\ndense", "line 2: dense: units is missing"),
    ("input 4\ndense 3 activation=rely", "did you mean 'relu'?"),
    ("input 4\ndense 3 activaton=relu", "line 2: dense: there is no option 'activaton'"),
    ("input 4\ndense 0", "a whole number, at least 1, found 0"),
    ("input 4\ndense 3 4", "there is a value too many"),
    ("input 4\nconv 8", "line 2: the layer cannot read this shape"),
    ("input 4\nembedding 10 3", "say 'input … type=int64'"),
    ("input 3 8 8\nconv 8 kernel=9", "the window is larger than its input"),
    ("input 3 8 8\r\n\r\nconv 8 kernel=9\r\n", "line 3: the window is larger than its input"),
    ("input 3 8 8\nmax-pool 2 padding=2", "line 2: a window would lie in the padding alone"),
    ("input 3 8 8\naverage-pool 2 dilation=2", "there is no option 'dilation'"),
    ("input 6 8\nattention heads=3", "expected a multiple of 3, found 8"),
    ("input 4\nresidual\ndense 4", "a residual block has no end"),
    ("input 4\ndense 4\nend", "line 3: there is no residual block to end"),
    (
      "input 4\ndropout 1.5",
      "line 2: dropout: ratio is no such number: expected 0, or a number from 1.2e-38 to below 1, as a 32-bit float, "
        + "found 1.5"
    ),
    ("input 4\ndropout 0x1p-1", "line 2: dropout: ratio is no such number"),
    (
      "input 4\nbatch-norm momentum=1.5",
      "line 2: batch-norm: momentum is no such number: expected 0, or a number"
    ),
    (
      "input 4\nbatch-norm epsilon=-1",
      "line 2: batch-norm: epsilon is no such number: expected a number from 1.2e-38"
    ),
    (
      "input 4\nlayer-norm epsilon=0",
      "line 2: layer-norm: epsilon is no such number: expected a number from 1.2e-38"
    ),
    ("input 6 8\ntransformer dropout=1", "line 2: transformer: dropout is no such number"),
    (
      "input 3 8 8\nconv 8 kernel=x",
      "line 2: conv: kernel is no such number: expected a whole number, at least 1, found x"
    ),
    ("input 3 8 8\nconv 8 kernel=3x", "found 3x"),
    ("input 3 8 8\nmax-pool stride=", "line 2: max-pool: stride"),
    (
      "input 6 8 8\nconv 9 groups=3x7",
      "line 2: conv: groups is no such number: expected a whole number, at least 1, found 3x7"
    ),
    ("input 6 8 8\nconv 9 kernel=3 kernel=5", "line 2: conv: kernel is said twice"),
    (
      "input 3 8 8\nconv 8 kernel=2147483648",
      "line 2: conv: kernel is no such number: expected at most 1073741824"
    ),
    ("input 3 8 8\nconv 8 kernel=1073741824 padding=same", "line 2: "),
    ("input 1000000000 1000000000 1000000000\nflatten", "line 1: the size of shape"),
    ("input 100000 32 32\ndepthwise-conv multiplier=1000000000", "line 2: "),
    (
      "input 400000 8\nattention causal=true",
      "tensor 'attention_1/mask': line 2: the network up to here takes too much memory"
    ),
    (
      "input 4\ndense 1073741824",
      "tensor 'dense_1/weight': line 2: the network up to here takes too much memory: "
        + "expected at most 2147483648 bytes, found 17179869184"
    ),
    ("input 3 64 64\nconv 65536 kernel=64", "tensor 'conv_1/weight': line 2: the network up to here"),
    ("input 9 type=int64\nembedding 1000000000 1000", "tensor 'embedding_1/weight': line 2: the network"),
    ("input 2\nlstm 1000", "line 2: the layer cannot read"),
    ("input 3 20000\nlstm 20000", "tensor 'lstm_1/weight': line 2: the network up to here"),
    // Each would do; together they do not.
    (
      "input 16384\ndense 16384\ndense 16384\ndense 16384",
      "tensor 'dense_2/weight': line 3: the network up to here"
    ),
    ("input 1073741824\nflatten", "line 1: a sample takes too much memory"),
    ("input 1 40000 40000\nconv 1 1\nflatten", "line 1: a sample takes too much memory here"),
    ("input 4\nreshape 3", "line 2: the shape has another number of elements"),
  ])
  func refusalsNameTheLine(text: String, problem: String) {
    let error = #expect(throws: MaasError.self) { try Network(text: text) }
    #expect(error?.message.contains(problem) ?? false, "\(error?.message ?? "")")
  }

  @Test func parametersBeginAsTheyShould() throws {
    let graph = try Network(
      text: "input 5 100 # comment\ndense 400 activation=relu\nlstm 16\ndense 50"
    ).graph(seed: 3)
    func values(_ name: String) -> [Double] {
      graph.values.first { $0.name == name }?.constant.map { floats($0).map { Double($0) } } ?? []
    }
    let he = values("dense_1/weight")
    #expect(he.count == 40000 && he.allSatisfy { abs($0) <= (6.0 / 100).squareRoot() })
    // Of a uniform distribution the variance is a third of the square of its limit.
    #expect(abs(he.reduce(0) { $0 + $1 * $1 } / 40000 - 0.02) < 0.0005)
    #expect(values("dense_2/weight").allSatisfy { abs($0) <= (6.0 / 66).squareRoot() + 1e-7 })
    #expect(values("dense_1/bias") == Array(repeating: 0, count: 400))
    let orthogonal = values("lstm_1/recurrence")
    for i in 0..<16 {
      for j in 0..<16 {
        let dot = (0..<16).reduce(0.0) { $0 + orthogonal[i * 16 + $1] * orthogonal[j * 16 + $1] }
        #expect(abs(dot - (i == j ? 1 : 0)) < 1e-5)
      }
    }
    let other = try Network(text: "input 5 100\ndense 400 activation=relu\nlstm 16\ndense 50").graph(seed: 4)
    #expect(
      he != other.values.first { $0.name == "dense_1/weight" }?.constant.map { floats($0).map { Double($0) } }
    )
  }

  @Test func optionsAreSetByName() throws {
    var options = TrainerOptions()
    for (name, value) in [
      ("loss", "cross-entropy"), ("update_rule", "lion"), ("learning_rate", "0.5"), ("schedule", "one-cycle"),
      ("class_weights", "1,2.5"), ("freeze", "a*,b"), ("lora_rank", "4"), ("seed", "-3"),
    ] { try options.set(name, value) }
    #expect(
      options.loss == .crossEntropy && options.update == UpdateMethod(.lion) && options.learningRate == 0.5)
    #expect(
      options.schedule.kind == .oneCycle && options.classWeights == [1, 2.5] && options.frozen == ["a*", "b"])
    #expect(options.lora == LoRAOptions(rank: 4) && options.seed == -3)
    // What is shown can be set again.
    var copy = TrainerOptions()
    for line in options.text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      try copy.set(String(words[0]), words.count > 1 ? String(words[1]) : "")
    }
    #expect(copy == options)
    let error = #expect(throws: MaasError.self) { try options.set("learningrate", "1") }
    #expect(error?.message.contains("did you mean 'learning_rate'?") ?? false)
  }

  /// Blocks of rows are as orthogonal to each other as those of one.
  @Test func largeRecurrencesBeginOrthogonal() throws {
    let size = 70
    let rows = floats(try Initializer.orthogonal(size).tensor([2 * size, size], seed: 5, stream: 1))
    for block in 0..<2 {
      for i in 0..<size {
        for j in 0...i {
          let (a, b) = (rows[((block * size + i) * size)...], rows[((block * size + j) * size)...])
          let dot = zip(a.prefix(size), b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
          #expect(abs(dot - (i == j ? 1 : 0)) < 2e-6, "\(block) \(i) \(j)")
        }
      }
    }
    #expect(rows.prefix(size * size) != rows.suffix(size * size))
    #expect(rows == floats(try Initializer.orthogonal(size).tensor([2 * size, size], seed: 5, stream: 1)))
  }

  @Test func patternsMatchNames() {
    #expect(matches("dense_1/weight", ["dense_*"]) && matches("abc", ["*b*"]) && matches("abc", ["abc"]))
    #expect(matches("aXbXc", ["a*b*c"]) && !matches("abd", ["a*c"]) && !matches("abc", ["ab"]))
    #expect(!matches("abc", []) && matches("", ["*"]))
  }
}
