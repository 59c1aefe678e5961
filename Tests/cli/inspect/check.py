"""Memory and arithmetic of small models against formulas worked out by hand."""

import json
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, nodes, inputs, outputs, weights):
    graph = helper.make_graph(
        nodes, path, [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_empty_tensor_value_info(o) for o in outputs],
        [numpy_helper.from_array(np.zeros(s, np.float32), n) for n, s in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.preview.training", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def inspect(*arguments):
    done = subprocess.run(["maas-model", "inspect", "--json", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


# Patches of 16 x 16, then one product with 197 - 1 positions.
save(
    "patches.onnx",
    [
        helper.make_node("Conv", ["x", "w"], ["patches"], strides=[16, 16]),
        helper.make_node("Flatten", ["patches"], ["flat"]),
        helper.make_node("Relu", ["flat"], ["positive"]),
        helper.make_node("Gemm", ["positive", "g"], ["y"]),
    ],
    {"x": ["N", 3, 224, 224]}, ["y"], {"w": (8, 3, 16, 16), "g": (1568, 10)},
)
report = inspect("patches.onnx")
count = 14 * 14 * 8
assert report["parameters"] == {"tensors": 2, "count": 6144 + 15680, "bytes": 4 * (6144 + 15680)}
assert report["memory"]["sum_bytes"] == f"{4 * (3 * count + 10)}*N", report["memory"]
assert report["memory"]["alive_bytes_max_of"] == [f"{4 * 2 * count}*N"], report["memory"]
assert report["cost"]["macs_by_operator"] == {"Conv": f"{count * 768}*N", "Gemm": f"{count * 10}*N"}
assert report["cost"]["flops"] == f"{2 * (count * 768 + count * 10)}*N"
assert report["cost"]["elementwise"] == f"{count}*N"

# With a number for N, everything is one, and the planner speaks too: Relu is done in place; beside there may be the
# image with its channels last.
report = inspect("patches.onnx", "--shape", "N=4")
assert report["cost"]["macs"] == 4 * (count * 768 + count * 10)
assert 4 * 4 * count <= report["memory"]["planned_bytes"] < 4 * 4 * (2 * count + 3 * 224 * 224), report["memory"]
assert report["memory"]["planned_whole"] is True

# Two branches of which either may need more, by N and M.
save(
    "branches.onnx",
    [
        helper.make_node("Relu", ["a"], ["p"]), helper.make_node("ReduceSum", ["p"], ["s"]),
        helper.make_node("Relu", ["b"], ["q"]), helper.make_node("ReduceSum", ["q"], ["t"]),
        helper.make_node("Add", ["s", "t"], ["y"]),
    ],
    {"a": ["N", 8], "b": ["M", 8]}, ["y"], {},
)
memory = inspect("branches.onnx")["memory"]
assert sorted(memory["alive_bytes_max_of"]) == ["32*M + 8", "32*N + 4"], memory

# Nodes that stand for Gradient come before one whose attributes must stay its own.
save(
    "gradient.onnx",
    [
        helper.make_node("Mul", ["x", "x"], ["z"]),
        helper.make_node("Gradient", ["x"], ["g"], domain="ai.onnx.preview.training", xs=["x"], y="z"),
        helper.make_node("Softmax", ["g"], ["y"], axis=0),
    ],
    {"x": ["N", 8]}, ["y"], {},
)
report = inspect("gradient.onnx")
assert report["nodes"][-1]["op"] == "Softmax" and report["nodes"][-1]["attributes"] == {"axis": 0}
assert len(report["nodes"]) > 2
assert all(value["complete"] for value in report["values"])
