"""An encoder of MiniLM's size with random weights, quantized by maas and by ONNX Runtime's quantizers: the same layers,
the same bits; what is lost of the outputs, on inputs that neither has seen, is measured by ONNX Runtime, or by ONNX's
evaluator where ONNX Runtime loses more than the quantizers do."""
import logging

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static

import maas
import quantized
from saturation import session
from networks.onnx_writer import OnnxWriter

WIDTH, HEADS, LAYERS, WORDS, TOKENS = 384, 12, 6, 1000, 32


def encoder():
    """Post-norm, erf GELU, weights without bias-free exceptions: every layer is a MatMul with an Add behind it."""
    net = OnnxWriter({"N": 1, "S": 1}, opset=17)
    ids, mask = (net.input(name, np.int64, ["N", "S"]) for name in ("input_ids", "attention_mask"))
    places = net.input("position_ids", np.int64, [1, "S"])
    x = net.layer_norm(net.add(net.embedding(ids, WORDS, WIDTH), net.embedding(places, TOKENS, WIDTH)))
    for _ in range(LAYERS):
        q, k, v = (net.linear(x, WIDTH) for _ in range(3))
        x = net.layer_norm(net.add(net.linear(net.attention(q, k, v, mask, HEADS), WIDTH), x))
        inner = net.activation(net.linear(x, 4 * WIDTH), "gelu")
        x = net.layer_norm(net.add(net.linear(inner, WIDTH), x))
    net.output(x, "hidden", ["N", "S", WIDTH])
    return net.model("encoder")


def samples(count, seed):
    random = np.random.default_rng(seed)
    rest = {"attention_mask": np.ones((1, TOKENS), np.int64), "position_ids": np.arange(TOKENS)[None]}
    return [{"input_ids": random.integers(0, WORDS, (1, TOKENS))} | rest for _ in range(count)]


SEEN, UNSEEN = samples(12, 1), samples(8, 2)


def sqnr(path, exact):
    run = session(path).run
    lost = sum(((run(None, feed)[0].astype(float) - value) ** 2).sum() for feed, value in zip(UNSEEN, exact))
    return 10 * np.log10(sum((value.astype(float) ** 2).sum() for value in exact) / lost)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("encoder") / "float.onnx")
    onnx.save(encoder(), path)
    run = session(path).run
    return path, [run(None, feed)[0] for feed in UNSEEN]


def dynamic(path, to, _):
    quantize_dynamic(path, to, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])


def static(path, to, method):
    quantize_static(
        path, to, quantized.Samples(SEEN), quant_format=QuantFormat.QDQ, per_channel=True,
        op_types_to_quantize=["MatMul"],
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[method])  # fmt: skip


def narrow(path, to, options):
    written = onnx.load(path)
    values = {c.name: numpy_helper.to_array(c) for c in written.graph.initializer}
    nodes = list(written.graph.node)
    for i, node in enumerate(nodes):
        if node.op_type == "MatMul" and node.input[1] in values:
            nodes[i], constants = quantized.narrowed(node, values[node.input[1]], *options, 0)
            written.graph.initializer.extend(constants)
    del written.graph.node[:]
    written.graph.node.extend(nodes)
    written.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(written, to)


#: What ONNX Runtime is asked for, what maas is, and the least that must be kept, in decibels.
ROWS = {
    "int8 dynamic": (dynamic, None, {}, 30),
    "int8 dynamic, with data": (dynamic, None, {"calibrate": SEEN}, 30),
    "int8 static, minmax": (static, "MinMax", {"mode": "static", "calibrate": SEEN}, 30),
    "int8 static, percentile": (static, "Percentile", {"mode": "static", "method": "percentile", "calibrate": SEEN},
        30),
    "int8 static, entropy": (static, "Entropy", {"mode": "static", "method": "entropy", "calibrate": SEEN}, 30),
    "int8 weights": (narrow, (8, 32, False), {"mode": "weights"}, 30),
    "int4 weights": (narrow, (4, 32, False), {"mode": "weights", "bits": 4}, 0),
    "int4 weights, symmetric": (narrow, (4, 32, True), {"mode": "weights", "bits": 4, "symmetric": True}, 0),
    "int2 weights": (narrow, (2, 32, False), {"mode": "weights", "bits": 2}, 0),
    "int4 weights, with data": (narrow, (4, 32, False), {"mode": "weights", "bits": 4, "calibrate": SEEN}, 20),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_keeps_more_than_onnxruntimes_quantizer(model, tmp_path, row, record_property):
    (path, exact), (method, argument, options, least) = model, ROWS[row]
    logging.disable(logging.WARNING)
    theirs, ours = str(tmp_path / "theirs.onnx"), str(tmp_path / "ours.onnx")
    method(path, theirs, argument)
    report = maas.quantize(path, ours, **options)
    kinds = ("MatMulInteger", "MatMulNBits", "MatMul")
    counts = [[node.op_type for node in onnx.load(made).graph.node if node.op_type in kinds] for made in (ours, theirs)]
    assert sorted(counts[0]) == sorted(counts[1]) and report.quantized_layers == 6 * LAYERS
    found, other = sqnr(ours, exact), sqnr(theirs, exact)
    print(f"{row}: {found:.2f} dB, ONNX Runtime's quantizer {other:.2f} dB")
    assert found >= least and found > other
