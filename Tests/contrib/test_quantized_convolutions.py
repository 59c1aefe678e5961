"""Convolutions that ONNX Runtime's quantizer made of small networks: integers, with answers at most one step of the
output's scale from ONNX Runtime's where the network is one convolution."""
import json

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

RANDOM = np.random.default_rng(5)


def floats(*shape):
    return RANDOM.normal(0, 1, shape).astype(np.float32)


# channels, filters, group, image, kernel, attributes
CONVOLUTIONS = {
    "strided": (3, 16, 1, (17, 19), (3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "wide": (3, 24, 1, (23, 20), (7, 7), {"strides": [2, 2], "pads": [3, 3, 3, 3]}),
    "pointwise": (24, 70, 1, (9, 7), (1, 1), {}),
    "pointwise_strided": (20, 12, 1, (9, 7), (1, 1), {"strides": [2, 2]}),
    "uneven_padding": (8, 8, 1, (9, 11), (3, 3), {"pads": [0, 2, 1, 0]}),
    "dilated": (8, 10, 1, (13, 12), (3, 3), {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
    "groups": (12, 18, 3, (8, 9), (3, 3), {"pads": [1, 1, 1, 1]}),
    "depthwise": (40, 40, 40, (14, 13), (3, 3), {"pads": [1, 1, 1, 1]}),
    "depthwise_strided": (70, 70, 70, (11, 14), (3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "depthwise_large": (9, 9, 9, (12, 12), (5, 5), {"pads": [2, 2, 2, 2]}),
    "depthwise_multiplied": (6, 12, 6, (8, 8), (3, 3), {}),
    "one_dimension": (5, 7, 1, (21,), (4,), {"pads": [1, 2]}),
    "three_dimensions": (4, 6, 1, (5, 6, 7), (3, 2, 3), {"pads": [1, 0, 1, 1, 1, 1]}),
}


def convolution(channels, filters, group, image, kernel, attributes):
    weights = {"w": floats(filters, channels // group,
        *kernel) / np.float32(np.sqrt(channels // group * np.prod(kernel))), "b": floats(filters) / 4}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv", group=group, **attributes),
        helper.make_node("Relu", ["c"], ["y"])]
    return nodes, weights, (2, channels, *image)


def residual_network():
    """A stem, a pool, a block with a branch, a depthwise one, and a head."""
    shapes = {"w0": (16, 3, 5, 5), "w1": (16, 16, 3, 3), "w2": (16, 16, 3, 3), "w3": (32, 16, 1, 1),
        "w4": (32, 1, 3, 3)}
    weights = {name: floats(*shape) / np.float32(np.sqrt(np.prod(shape[1:]))) for name, shape in shapes.items()}

    def conv(x, w, y, **attributes):
        return helper.make_node("Conv", [x, w], [y], y, **attributes)

    nodes = [
        conv("x", "w0", "c0", strides=[2, 2], pads=[2, 2, 2, 2]), helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("MaxPool", ["r0"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        conv("p", "w1", "c1", pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c1"], ["r1"]),
        conv("r1", "w2", "c2", pads=[1, 1, 1, 1]), helper.make_node("Add", ["c2", "p"], ["a"]),
        helper.make_node("Relu", ["a"], ["r2"]), conv("r2", "w3", "c3"),
        helper.make_node("Clip", ["c3", "low", "high"], ["r3"]), conv("r3", "w4", "c4", group=32, pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c4"], ["g"]), helper.make_node("Flatten", ["g"], ["y"]),
    ]  # fmt: skip
    return nodes, weights | {"low": np.float32(0), "high": np.float32(6)}, (1, 3, 33, 30)


class Samples(CalibrationDataReader):
    def __init__(self, shape):
        self.rest = [{"x": floats(*shape)} for _ in range(4)]

    def get_next(self):
        return self.rest.pop() if self.rest else None


def save(path, nodes, weights, shape):
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape), ("y", None)))
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "network", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def quantized(folder, nodes, weights, shape, **options):
    save(folder / "float.onnx", nodes, weights, shape)
    # Of 7 bits, as products of 8 saturate in what ONNX Runtime does on some machines.
    quantize_static(folder / "float.onnx", folder / "bytes.onnx", Samples(shape), reduce_range=True, **options)
    return folder / "bytes.onnx"


def answers(path, x, level=None):
    options = {} if level is None else {"optimization": level}
    return np.asarray(maas.Session(path, **options).run(None, {"x": x})[0])


def kernels(path, x, key="kernel"):
    """What each step of a run is."""
    session = maas.Session(path)
    session.start_profile()
    session.run(None, {"x": x})
    events = json.loads(session.stop_profile())["traceEvents"]
    return [event.get("args", {}).get(key, "") for event in events if event.get("ph") == "X"]


def step_of(path):
    """The scale of what the last DequantizeLinear reads."""
    model = onnx.load(path)
    scale = [node for node in model.graph.node if node.op_type == "DequantizeLinear"][-1].input[1]
    return next(float(numpy_helper.to_array(t)) for t in model.graph.initializer if t.name == scale)


def expected(path, x):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


FORMS = [(f, a) for f in (QuantFormat.QDQ, QuantFormat.QOperator) for a in (QuantType.QUInt8, QuantType.QInt8)]


@pytest.mark.parametrize("form, activation", FORMS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_one_convolution(tmp_path, name, form, activation):
    nodes, weights, shape = convolution(*CONVOLUTIONS[name])
    path = quantized(
        tmp_path, nodes, weights, shape, quant_format=form, activation_type=activation, weight_type=QuantType.QInt8,
        per_channel=name != "strided")  # fmt: skip
    x = floats(*shape)
    right, step = expected(path, x), step_of(path)
    for level in (None, "none"):
        found = answers(path, x, level)
        assert found.shape == right.shape
        assert np.abs(found - right).max() <= 1.01 * step
    assert any("s8_conv" in kernel for kernel in kernels(path, x))


@pytest.mark.parametrize("form, activation", FORMS)
def test_a_network_works_on_bytes_from_end_to_end(tmp_path, form, activation):
    nodes, weights, shape = residual_network()
    path = quantized(
        tmp_path, nodes, weights, shape, quant_format=form, activation_type=activation, weight_type=QuantType.QInt8,
        per_channel=True)  # fmt: skip
    x = floats(*shape)
    right = expected(path, x)
    # Each layer may round some numbers the other way.
    assert np.abs(answers(path, x) - right).max() <= 4.01 * step_of(path)
    used = kernels(path, x)
    assert sum("s8_conv" in kernel for kernel in used) == 5
    assert sum("s8_pool" in kernel for kernel in used) == 1
    assert sum("f32_conv" in kernel or "f32_pool" in kernel for kernel in used) == 0


def test_weights_with_zero_points(tmp_path):
    nodes, weights, shape = convolution(*CONVOLUTIONS["depthwise"])
    path = quantized(
        tmp_path, nodes, weights, shape, quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QUInt8)  # fmt: skip
    x = floats(*shape)
    assert np.abs(answers(path, x) - expected(path, x)).max() <= 1.01 * step_of(path)


@pytest.mark.parametrize("weight", [QuantType.QInt8, QuantType.QUInt8])
@pytest.mark.parametrize("name", ["strided", "pointwise", "groups", "depthwise", "one_dimension"])
def test_sums_are_scaled_by_the_range_of_each_run(tmp_path, name, weight):
    """ConvInteger, Cast, Mul and the bias behind it are one step, as exact as the sums of floats in another order."""
    nodes, weights, shape = convolution(*CONVOLUTIONS[name])
    save(tmp_path / "float.onnx", nodes, weights, shape)
    quantize_dynamic(tmp_path / "float.onnx", tmp_path / "bytes.onnx", op_types_to_quantize=["Conv"],
        weight_type=weight)
    x = floats(*shape)
    right, path = expected(tmp_path / "bytes.onnx", x), tmp_path / "bytes.onnx"
    assert "ConvInteger" in [node.op_type for node in onnx.load(path).graph.node]
    for level in (None, "none"):
        assert np.abs(answers(path, x, level) - right).max() <= 1e-5 * np.abs(right).max()
    used = kernels(path, x, "operator")
    assert "QuantizedProduct" in used and not {"ConvInteger", "Cast", "Mul", "Add", "Relu"} & set(used)


def test_joined_channels_stay_bytes_in_their_order(tmp_path):
    shapes = {"w0": (16, 3, 3, 3), "w1": (8, 16, 3, 3), "w2": (12, 24, 1, 1)}
    weights = {name: floats(*shape) / np.float32(np.sqrt(np.prod(shape[1:]))) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], "first"),
        helper.make_node("Conv", ["a", "w1"], ["b"], "second", pads=[1] * 4),
        helper.make_node("Concat", ["a", "b"], ["c"], "join", axis=1),
        helper.make_node("Conv", ["c", "w2"], ["y"], "third"),
    ]  # fmt: skip
    path = quantized(
        tmp_path, nodes, weights, (1, 3, 14, 12), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, per_channel=True)  # fmt: skip
    x = floats(1, 3, 14, 12)
    assert np.abs(answers(path, x) - expected(path, x)).max() <= 3.01 * step_of(path)
    used = kernels(path, x, "operator")
    assert "QLinearConcat" in used and used.count("Transpose") <= 2
