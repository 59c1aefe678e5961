import MaasCore
import MaasGraph

/// How much a graph may be changed before it runs.
package enum OptimizationLevel: Int, Sendable, CaseIterable {
  /// Nothing.
  case none = 0
  /// Rules that keep every bit of the results.
  case basic = 1
  /// All rules.
  case all = 2
}

/// Applies all rules of a level, in this order, and checks the graph after each in debug builds. `observe` hears of
/// each rule when it is done, and how often it fired. With `keepsOrigins` the graph can be written afterwards; internal
/// rules are left out then.
package func optimize(
  _ graph: inout Graph, _ level: OptimizationLevel, keepsOrigins: Bool = false,
  observe: ((Rule, Int) -> Void)? = nil
) throws(MaasError) {
  let declared = graph.outputs.map { graph[$0].shape }
  if level != .none {
    // Rules look at the outputs of nodes, which a node that nobody needs may not have.
    _ = try graph.apply(eliminateDeadNodes, keepsOrigins: keepsOrigins)
    try graph.takeInferredShapes()
  }
  for rule in rules where rule.effect.rawValue <= level.rawValue && !(keepsOrigins && rule.isInternal) {
    let count = try graph.apply(rule, keepsOrigins: keepsOrigins)
    observe?(rule, count)
  }
  if level != .none { try graph.declareBodies() }
  if keepsOrigins { graph.declareOutputs(declared) }
}

/// Folds what stands between layers and their constant weights, so that a graph to be written has layers that can be
/// quantized.
package func foldIntoWeights(_ graph: inout Graph) throws(MaasError) {
  _ = try graph.apply(eliminateDeadNodes, keepsOrigins: true)
  try graph.takeInferredShapes()
  let rules = [
    eliminateIdentity, foldConstants, eliminateNoOps, fuseBias, foldBatchNormalization, eliminateDeadNodes,
  ]
  for rule in rules {
    _ = try graph.apply(rule, keepsOrigins: true)
  }
}

extension Graph {
  /// ONNX wants shapes of all outputs: where inference knows none, what the model said has to do.
  fileprivate mutating func declareOutputs(_ shapes: [Shape?]) {
    for (output, shape) in zip(outputs, shapes) where self[output].shape == nil { self[output].shape = shape }
  }
}

/// Every rule, in the order of application.
package let rules: [Rule] = [
  eliminateIdentity,
  foldConstants,
  keepBytes,
  tabulateBytes,
  quantizeProducts,
  packWeights,
  foldDequantized,
  shareConstants,
  eliminateCommonSubexpressions,
  unfoldGemm,
  simplifyReshape,
  mergeTransposes,
  sliceBeforeTransposing,
  eliminateNoOps,
  fuseNormalization,
  fuseGelu,
  fuseSwish,
  fuseRotary,
  fuseAttention,
  foldPad,
  fuseBias,
  foldBatchNormalization,
  foldScale,
  fuseResidual,
  finishQuantizedProducts,
  fuseActivation,
  assignLayout,
  fuseElementwise,
  eliminateDeadNodes,
]
