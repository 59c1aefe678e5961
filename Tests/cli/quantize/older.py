"""Writes a model of opset 9 whose operators have attributes that are inputs later: older.py MODEL DATA."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)


def weights(name, *shape):
    return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 4, name)


nodes = [
    helper.make_node("Pad", ["x"], ["padded"], mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.0),
    helper.make_node("Conv", ["padded", "w1", "b1"], ["c1"], "conv1"),
    helper.make_node("Clip", ["c1"], ["r1"], "clip1", min=0.0, max=1.5),
    helper.make_node("Slice", ["r1"], ["s1"], axes=[2], starts=[0], ends=[6]),
    helper.make_node("Conv", ["s1", "w2"], ["c2"], "conv2"),
    helper.make_node("BatchNormalization", ["c2", "scale", "b2", "mean", "var"], ["n2"], "norm"),
    helper.make_node("ReduceSum", ["n2"], ["sum"], axes=[2, 3], keepdims=1),
    helper.make_node("Squeeze", ["sum"], ["flat"], axes=[2, 3]),
    helper.make_node("Unsqueeze", ["flat"], ["row"], axes=[1]),
    helper.make_node("MatMul", ["row", "w3"], ["y"], "product"),
]
graph = helper.make_graph(
    nodes, "older", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1, 7])],
    [weights("w1", 8, 3, 3, 3), weights("b1", 8), weights("w2", 16, 8, 1, 1), weights("b2", 16), weights("w3", 16, 7),
     numpy_helper.from_array(rng.random(16).astype(np.float32) + 0.5, "scale"), weights("mean", 16),
     numpy_helper.from_array(rng.random(16).astype(np.float32) + 0.5, "var")],
)  # fmt: skip
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4), sys.argv[1])
np.savez(sys.argv[2], x=rng.standard_normal((12, 3, 8, 8)).astype(np.float32))
