"""Products of quantized tensors as ONNX Runtime's quantizers write them: every answer within one step of the output's
scale."""
import itertools
import os
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

import maas

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../models"))
from saturation import saturates

WIDTHS = (70, 130, 33, 9)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def model(nodes, inputs, constants, opset=21):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def network():
    """Gemm, Relu, MatMul, Add, Gemm."""
    nodes, constants, x = [], [], "x"
    for i, (k, n) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        y = "y" if i == 2 else f"h{i}"
        constants.append(numpy_helper.from_array(random(k, n, seed=i) / np.float32(k**0.5), f"w{i}"))
        constants.append(numpy_helper.from_array(random(n, seed=i + 9), f"b{i}"))
        if i == 1:
            nodes += [helper.make_node("MatMul", [x, "w1"], ["m"]), helper.make_node("Add", ["m", "b1"], [y])]
        else:
            nodes.append(helper.make_node("Gemm", [x, f"w{i}", f"b{i}"], [y if i else "g"]))
        if i == 0:
            nodes.append(helper.make_node("Relu", ["g"], [y]))
        x = y
    return model(nodes, {"x": ["batch", WIDTHS[0]]}, constants, 17)


class Samples(CalibrationDataReader):
    def __init__(self):
        self.samples = iter({"x": random(4, WIDTHS[0], seed=s)} for s in range(3))

    def get_next(self):
        return next(self.samples, None)


def answers(path, feed):
    """maas's on one and two threads, and ONNX Runtime's, which is not allowed to change the graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    expected = onnxruntime.InferenceSession(path, options).run(None, feed)[0]
    found = [maas.Session(path, threads=threads).run(None, feed)[0] for threads in (1, 2)]
    assert np.array_equal(*found)
    return found[0], expected


def step(path, expected):
    """The scale of what the last node dequantizes, or a 255th of the range."""
    written = onnx.load(path)
    values = {c.name: numpy_helper.to_array(c) for c in written.graph.initializer}
    last = written.graph.node[-1]
    return float(values[last.input[1]]) if last.op_type == "DequantizeLinear" else np.ptp(expected) / 255


@pytest.fixture
def plain(tmp_path):
    path = str(tmp_path / "plain.onnx")
    onnx.save(network(), path)
    return path


@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("form", list(QuantFormat))
@pytest.mark.parametrize("types", [("QUInt8", "QInt8"), ("QUInt8", "QUInt8"), ("QInt8", "QInt8")])
def test_static(plain, tmp_path, types, form, columns, batch):
    path = str(tmp_path / "static.onnx")
    a, w = (QuantType[t] for t in types)
    options = {"per_channel": columns, "reduce_range": saturates()}
    quantize_static(plain, path, Samples(), form, activation_type=a, weight_type=w, **options)
    found, expected = answers(path, {"x": random(batch, WIDTHS[0], seed=40)})
    assert np.abs(found - expected).max() <= 1.001 * step(path, expected)


@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("kind", [QuantType.QInt8, QuantType.QUInt8])
def test_dynamic(plain, tmp_path, kind, columns, batch):
    path = str(tmp_path / "dynamic.onnx")
    quantize_dynamic(plain, path, weight_type=kind, per_channel=columns, reduce_range=saturates())
    found, expected = answers(path, {"x": random(batch, WIDTHS[0], seed=41)})
    assert np.abs(found - expected).max() <= step(path, expected)


KINDS = {TensorProto.INT4: (-8, 7), TensorProto.UINT4: (0, 15), TensorProto.INT8: (-128, 127),
    TensorProto.UINT8: (0, 255)}


@pytest.mark.parametrize("batch", [1, 4, 40])
@pytest.mark.parametrize("kind, block, zeros, transposed", itertools.product(KINDS, [0, 16, 32], [False, True], [0, 1]))
def test_weights_alone(tmp_path, kind, block, zeros, transposed, batch):
    """Dequantized weights in front of a MatMul or Gemm of floats: one scale for each column, or for blocks along the
    sum."""
    k, n = 96, 37
    generator = np.random.default_rng(3)
    low, high = KINDS[kind]
    shape = (n, k) if transposed else (k, n)
    own = list(shape)
    own[transposed] //= block or k
    own = own if block else [n]
    constants = [
        helper.make_tensor("w", kind, shape, generator.integers(low, high + 1, shape).ravel()),
        helper.make_tensor("s", TensorProto.FLOAT, own, generator.uniform(0.01, 0.02, own).ravel()),
        helper.make_tensor("z", kind, own, generator.integers(low, high + 1, own).ravel()),
        numpy_helper.from_array(random(n), "b"),
    ]
    axis = int(transposed) if block else 1 - int(transposed)
    names = ["w", "s", "z"][: 3 if zeros else 2]
    product = ("Gemm", ["x", "d", "b"], {"transB": 1}) if transposed else ("MatMul", ["x", "d"], {})
    nodes = [
        helper.make_node("DequantizeLinear", names, ["d"], axis=axis, block_size=block),
        helper.make_node(product[0], product[1], ["y"], **product[2]),
    ]
    path = str(tmp_path / "weights.onnx")
    onnx.save(model(nodes, {"x": ["batch", k]}, constants), path)
    found, expected = answers(path, {"x": random(batch, k)})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("second", [("Add", 0.03), ("Mul", 0.02), ("Concat", 0.05)])
def test_two_quantized_tensors(tmp_path, second):
    """Operators between dequantizations and a quantization."""
    op, scale = second
    constants, nodes, results = [], [], []
    for name, own, zero in (("a", 0.02, 120), ("c", 0.04, 99), ("y", scale, 130)):
        constants += [
            numpy_helper.from_array(np.float32(own), f"{name}s"),
            numpy_helper.from_array(np.uint8(zero), f"{name}z")]  # fmt: skip
    for name in "ac":
        nodes += [
            helper.make_node("QuantizeLinear", [name, f"{name}s", f"{name}z"], [f"{name}q"]),
            helper.make_node("DequantizeLinear", [f"{name}q", f"{name}s", f"{name}z"], [f"{name}d"])]  # fmt: skip
        results.append(f"{name}d")
    nodes += [
        helper.make_node(op, results, ["r"], **({"axis": 1} if op == "Concat" else {})),
        helper.make_node("QuantizeLinear", ["r", "ys", "yz"], ["q"]),
        helper.make_node("Transpose", ["q"], ["t"], perm=[1, 0]),
        helper.make_node("DequantizeLinear", ["t", "ys", "yz"], ["y"])]  # fmt: skip
    path = str(tmp_path / "two.onnx")
    onnx.save(model(nodes, {"a": ["n", 33], "c": ["n", 33]}, constants), path)
    found, expected = answers(path, {"a": random(7, 33), "c": random(7, 33, seed=1)})
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1.001 * scale
