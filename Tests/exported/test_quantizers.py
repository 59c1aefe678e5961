"""Models as the quantizers of others write them: PyTorch's, NNCF's and ONNX Runtime's.

Each is made here and run by maas and by ONNX Runtime. Cut at its tensors of bytes (test_operators.py), it is nowhere
more than one step of the output's scale from ONNX Runtime; and what was quantized is multiplied as integers, not as
floats that were made of them.
"""
import json
import logging
import pathlib
import sys
import warnings

import nncf
import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import (DefaultWeightOnlyQuantConfig, HQQWeightOnlyQuantConfig,
                                                             MatMulNBitsQuantizer)
from torch import nn
from torch.ao import quantization as ao
from torch.ao.quantization import quantize_fx

TESTS = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "quantizer"), str(TESTS / "models"), str(TESTS.parent / "Benchmarks")]
import maas
import test_encoder
from test_operators import check

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
SAMPLES = 6


class Convolutions(nn.Module):
    """A stem, a depthwise and a pointwise layer with a residual, a pool, a layer of all that is left."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.BatchNorm2d(16), nn.ReLU6())
        self.pointwise = nn.Conv2d(16, 16, 1)
        self.pool, self.dense = nn.AdaptiveAvgPool2d(1), nn.Linear(16, 10)

    def forward(self, x):
        x = self.stem(x)
        return self.dense(torch.flatten(self.pool(x + self.pointwise(self.depthwise(x))), 1))


class Perceptron(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 32), nn.Sigmoid(), nn.Linear(32, 10))


class Encoder(nn.Module):
    """Layers of three dimensions, whose weights exporters transpose."""

    def __init__(self, size=32):
        super().__init__()
        self.norm, self.q, self.k, self.v = nn.LayerNorm(size), *(nn.Linear(size, size) for _ in range(3))
        self.rest = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

    def forward(self, x):
        y = self.norm(x)
        scores = torch.softmax(self.q(y) @ self.k(y).transpose(1, 2) / y.shape[-1] ** 0.5, -1)
        x = x + scores @ self.v(y)
        return x + self.rest(x)


SHAPES = {Perceptron: (4, 48), Convolutions: (2, 3, 20, 20), Encoder: (2, 7, 32)}


def network(make):
    torch.manual_seed(5)
    return make().eval()


def samples(make):
    torch.manual_seed(6)
    return [torch.randn(SHAPES[make]) for _ in range(SAMPLES)]


def export(module, make, path):
    """By the exporter that knows quantized modules."""
    torch.onnx.export(
        module, (samples(make)[0],), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])


def exported(make, path):
    export(network(make), make, path)
    return onnx.load(path)


# PyTorch


def torch_static(make, path, backend):
    prepared = quantize_fx.prepare_fx(network(make), ao.get_default_qconfig_mapping(backend), (samples(make)[0],))
    for x in samples(make):
        prepared(x)
    export(quantize_fx.convert_fx(prepared), make, path)


def torch_trained(make, path, backend):
    """As training leaves it: weights are floats that are quantized and dequantized in the graph."""
    mapping = ao.QConfigMapping().set_global(ao.get_default_qat_qconfig(backend, version=0))
    prepared = quantize_fx.prepare_qat_fx(network(make).train(), mapping, (samples(make)[0],))
    for x in samples(make):
        prepared(x)
    export(prepared.apply(ao.disable_observer).eval(), make, path)


# NNCF


def nncf_static(make, path, preset):
    transformer = nncf.ModelType.TRANSFORMER if make is Encoder else None
    data = nncf.Dataset([{"x": x.numpy()} for x in samples(make)])
    onnx.save(nncf.quantize(exported(make, path), data, preset=preset, model_type=transformer), path)


def nncf_weights(make, path, mode, options, opset):
    model = onnx.version_converter.convert_version(exported(make, path), opset)
    onnx.save(nncf.compress_weights(model, mode=mode, **options), path)


# ONNX Runtime


class Reader:
    def __init__(self, make):
        self.left = iter([{"x": x.numpy()} for x in samples(make)])

    def get_next(self):
        return next(self.left, None)


def runtime_static(make, path, form, activations, weights, options):
    exported(make, path)
    quantize_static(
        path, path, Reader(make), form, activation_type=activations, weight_type=weights, **options)  # fmt: skip


def runtime_weights(make, path, config):
    quantizer = MatMulNBitsQuantizer(exported(make, path), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(path)


def nbits(bits, symmetric, form):
    return DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=symmetric, bits=bits, quant_format=form)


Q, MODE = QuantType, nncf.CompressWeightsMode
ALL, BLOCKS = list(SHAPES), {"group_size": 16, "all_layers": True}
#: Who quantizes, how, and which networks.
ROWS = {
    "torch static x86": (torch_static, ("x86",), ALL),
    "torch static qnnpack": (torch_static, ("qnnpack",), ALL),
    "torch trained x86": (torch_trained, ("x86",), ALL),
    "torch trained qnnpack": (torch_trained, ("qnnpack",), ALL),
    "nncf static": (nncf_static, (nncf.QuantizationPreset.PERFORMANCE,), ALL),
    "nncf static mixed": (nncf_static, (nncf.QuantizationPreset.MIXED,), ALL),
    "nncf int8 weights": (nncf_weights, (MODE.INT8_ASYM, {}, 17), [Perceptron, Encoder]),
    "nncf int8 symmetric weights": (nncf_weights, (MODE.INT8_SYM, {}, 21), [Perceptron, Encoder]),
    # Of Gemm's weights, and of zero points before opset 21, NNCF writes what ONNX Runtime refuses.
    "nncf int4 weights": (nncf_weights, (MODE.INT4_SYM, BLOCKS, 17), [Encoder]),
    "nncf int4 weights of opset 21": (nncf_weights, (MODE.INT4_ASYM, BLOCKS, 21), [Encoder]),
    "runtime QDQ s4 weights": (runtime_static, (QuantFormat.QDQ, Q.QUInt8, Q.QInt4, {}), [Perceptron, Encoder]),
    "runtime QDQ s8": (runtime_static, (QuantFormat.QDQ, Q.QInt8, Q.QInt8, {"per_channel": True}), ALL),
    "runtime QDQ reduced": (runtime_static, (QuantFormat.QDQ, Q.QUInt8, Q.QInt8, {"reduce_range": True}), ALL),
    "runtime blocks of 4 bits": (runtime_weights, (nbits(4, False, QuantFormat.QOperator),), [Encoder]),
    "runtime blocks of 8 bits": (runtime_weights, (nbits(8, True, QuantFormat.QOperator),), [Encoder]),
    "runtime QDQ blocks": (runtime_weights, (nbits(4, False, QuantFormat.QDQ),), [Encoder]),
    "runtime QDQ symmetric blocks": (runtime_weights, (nbits(4, True, QuantFormat.QDQ),), [Encoder]),
    "runtime HQQ": (runtime_weights, (HQQWeightOnlyQuantConfig(block_size=16, bits=4),), [Encoder]),
}  # fmt: skip


def quantized_products(model):
    """Names of products of dequantized bytes, and of those whose weights are dequantized for floats."""
    makers = {output: node for node in model.graph.node for output in node.output}
    constants = {c.name: c.data_type for c in model.graph.initializer}
    narrow = (onnx.TensorProto.INT4, onnx.TensorProto.UINT4)

    def dequantized(name):
        """What a DequantizeLinear reads whose output a product reads, turned or not."""
        while name in makers and makers[name].op_type in ("Transpose", "Identity"):
            name = makers[name].input[0]
        return makers[name].input[0] if name in makers and makers[name].op_type == "DequantizeLinear" else None

    both, weights = set(), set()
    for node in model.graph.node:
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            a, b = (dequantized(name) for name in node.input[:2])
            if a and b and constants.get(b) not in narrow:
                both.add(node.name)
            elif b in constants and node.op_type != "Conv":
                weights.add(node.name)
    return both, weights


def operators(path, feed):
    """What maas runs for each node."""
    session = maas.Session(path)
    session.start_profile()
    session.run(None, feed)
    events = [event["args"] for event in json.loads(session.stop_profile())["traceEvents"] if "args" in event]
    return {event["node"]: event["operator"] for event in events}


@pytest.mark.parametrize(("row", "make"), [(row, make) for row, (_, _, makes) in ROWS.items() for make in makes],
    ids=lambda value: value if isinstance(value, str) else value.__name__)  # fmt: skip
def test_runs_as_integers_and_equals_onnx_runtime(tmp_path, row, make):
    method, arguments, _ = ROWS[row]
    path, feed = str(tmp_path / "model.onnx"), {"x": samples(make)[0].numpy()}
    method(make, path, *arguments)
    kinds = check(path, feed)
    both, weights = quantized_products(onnx.load(path))
    assert both or weights or kinds & {"MatMulNBits", "MatMulInteger", "QLinearMatMul", "QLinearConv"}
    found = operators(path, feed)
    assert {name: found.get(name) for name in both} == dict.fromkeys(both, "QuantizedProduct")
    assert {name: found.get(name) for name in weights} == dict.fromkeys(weights, "MatMulNBits")


@pytest.mark.parametrize("bits", [4, 2])
def test_keeps_more_than_hqq(tmp_path, bits):
    """Of an encoder of MiniLM's size, without data."""
    path, theirs, ours = (str(tmp_path / name) for name in ("float.onnx", "theirs.onnx", "ours.onnx"))
    onnx.save(test_encoder.encoder(), path)
    exact = [test_encoder.session(path).run(None, feed)[0] for feed in test_encoder.UNSEEN]
    quantizer = MatMulNBitsQuantizer(
        onnx.load(path), algo_config=HQQWeightOnlyQuantConfig(block_size=32, bits=bits))
    quantizer.process()
    quantizer.model.save_model_to_file(theirs)
    maas.quantize(path, ours, mode="weights", bits=bits, block=32)
    found, other = (test_encoder.sqnr(made, exact) for made in (ours, theirs))
    print(f"{bits} bits: {found:.2f} dB, HQQ {other:.2f} dB")
    assert found > other
