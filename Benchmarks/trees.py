"""Measures tree ensembles, maas against ONNX Runtime in the same process, a run of each in turn: trees.py [LIBMAAS]

Trees have random features and thresholds, so that rows spread over the leaves. `boosting` has one score, complete trees
and margins as leaves; `forest` has the probabilities of three classes in its leaves, and branches end at any depth.
One thread; the median of a run's time in µs, and how much of ONNX Runtime's time maas takes.
"""
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = os.path.join(ROOT, ".build", "release", "libmaas.so")
os.environ.update(ORT_DISABLE_TELEMETRY="1", MAAS_LIBRARY=sys.argv[1] if len(sys.argv) > 1 else LIBRARY)
sys.path.insert(0, os.path.join(ROOT, "bindings", "python", "src"))

import maas  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import helper  # noqa: E402

FEATURES, CLASSES = 30, 3
BATCHES = (1, 100, 10000)
random = np.random.default_rng(5)


def grown(depth, complete):
    """Nodes from the root, (feature, threshold, yes, no), or None for a leaf."""
    nodes = []

    def grow(d):
        at = len(nodes)
        nodes.append(None)
        if d < depth and (complete or d < 2 or random.random() > 0.1):
            feature, threshold = int(random.integers(FEATURES)), float(np.float32(random.standard_normal()))
            nodes[at] = (feature, threshold, grow(d + 1), grow(d + 1))
        return at

    grow(0)
    return nodes


def model(kind, trees, depth):
    classes = CLASSES if kind == "forest" else 1
    nodes = [(t, n, node) for t in range(trees) for n, node in enumerate(grown(depth, kind == "boosting"))]
    leaves = [(t, n, c) for t, n, node in nodes if node is None for c in range(classes)]
    weights = random.dirichlet([1] * classes, len(leaves) // classes) / trees if classes > 1 else random.standard_normal(len(leaves))
    prefix, op = ("class", "TreeEnsembleClassifier") if classes > 1 else ("target", "TreeEnsembleRegressor")
    feature, threshold, yes, no = map(list, zip(*(node or (0, 0.0, 0, 0) for _, _, node in nodes)))
    tree, leaf, target = map(list, zip(*leaves))
    attributes = {
        "nodes_treeids": [t for t, _, _ in nodes], "nodes_nodeids": [n for _, n, _ in nodes],
        "nodes_featureids": feature, "nodes_values": threshold, "nodes_truenodeids": yes, "nodes_falsenodeids": no,
        "nodes_modes": ["BRANCH_LEQ" if node else "LEAF" for _, _, node in nodes], f"{prefix}_treeids": tree,
        f"{prefix}_nodeids": leaf, f"{prefix}_ids": target, f"{prefix}_weights": np.ravel(weights).astype(np.float32).tolist(),
    } | ({"classlabels_int64s": list(range(classes))} if classes > 1 else {"n_targets": 1})  # fmt: skip
    outputs = ["label", "scores"] if classes > 1 else ["scores"]
    node = helper.make_node(op, ["x"], outputs, domain="ai.onnx.ml", **attributes)
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["rows", FEATURES])
    graph = helper.make_graph([node], kind, [x], [onnx.ValueInfoProto(name=n) for n in outputs])
    opsets = [helper.make_opsetid("ai.onnx.ml", 3)]
    return onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=8))


def medians(runs, seconds=2.0):
    """The median time of each, run in turn."""
    times = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for run, list_ in zip(runs, times):
            start = time.perf_counter()
            run()
            list_.append(time.perf_counter() - start)
    return [statistics.median(t) * 1e6 for t in times]


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    maas.set_threads(1)
    print(f"{'model':24} {'rows':>6} {'maas':>10} {'onnxruntime':>12}  ratio")
    for kind in ("boosting", "forest"):
        for trees, depth in ((100, 8), (500, 6)):
            data = model(kind, trees, depth).SerializeToString()
            ours, theirs = maas.Session(data), onnxruntime.InferenceSession(data, options)
            for rows in BATCHES:
                feed = {"x": random.standard_normal((rows, FEATURES)).astype(np.float32)}
                for a, b in zip(ours.run(None, feed), theirs.run(None, feed)):
                    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
                a, b = medians((lambda: ours.run(None, feed), lambda: theirs.run(None, feed)))
                print(f"{kind} {trees} x depth {depth:<3} {rows:9} {a:10.1f} {b:12.1f}  {a / b:.3f}", flush=True)


main()
