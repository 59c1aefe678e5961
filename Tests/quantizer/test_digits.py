"""Networks trained on real handwritten digits (UCI, see examples/digits/README.md): accuracy on held-out ones before
and after.

The convolutional network is the demo model, which examples/digits/train.py made; the perceptron is trained here, in
NumPy."""
import os

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import maas

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = np.load(os.path.join(HERE, "digits.npz"))
IMAGES, LABELS = DATA["images"].astype(np.float32), DATA["labels"].astype(np.int64)
SPLIT = len(IMAGES) * 3 // 4
WIDTHS, EPOCHS, BATCH, RATE = (64, 128, 64, 10), 30, 32, 2e-3


def layers(p, x):
    """What comes out of each layer, the input first."""
    values = [x / 16]
    for i in range(len(p) // 2):
        y = values[-1] @ p[2 * i] + p[2 * i + 1]
        values.append(np.maximum(y, 0) if 2 * i + 2 < len(p) else y)
    return values


def gradient(p, x, labels):
    """Of the mean cross-entropy."""
    values = layers(p, x)
    scores = np.exp(values[-1] - values[-1].max(1, keepdims=True))
    back = (scores / scores.sum(1, keepdims=True) - np.eye(10)[labels]) / len(x)
    result = []
    for i in reversed(range(len(p) // 2)):
        result[:0] = [values[i].T @ back, back.sum(0)]
        back = back @ p[2 * i].T * (values[i] > 0)
    return result


def trained():
    """Adam (Kingma and Ba, 2015)."""
    random = np.random.default_rng(0)
    p = [random.standard_normal((k, n)) * np.sqrt(2 / k) if j == 0 else np.zeros(n)
         for k, n in zip(WIDTHS, WIDTHS[1:]) for j in range(2)]  # fmt: skip
    mean, variance, step = [0 * v for v in p], [0 * v for v in p], 0
    for _ in range(EPOCHS):
        for chosen in np.array_split(random.permutation(SPLIT), SPLIT // BATCH):
            step += 1
            for k, g in enumerate(gradient(p, IMAGES[chosen], LABELS[chosen])):
                mean[k] = 0.9 * mean[k] + 0.1 * g
                variance[k] = 0.999 * variance[k] + 0.001 * g * g
                p[k] = p[k] - RATE * mean[k] / (1 - 0.9**step) / (np.sqrt(variance[k] / (1 - 0.999**step)) + 1e-8)
    return [v.astype(np.float32) for v in p]


def perceptron(path):
    p = trained()
    constants = [numpy_helper.from_array(v, f"p{i}") for i, v in enumerate(p)]
    nodes = [helper.make_node("Div", ["image", "white"], ["x0"], "scale")]
    for i in range(3):
        nodes.append(helper.make_node("Gemm", [f"x{i}", f"p{2 * i}", f"p{2 * i + 1}"], [f"y{i}"], f"dense{i}"))
        nodes += [helper.make_node("Relu", [f"y{i}"], [f"x{i + 1}"], f"relu{i}")] if i < 2 else []
    graph = helper.make_graph(
        nodes, "perceptron", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 64])],
        [helper.make_tensor_value_info("y2", TensorProto.FLOAT, ["N", 10])],
        constants + [numpy_helper.from_array(np.float32(16), "white")])  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("digits") / "perceptron.onnx")
    perceptron(path)
    return {
        "perceptron": (path, IMAGES),
        "convolutions": (os.path.join(HERE, "../../examples/digits/digits.onnx"), IMAGES.reshape(-1, 1, 8, 8)),
    }


def accuracies(path, images):
    """In percent: ONNX Runtime's and maas's answers."""
    sessions = onnxruntime.InferenceSession(path), maas.InferenceSession(path)
    answers = [session.run(None, {"image": images[SPLIT:]})[0].argmax(1) for session in sessions]
    return [100 * (answer == LABELS[SPLIT:]).mean() for answer in answers]


#: What is quantized, and the points of accuracy that may be lost.
ROWS = {
    "static": ({"mode": "static"}, 0.5),
    "static, percentile": ({"mode": "static", "method": "percentile"}, 0.5),
    "static, entropy": ({"mode": "static", "method": "entropy"}, 0.5),
    "static, mse": ({"mode": "static", "method": "mse"}, 0.5),
    "dynamic": ({}, 0.5),
    "int4": ({"mode": "weights", "bits": 4}, 1),
}


@pytest.mark.parametrize("network", ["perceptron", "convolutions"])
@pytest.mark.parametrize("row", ROWS)
def test_accuracy_stays(networks, tmp_path, network, row):
    (path, images), (options, most) = networks[network], ROWS[row]
    before = accuracies(path, images)
    assert min(before) > 92
    seen = [{"image": image[None]} for image in images[:SPLIT:6]]
    maas.quantize(path, tmp_path / "out.onnx", calibrate=seen, **options)
    after = accuracies(str(tmp_path / "out.onnx"), images)
    print(f"{network}, {row}: {before[0]:.2f} % before, {after[0]:.2f} % after, of maas {after[1]:.2f} %")
    assert all(b - a <= most for b, a in zip(before, after))


def test_labels_bound_the_loss(networks, tmp_path):
    """The budget is of accuracy where labels are given, also when only faster layers are kept."""
    path, images = networks["perceptron"]
    seen = [{"image": image[None]} for image in images[:SPLIT:6]]
    report = maas.quantize(
        path, tmp_path / "out.onnx", mode="weights", bits=2, block=16, calibrate=seen, labels=LABELS[:SPLIT:6],
        error_budget=0.005, keep_only_faster=True)  # fmt: skip
    answers = [maas.InferenceSession(p).run(None, {"image": images[:SPLIT:6]})[0].argmax(1)
        for p in (path, tmp_path / "out.onnx")]
    before, after = ((answer == LABELS[:SPLIT:6]).mean() for answer in answers)
    assert report.accuracy_before == pytest.approx(before) and report.accuracy_after == pytest.approx(after)
    assert before - after <= 0.005
    for layer in report.layers:
        assert not layer["quantized"] or layer["us_after"] < layer["us_before"]
        assert layer["quantized"] or layer["reason"]
    assert report.quantized_layers == 0 or report.latency_us_after <= report.latency_us_before


@pytest.mark.parametrize("bits", [2, 8])
def test_layers_over_the_budget_say_so(networks, tmp_path, bits):
    """No codes of 8 bits come as near as this."""
    path, images = networks["perceptron"]
    seen = [{"image": image[None]} for image in images[:SPLIT:60]]
    report = maas.quantize(
        path, tmp_path / "out.onnx", mode="weights", bits=bits, block=16, calibrate=seen, error_budget=1e-7)
    assert report.quantized_layers == 0
    assert [layer["reason"] for layer in report.layers] == 3 * ["over the error budget"]
    answers = [onnxruntime.InferenceSession(str(p)).run(None, {"image": images[SPLIT:]})[0]
        for p in (path, tmp_path / "out.onnx")]
    assert np.array_equal(*answers)
