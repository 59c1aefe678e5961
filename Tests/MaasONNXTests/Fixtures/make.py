#!/usr/bin/env python3
"""Writes tensors.onnx: the same numbers in every encoding that TensorProto has, as the onnx package writes them.

For each element type there is an initializer `<type>/raw` (raw_data) and one `<type>/typed` (float_data, int32_data,
…). Needs onnx 1.23 for the newest types.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper

SPECIAL = [0.0, -0.0, 1.0, -1.5, 0.25, 448.0, float("inf"), float("-inf"), float("nan"), 1e-3, 6.0]
WIDE = {
    "FLOAT": SPECIAL, "DOUBLE": SPECIAL, "FLOAT16": SPECIAL, "BFLOAT16": SPECIAL,
    "COMPLEX64": [1 + 2j, -0.5j, 3.0], "COMPLEX128": [1 + 2j, -0.5j, 3.0],
    "INT8": [-128, -1, 0, 1, 127], "UINT8": [0, 1, 127, 128, 255],
    "INT16": [-(1 << 15), -1, 0, 300, (1 << 15) - 1], "UINT16": [0, 1, 300, (1 << 16) - 1],
    "INT32": [-(1 << 31), -1, 0, 1 << 20, (1 << 31) - 1], "UINT32": [0, 1, 1 << 31, (1 << 32) - 1],
    "INT64": [-(1 << 63), -1, 0, 1 << 40, (1 << 63) - 1], "UINT64": [0, 1, 1 << 63, (1 << 64) - 1],
    "BOOL": [True, False, True, True],
}  # fmt: skip
NARROW = ["FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1"]
TINY = {"INT4": [-8, -1, 0, 7, 3], "UINT4": [0, 15, 7, 8, 1], "INT2": [-2, -1, 0, 1, 1, -2, 0],
    "UINT2": [0, 3, 2, 1, 3]}


def both(name, values):
    dtype = getattr(TensorProto, name)
    numpy_type = helper.tensor_dtype_to_np_dtype(dtype)
    array = np.array(values).astype(numpy_type)
    raw = onnx.numpy_helper.from_array(array, f"{name.lower()}/raw")
    typed = helper.make_tensor(f"{name.lower()}/typed", dtype, array.shape, array)
    assert raw.raw_data and not typed.raw_data, name
    return [raw, typed]


tensors = []
for name, values in {**WIDE, **TINY, **{name: [0.5, 1.0, 2.0, 4.0, 6.0] for name in NARROW}}.items():
    tensors += both(name, values)

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "tensors", [x],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])], tensors)
model = helper.make_model(graph, producer_name="maas tests", ir_version=13, opset_imports=[helper.make_opsetid("", 25)])
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "tensors.onnx"), "wb") as file:
    file.write(model.SerializeToString(deterministic=True))
