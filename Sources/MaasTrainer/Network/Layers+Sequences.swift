import MaasCore
import MaasGraph

func addEmbedding(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let (vocabulary, width) = (try r.required("vocabulary"), try r.required("width"))
  try b.expectRank(1...1, "a sequence of indices", .int64)
  let table = try b.parameter(name / "weight", [vocabulary, width], .normal(0.05))
  b.setCurrent(try b.node("Gather", name, [table, b.current]), b.shape + [width])
}

/// Adds a learned vector for each place of the sequence.
func addPositions(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  try b.expectRank(2...2, "a sequence of features")
  try b.apply("Add", name, [try b.parameter(name / "weight", b.shape, .normal(0.02))])
}

func addRecurrent(
  _ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String, _ type: String, gates: Int
) throws(MaasError) {
  let units = try r.required("units")
  let returnsAll = try r.choice("return", ["last", "all"]) == "all"
  let directions = try r.flag("bidirectional") ?? false ? 2 : 1
  try b.expectRank(2...2, "a sequence of features")
  let (time, width) = (b.shape[0], b.shape[1])
  let weights: [ValueID?] = [
    try b.parameter(name / "weight", [directions, gates * units, width], .glorot(width, units)),
    try b.parameter(name / "recurrence", [directions, gates * units, units], .orthogonal(units)),
    try b.parameter(name / "bias", [directions, 2 * gates * units], .zeros),
  ]
  var attributes = [Attribute("hidden_size", .int(units))]
  if directions == 2 { attributes.append(Attribute("direction", .string("bidirectional"))) }
  if type == "GRU" { attributes.append(Attribute("linear_before_reset", .int(1))) }
  // ONNX has the time first.
  try b.transpose(name / "time", [1, 0, 2])
  let y = try b.node(type, name / "steps", [b.current] + weights, attributes, output: returnsAll ? 0 : 1)
  let shape = returnsAll ? [time, directions * units] : [directions * units]
  b.setCurrent(y, shape)
  try b.transpose(name / "order", returnsAll ? [2, 0, 1, 3] : [1, 0, 2])
  try b.reshape(name, shape)
}

func addAttention(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let heads = try r.count("heads") ?? 1
  let isCausal = try r.flag("causal") ?? false
  try b.expectRank(2...2, "a sequence of features")
  try b.attention(name, heads: heads, isCausal: isCausal)
}

/// Attention and a network of two layers, each behind a normalization and beside a residual.
func addTransformer(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let heads = try r.count("heads") ?? 4
  try b.expectRank(2...2, "a sequence of features")
  let width = b.shape[1]
  let inner = try r.count("ff") ?? 4 * width
  let (ratio, isCausal) = (try r.real("dropout", .part) ?? 0, try r.flag("causal") ?? false)
  let activation = try ActivationName(&r, default: "gelu")
  b.beginResidual()
  try b.layerNormalization(name / "norm1")
  try b.attention(name / "attention", heads: heads, isCausal: isCausal)
  try b.dropout(name / "dropout1", ratio)
  try b.addResidual(name / "add1")
  b.beginResidual()
  try b.layerNormalization(name / "norm2")
  try b.dense(name / "dense1", inner, activation, hasBias: true)
  try b.activate(activation, name / "dense1")
  try b.dense(name / "dense2", width, .none, hasBias: true)
  try b.dropout(name / "dropout2", ratio)
  try b.addResidual(name / "add2")
}

extension NetworkBuilder {
  mutating func transpose(_ name: String, _ order: [Int]) throws(MaasError) {
    try apply("Transpose", name, [], [Attribute("perm", .ints(order))])
  }

  fileprivate mutating func addResidual(_ name: String) throws(MaasError) {
    let entry = try endResidual()
    try apply("Add", name, [entry.value])
  }

  /// Scaled dot products of queries and keys choose among values, for several heads at once.
  fileprivate mutating func attention(_ name: String, heads: Int, isCausal: Bool) throws(MaasError) {
    let (x, shape) = (current, shape)
    let (time, width) = (shape[0], shape[1])
    guard width % heads == 0 else {
      throw MaasError(
        .invalidArgument, "the features do not divide into heads", expected: "a multiple of \(heads)",
        found: "\(width)")
    }
    var parts: [ValueID] = []
    for (part, order) in [("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])] {
      setCurrent(x, shape)
      try dense(name / part, width, .none, hasBias: true)
      try reshape(name / part / "heads", [time, heads, width / heads])
      try transpose(name / part / "order", order)
      parts.append(current)
    }
    setCurrent(try node("MatMul", name / "scores", [parts[0], parts[1]]), shape)
    let scale = try Tensor(.float, [], [1 / Float(width / heads).squareRoot()])
    try apply("Mul", name / "scaled", [constant(name / "scale", scale)])
    if isCausal { try apply("Add", name / "masked", [causalMask(name / "mask", time)]) }
    try apply("Softmax", name / "softmax", [], [Attribute("axis", .int(-1))])
    try apply("MatMul", name / "mixed", [parts[2]])
    try transpose(name / "order", [0, 2, 1, 3])
    try reshape(name / "joined", shape)
    try dense(name / "output", width, .none, hasBias: true)
  }

  /// 0 for what comes before, far below all scores for what comes after.
  private mutating func causalMask(_ name: String, _ time: Int) throws(MaasError) -> ValueID {
    try fixed(name, [time, time]) { mask in
      for i in 0..<time {
        for j in i + 1..<max(time, i + 1) { mask[i * time + j] = -1e9 }
      }
    }
  }
}
