"""Tree ensembles, which only ONNX's ml domain has: no torch network stands behind them.

Features and thresholds are random, so that rows spread over the leaves. A regressor has one score, complete trees and
margins as leaves, as boosting makes it; a classifier has the probabilities of three classes, and branches that end at
any depth.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

FEATURES, CLASSES = 30, 3


def _grown(random: np.random.Generator, depth: int, complete: bool) -> list[tuple[int, float, int, int] | None]:
    """Nodes from the root, (feature, threshold, yes, no), or None for a leaf."""
    nodes: list[tuple[int, float, int, int] | None] = []

    def grow(d: int) -> int:
        at = len(nodes)
        nodes.append(None)
        if d < depth and (complete or d < 2 or random.random() > 0.1):
            feature, threshold = int(random.integers(FEATURES)), float(np.float32(random.standard_normal()))
            nodes[at] = (feature, threshold, grow(d + 1), grow(d + 1))
        return at

    grow(0)
    return nodes


def ensemble(trees: int, depth: int, classes: int, seed: int = 5) -> onnx.ModelProto:
    """A regressor of complete trees when `classes` is 1, else a classifier."""
    random = np.random.default_rng(seed)
    nodes = [(t, n, node) for t in range(trees) for n, node in enumerate(_grown(random, depth, classes == 1))]
    leaves = [(t, n, c) for t, n, node in nodes if node is None for c in range(classes)]
    if classes > 1:
        weights = random.dirichlet([1] * classes, len(leaves) // classes) / trees
    else:
        weights = random.standard_normal(len(leaves))
    return _model(nodes, leaves, np.ravel(weights).astype(np.float32), classes)


def _model(nodes: list, leaves: list, weights: np.ndarray, classes: int) -> onnx.ModelProto:
    prefix, op = ("class", "TreeEnsembleClassifier") if classes > 1 else ("target", "TreeEnsembleRegressor")
    feature, threshold, yes, no = map(list, zip(*(node or (0, 0.0, 0, 0) for _, _, node in nodes)))
    tree, leaf, target = map(list, zip(*leaves))
    attributes = {
        "nodes_treeids": [t for t, _, _ in nodes], "nodes_nodeids": [n for _, n, _ in nodes],
        "nodes_featureids": feature, "nodes_values": threshold, "nodes_truenodeids": yes, "nodes_falsenodeids": no,
        "nodes_modes": ["BRANCH_LEQ" if node else "LEAF" for _, _, node in nodes], f"{prefix}_treeids": tree,
        f"{prefix}_nodeids": leaf, f"{prefix}_ids": target, f"{prefix}_weights": weights.tolist(),
    } | ({"classlabels_int64s": list(range(classes))} if classes > 1 else {"n_targets": 1})  # fmt: skip
    outputs = ["label", "scores"] if classes > 1 else ["scores"]
    node = helper.make_node(op, ["x"], outputs, domain="ai.onnx.ml", **attributes)
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", FEATURES])
    graph = helper.make_graph([node], op, [x], [onnx.ValueInfoProto(name=n) for n in outputs])
    opsets = [helper.make_opsetid("ai.onnx.ml", 3)]
    return onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=8))
