import MaasCore
import MaasGraph

/// A tree of a root and two leaves, with some of its attributes changed.
private func tree(_ changes: [(String, AttributeValue)] = []) -> [(String, AttributeValue)] {
  var attributes: [(String, AttributeValue)] = [
    ("n_targets", .int(2)), ("nodes_treeids", .ints([0, 0, 0])), ("nodes_nodeids", .ints([0, 1, 2])),
    ("nodes_featureids", .ints([1, 0, 0])), ("nodes_values", .floats([0.5, 0, 0])),
    ("nodes_modes", .strings(["BRANCH_LEQ", "LEAF", "LEAF"])), ("nodes_truenodeids", .ints([1, 0, 0])),
    ("nodes_falsenodeids", .ints([2, 0, 0])), ("target_treeids", .ints([0, 0])),
    ("target_nodeids", .ints([1, 2])), ("target_ids", .ints([0, 1])), ("target_weights", .floats([1, 2])),
  ]
  for (name, value) in changes {
    attributes.removeAll { $0.0 == name }
    attributes.append((name, value))
  }
  return attributes
}

/// The same of version 5.
private func ensemble(_ changes: [(String, AttributeValue)] = []) throws -> [(String, AttributeValue)] {
  var attributes: [(String, AttributeValue)] = [
    ("n_targets", .int(1)), ("tree_roots", .ints([0])), ("nodes_featureids", .ints([0, 1])),
    ("nodes_modes", .tensor(try Tensor(.uint8, [2], [0, 0] as [UInt8]))),
    ("nodes_splits", .tensor(try Tensor(.float, [2], [0, 1] as [Float]))),
    ("nodes_truenodeids", .ints([1, 0])), ("nodes_trueleafs", .ints([0, 1])),
    ("nodes_falsenodeids", .ints([0, 1])), ("nodes_falseleafs", .ints([1, 1])),
    ("leaf_targetids", .ints([0, 0])), ("leaf_weights", .tensor(try Tensor(.float, [2], [1, 2] as [Float]))),
  ]
  for (name, value) in changes {
    attributes.removeAll { $0.0 == name }
    attributes.append((name, value))
  }
  return attributes
}

func mlRefusals() throws -> [Refusal] { try trees() + ensembles() + models() + features() }

private func trees() throws -> [Refusal] {
  let x = try floats(3, 2)
  func refusal(_ message: String, _ name: String, _ value: AttributeValue) -> Refusal {
    Refusal("TreeEnsembleRegressor", message, domain: "ai.onnx.ml", opset: 3, tree([(name, value)]), [x])
  }
  return [
    refusal("reached on two ways", "nodes_truenodeids", .ints([0, 0, 0])),
    refusal("there is no node 3 in tree 0", "nodes_truenodeids", .ints([3, 0, 0])),
    refusal("there is no node -1", "nodes_falsenodeids", .ints([-1, 0, 0])),
    refusal("node 1 of tree 0 is there twice", "nodes_nodeids", .ints([0, 1, 1])),
    refusal("'nodes_values' has the wrong length: expected 3, found 2", "nodes_values", .floats([0, 0])),
    refusal("'nodes_modes' has an unknown value", "nodes_modes", .strings(["BRANCH", "LEAF", "LEAF"])),
    refusal("'target_weights' has the wrong length", "target_weights", .floats([1])),
    refusal("'target_nodeids' has the wrong length", "target_nodeids", .ints([1])),
    refusal("expected 0..<2, found 2", "target_ids", .ints([0, 2])),
    refusal("there is no node 9", "target_nodeids", .ints([1, 9])),
    refusal("expected at least 6, found 2", "nodes_featureids", .ints([5, 0, 0])),
    refusal("tests a feature that cannot be", "nodes_featureids", .ints([-1, 0, 0])),
    refusal("tests a feature that cannot be", "nodes_featureids", .ints([1 << 40, 0, 0])),
    refusal("'base_values' has the wrong length", "base_values", .floats([1])),
    refusal("'n_targets' is out of range", "n_targets", .int(0)),
    refusal("'nodes_values' is given twice", "nodes_values_as_tensor", .tensor(try floats(3))),
    refusal("'post_transform' has an unknown value", "post_transform", .string("EXP")),
    refusal("'aggregate_function' has an unknown value", "aggregate_function", .string("PRODUCT")),
    Refusal(
      "TreeEnsembleRegressor", "'nodes_values_as_tensor' is not known", domain: "ai.onnx.ml", opset: 1,
      tree([("nodes_values_as_tensor", .tensor(try floats(3)))]), [x]),
    Refusal(
      "TreeEnsembleRegressor", "expected 1 or 2, a row", domain: "ai.onnx.ml", opset: 1, tree(),
      [try floats(1, 2, 2)]),
  ]
}

private func ensembles() throws -> [Refusal] {
  let x = try floats(3, 2)
  func refusal(_ message: String, _ name: String, _ value: AttributeValue) throws -> Refusal {
    Refusal("TreeEnsemble", message, domain: "ai.onnx.ml", opset: 5, try ensemble([(name, value)]), [x])
  }
  return [
    try refusal("reached on two ways", "nodes_truenodeids", .ints([0, 0])),
    try refusal("'tree_roots' names something that is not there", "tree_roots", .ints([2])),
    try refusal("reached on two ways", "tree_roots", .ints([0, 1])),
    try refusal("expected 0..<2, found 2", "nodes_falsenodeids", .ints([2, 0])),
    try refusal("expected 0..<2, found -1", "nodes_truenodeids", .ints([-1, 0])),
    try refusal(
      "expected 0..<7, found 7", "nodes_modes", .tensor(try Tensor(.uint8, [2], [7, 0] as [UInt8]))),
    try refusal("'membership_values' has the wrong length", "membership_values", .tensor(try floats(2))),
    try refusal("'leaf_targetids' has the wrong length", "leaf_targetids", .ints([0])),
    try refusal("expected 0..<1, found 1", "leaf_targetids", .ints([0, 1])),
    try refusal("'aggregate_function' is out of range", "aggregate_function", .int(4)),
    try refusal(
      "'nodes_splits' has the wrong element type", "nodes_splits",
      .tensor(try Tensor(.int64, [2], [0, 1] as [Int64]))),
  ]
}

private func models() throws -> [Refusal] {
  let x = try floats(2, 3)
  let labels = ("classlabels_ints", AttributeValue.ints([0, 1, 2]))
  func refusal(_ op: String, _ message: String, _ attributes: [(String, AttributeValue)]) -> Refusal {
    Refusal(op, message, domain: "ai.onnx.ml", opset: 1, attributes, [x])
  }
  let svc: [(String, AttributeValue)] = [
    labels, ("vectors_per_class", .ints([1, 1, 1])),
    ("support_vectors", .floats([1, 2, 3, 4, 5, 6, 7, 8, 9])),
    ("rho", .floats([1, 2, 3])),
  ]
  let six = ("coefficients", AttributeValue.floats([1, 2, 3, 4, 5, 6]))
  return [
    refusal(
      "LinearRegressor", "'coefficients' has the wrong length",
      [("targets", .int(2)), ("coefficients", .floats([1]))]),
    refusal(
      "LinearRegressor", "of the model and of input 0 do not agree", [("coefficients", .floats([1, 2]))]),
    refusal(
      "LinearRegressor", "'intercepts' has the wrong length",
      [("coefficients", .floats([1, 2, 3])), ("intercepts", .floats([1, 2]))]),
    refusal("LinearClassifier", "found neither", [six]),
    refusal("LinearClassifier", "found both", [six, labels, ("classlabels_strings", .strings(["a"]))]),
    refusal("LinearClassifier", "expected 3, found 2", [six, labels, ("intercepts", .floats([1, 2]))]),
    refusal(
      "SVMClassifier", "'coefficients' has the wrong length: expected 6",
      svc + [("coefficients", .floats([1]))]),
    refusal("SVMClassifier", "'prob_b' has the wrong length", svc + [six, ("prob_a", .floats([1, 2, 3]))]),
    refusal(
      "SVMClassifier", "'kernel_params' has the wrong length", svc + [six, ("kernel_type", .string("RBF"))]),
    refusal("SVMClassifier", "out of range", [labels, ("vectors_per_class", .ints([-1, 1, 3]))]),
    refusal("SVMRegressor", "'rho' is empty", [("coefficients", .floats([1, 2, 3]))]),
    refusal(
      "SVMRegressor", "'support_vectors' has the wrong length",
      [("n_supports", .int(2)), ("rho", .floats([1]))]),
  ]
}

private func features() throws -> [Refusal] {
  let x = try floats(2, 3)
  func refusal(_ op: String, _ message: String, _ attributes: [(String, AttributeValue)]) -> Refusal {
    Refusal(op, message, domain: "ai.onnx.ml", opset: 1, attributes, [x])
  }
  return [
    refusal(
      "Scaler", "'offset' has the wrong length", [("scale", .floats([1, 2])), ("offset", .floats([1]))]),
    refusal(
      "Scaler", "expected 1 or 3, found 2", [("scale", .floats([1, 2])), ("offset", .floats([1, 2]))]),
    refusal("Imputer", "found neither", []),
    refusal("Imputer", "expected 1 or 3, found 2", [("imputed_value_floats", .floats([1, 2]))]),
    refusal("Imputer", "element type", [("imputed_value_int64s", .ints([1]))]),
    refusal("Normalizer", "'norm' has an unknown value", [("norm", .string("L3"))]),
    refusal("FeatureVectorizer", "'inputdimensions' has the wrong length", []),
    refusal("FeatureVectorizer", "out of range", [("inputdimensions", .ints([-1]))]),
    Refusal(
      "ArrayFeatureExtractor", "found 3", domain: "ai.onnx.ml", opset: 1, [],
      [x, try Tensor(.int64, [1], [3] as [Int64])]),
  ]
}
