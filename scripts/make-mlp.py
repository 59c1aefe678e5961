"""Makes the large model that loading is measured with: make-mlp.py [FILE]

Four dense layers of 4096 x 4096 with bias and ReLU, 268 MB; default .build/models/mlp-4096.onnx.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE, LAYERS = 4096, 4
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def mlp():
    rng = np.random.default_rng(0)
    nodes, weights = [], []
    for layer in range(LAYERS):
        weight = rng.standard_normal((SIZE, SIZE), np.float32) / np.float32(np.sqrt(SIZE))
        bias = rng.standard_normal(SIZE, np.float32)
        weights += [numpy_helper.from_array(weight, f"weight{layer}"), numpy_helper.from_array(bias, f"bias{layer}")]
        source = "x" if layer == 0 else f"relu{layer - 1}"
        target = "y" if layer == LAYERS - 1 else f"relu{layer}"
        nodes += [
            helper.make_node("Gemm", [source, f"weight{layer}", f"bias{layer}"], [f"gemm{layer}"], f"gemm{layer}"),
            helper.make_node("Relu", [f"gemm{layer}"], [target], f"relu{layer}"),
        ]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", SIZE])
    graph = helper.make_graph(nodes, "mlp", [value("x")], [value("y")], weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "models", "mlp-4096.onnx")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    onnx.save(mlp(), path)
    print(f"{path}: {os.path.getsize(path)} bytes")
