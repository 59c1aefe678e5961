import MaasCore
import MaasGraph

/// Decision trees over rows of features: the scores of targets, put together from the leaves that a row comes to.
package final class TreeEnsembleRegressor: ReadableOperator {
  package let name = "TreeEnsembleRegressor"
  private let sums: TreeSums
  private let finish: TreeFinish

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let targets = try reader.int("n_targets", default: 1, 1...maximumClasses)
    let trees = try ClassicTrees(&reader, weights: "target", count: targets)
    let transform = try reader.choice("post_transform", PostTransform.names)
    let aggregate = try reader.choice("aggregate_function", TreeSums.Aggregate.names)
    try reader.finish()
    if !trees.base.isEmpty { try expectCount("base_values", trees.base.count, targets) }
    sums = try TreeSums(trees.table, targets: targets, aggregate, isWide: trees.isWide)
    finish = TreeFinish(transform, sums, base: trees.base)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, .float, [try sums.rows(node), .known(sums.targets)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let raw = try sums.emit(&node)
    try finish.emit(&node, raw, try node.output())
  }
}

/// The class for which the trees' leaves give the largest score, and the scores of all.
package final class TreeEnsembleClassifier: ReadableOperator {
  package let name = "TreeEnsembleClassifier"
  private let labels: ClassLabels
  private let sums: TreeSums
  private let finish: TreeFinish

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    labels = try ClassLabels(&reader, integers: "classlabels_int64s")
    let trees = try ClassicTrees(&reader, weights: "class", count: labels.count)
    let transform = try reader.choice("post_transform", PostTransform.names)
    try reader.finish()
    // ONNX Runtime takes a single value for two classes.
    if !trees.base.isEmpty, labels.count != 2 || trees.base.count != 1 {
      try expectCount("base_values", trees.base.count, labels.count)
    }
    sums = try TreeSums(trees.table, targets: labels.count, .sum, isWide: trees.isWide)
    var finish = TreeFinish(transform, sums, base: trees.base)
    let isOneSided = labels.count == 2 && trees.targets.allSatisfy { $0 == trees.targets[0] }
    finish.classes = !isOneSided ? .largest : trees.isPositive ? .half : .zero
    self.finish = finish
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setClasses(labels, try sums.rows(node), scores: labels.count)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let raw = try sums.emit(&node)
    let (rows, _) = try node.featureRows()
    let classes = try node.temporary(.int64, [rows])
    try finish.emit(&node, raw, try node.scores(rows, labels.count), classes)
    try node.emitLabels(labels, classes)
  }
}
