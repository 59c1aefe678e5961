"""Quantized models: ONNX's checker takes them, ONNX Runtime gives what maas gives, and the report tells the truth."""

import json

import maas
import numpy as np
import onnx
import pytest
from conftest import DIGITS
from onnx import TensorProto, helper, numpy_helper
from saturation import session

IMAGES = np.load(DIGITS / "images" / "all.npy")
SAMPLES = [{"image": image[None]} for image in IMAGES]


@pytest.fixture
def network(tmp_path):
    """Two products with biases and a ReLU; inputs that go together."""
    rng = np.random.default_rng(3)
    sizes = [96, 160, 24]
    nodes, weights = [], []
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        weights.append(numpy_helper.from_array(rng.standard_normal((k, n)).astype(np.float32) / k**0.5, f"w{i}"))
        weights.append(numpy_helper.from_array(rng.standard_normal(n).astype(np.float32) / 4, f"b{i}"))
        nodes.append(helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"p{i}"], f"product{i}"))
        nodes.append(helper.make_node("Add", [f"p{i}", f"b{i}"], [f"a{i}"], f"bias{i}"))
        nodes.append(helper.make_node("Relu", [f"a{i}"], [f"x{i + 1}"], f"relu{i}"))
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["N", 96])],
        [helper.make_tensor_value_info("x2", TensorProto.FLOAT, ["N", 24])], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "network.onnx")
    mixing = rng.standard_normal((96, 96)) / 10 + np.eye(96)
    samples = [{"x0": (rng.standard_normal((4, 96)) @ mixing).astype(np.float32)} for _ in range(40)]
    return tmp_path / "network.onnx", samples


def sqnr(exact, found):
    return 10 * np.log10((exact.astype(float) ** 2).sum() / ((exact.astype(float) - found) ** 2).sum())


def outputs(path, samples):
    """What maas and ONNX Runtime (see saturation.py) give for all samples."""
    sessions = maas.InferenceSession(path), session(path)
    return [np.concatenate([runtime.run(None, sample)[0] for sample in samples]) for runtime in sessions]


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({}, 30),
        ({"mode": "static"}, 30),
        ({"mode": "static", "method": "mse"}, 28),
        ({"mode": "weights"}, 40),
        ({"mode": "weights", "bits": 4}, 18),
        ({"mode": "weights", "bits": 4, "block": 16, "symmetric": True}, 18),
        ({"mode": "weights", "bits": 2, "block": 16}, 7),
    ],
    ids=str,
)
def test_models_are_standard(network, tmp_path, options, least):
    path, samples = network
    report = maas.quantize(path, tmp_path / "out.onnx", calibrate=samples, **options)
    onnx.checker.check_model(tmp_path / "out.onnx", full_check=True)
    exact, _ = outputs(path, samples)
    ours, theirs = outputs(tmp_path / "out.onnx", samples)
    # A byte may be rounded the other way by the last bit of a float.
    assert sqnr(theirs, ours) > 45
    assert sqnr(exact, theirs) > least
    assert report.sqnr_db == pytest.approx(sqnr(exact, theirs), abs=0.5)
    assert report.samples == 40 and report.quantized_layers == 2
    assert report.weight_bytes_after < report.weight_bytes_before / (3 if options.get("bits", 8) == 8 else 4)


def test_rounding_by_data_is_better_than_by_weights(network, tmp_path):
    path, samples = network
    found = []
    for data in (None, samples):
        maas.quantize(path, tmp_path / "out.onnx", mode="weights", bits=4, calibrate=data)
        found.append(sqnr(outputs(path, samples)[1], outputs(tmp_path / "out.onnx", samples)[1]))
    assert found[1] > found[0] + 1


def test_a_budget_holds(network, tmp_path):
    path, samples = network
    poor = maas.quantize(path, tmp_path / "out.onnx", mode="weights", bits=2, calibrate=samples)
    assert poor.error > 0.1
    report = maas.quantize(
        path, tmp_path / "out.onnx", mode="weights", bits=2, calibrate=lambda: iter(samples),
        error_budget=0.8 * poor.error,
    )  # fmt: skip
    exact, _ = outputs(path, samples)
    _, theirs = outputs(tmp_path / "out.onnx", samples)
    error = np.linalg.norm(exact.astype(float) - theirs) / np.linalg.norm(exact)
    assert error <= 0.8 * poor.error and report.error == pytest.approx(error, rel=0.02)
    assert {layer["bits"] for layer in report.layers} == {2, 8}


def test_accuracy_is_counted(tmp_path):
    labels = np.arange(10)
    report = maas.quantize(
        DIGITS / "digits.onnx", tmp_path / "out.onnx", mode="static", calibrate=SAMPLES, labels=labels,
        error_budget=0.05
    )
    told_of = {DIGITS / "digits.onnx": report.accuracy_before, tmp_path / "out.onnx": report.accuracy_after}
    for path, told in told_of.items():
        scores = session(path).run(["probabilities"], {"image": IMAGES})[0]
        assert told == (scores.argmax(1) == labels).mean()
    assert json.loads(report.json)["mode"] == "static"


def test_excluded_nodes_stay(network, tmp_path):
    path, _ = network
    report = maas.quantize(path, tmp_path / "out.onnx", exclude=["product1"])
    assert [layer["reason"] for layer in report.layers if not layer["quantized"]] == ["excluded"]
    kinds = [node.op_type for node in onnx.load(tmp_path / "out.onnx").graph.node]
    assert kinds.count("MatMul") == 1 and kinds.count("MatMulInteger") == 1


def failing():
    yield SAMPLES[0]
    raise KeyError("no more images")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"bits": 3}, maas.InvalidArgument, "no weights of 3 bits: expected 8"),
        ({"mode": "weights", "bits": 16}, maas.InvalidArgument, "expected 8 or 4 or 2"),
        ({"mode": "weights", "block": 48}, maas.InvalidArgument, "blocks of 48"),
        ({"mode": "float"}, maas.InvalidArgument, "dynamic or static or weights"),
        ({"mode": "static"}, maas.InvalidArgument, "needs calibration data"),
        ({"mode": "static", "calibrate": []}, maas.InvalidArgument, "no calibration data"),
        ({"mode": "static", "calibrate": [{"image": IMAGES[:1] * np.nan}]}, maas.OutOfRange,
            "sample 0: element 0 is NaN"),
        ({"mode": "static", "calibrate": [{"image": IMAGES[:1] * 0}]}, maas.OutOfRange, "'scaled'.*0 in all"),
        ({"mode": "static", "calibrate": [{"picture": IMAGES[:1]}]}, maas.NotFound, "no input 'picture'"),
        ({"mode": "static", "calibrate": [{"image": IMAGES}, {"image": IMAGES[0]}]}, maas.ShapeMismatch,
            "sample 1.*shape"),
        ({"mode": "static", "calibrate": SAMPLES, "labels": [1, 2]}, maas.InvalidArgument, "fewer labels than samples"),
        ({"mode": "static", "calibrate": SAMPLES, "labels": [1] * 11}, maas.InvalidArgument,
            "more labels than samples"),
        ({"mode": "static", "calibrate": failing}, maas.InvalidArgument, "KeyError: 'no more images'"),
        ({"mode": "static", "calibrate": [3]}, maas.InvalidArgument, "a sample is a dict"),
        ({"mode": "static", "calibrate": iter(SAMPLES)}, TypeError, "several times"),
        ({"exclude": ["gem"]}, maas.NotFound, "no node 'gem'"),
        ({"error_budget": 2}, maas.InvalidArgument, "error budget"),
        ({"error_budget": -1}, maas.InvalidArgument, "error_budget"),
        ({"labels": [0.5]}, TypeError, "whole numbers"),
    ],
    ids=lambda value: None if isinstance(value, type) else str(value)[:60],
)  # fmt: skip
def test_what_is_wrong_is_refused(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        maas.quantize(DIGITS / "digits.onnx", tmp_path / "out.onnx", **options)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_zero_give_exactly_zero(tmp_path):
    weight = np.random.default_rng(6).standard_normal((64, 8)).astype(np.float32)
    weight[:, 3] = 0
    product = helper.make_node("MatMul", ["x", "w"], ["y"], "product")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", n]) for name, n in (("x", 64), ("y", 8))]
    graph = helper.make_graph([product], "g", ends[:1], ends[1:], [numpy_helper.from_array(weight, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "w.onnx")
    x = np.random.default_rng(7).standard_normal((4, 64)).astype(np.float32)
    for bits in (8, 4, 2):
        maas.quantize(tmp_path / "w.onnx", tmp_path / "out.onnx", mode="weights", bits=bits)
        y = maas.InferenceSession(tmp_path / "out.onnx").run(None, {"x": x})[0]
        assert not y[:, 3].any() and y[:, 4].all()
