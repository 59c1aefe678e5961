"""Gradients of RNN, GRU and LSTM: against central differences of maas's own double precision, which other tests hold to
ONNX's, and against those of PyTorch (gradient-fixtures/recurrent.json, made by make_gradient_fixtures.py)."""
import itertools
import json
import pathlib

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import maas
from test_gradient import TRAINING
from test_gradient import central_differences as differences

STEPS, BATCH, INPUT, HIDDEN = 4, 3, 2, 3
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
NAMES = ["x", "w", "r", "b", "lengths", "h", "c", "p"]


def feeds(op, directions, states, lengths, layout, peepholes, sizes=(STEPS, BATCH, INPUT, HIDDEN)):
    steps, batch, inputs, hidden = sizes
    random, gates = np.random.default_rng(5), GATES[op]
    values = {
        "x": (batch, steps, inputs) if layout else (steps, batch, inputs),
        "w": (directions, gates * hidden, inputs), "r": (directions, gates * hidden, hidden),
        "b": (directions, 2 * gates * hidden)}
    state = (batch, directions, hidden) if layout else (directions, batch, hidden)
    if states:
        values["h"] = state
        if op == "LSTM":
            values["c"] = state
    if peepholes:
        values["p"] = (directions, 3 * hidden)
    made = {name: random.uniform(-0.8, 0.8, shape) for name, shape in values.items()}
    if lengths:
        made["lengths"] = np.array([steps, 1, 0, 2][:batch], np.int32)
    return made


def model(op, attributes, values, outputs, wanted, dtype=TensorProto.DOUBLE):
    """y = the sum of sines of the outputs, each with weights of its own."""
    inputs = [name if name in values else "" for name in NAMES]
    while not inputs[-1]:
        inputs.pop()
    nodes = [helper.make_node(op, inputs, outputs, hidden_size=values["r"].shape[2], **attributes)]
    for i, output in enumerate(o for o in outputs if o):
        nodes.append(helper.make_node("Constant", [], [f"weight{i}"],
            value=numpy_helper.from_array(np.asarray(1 + i / 2, helper.tensor_dtype_to_np_dtype(dtype)))))
        nodes += [
            helper.make_node("Mul", [output, f"weight{i}"], [f"m{i}"]), helper.make_node("Sin", [f"m{i}"], [f"s{i}"]),
            helper.make_node("ReduceSum", [f"s{i}"], [f"y{i}"], keepdims=0)]
    nodes.append(helper.make_node("Sum", [f"y{i}" for i in range(sum(map(bool, outputs)))], ["y"]))
    xs = [name for name in values if name != "lengths"]
    if wanted != ["y"]:
        nodes.append(helper.make_node("Gradient", xs, wanted, domain=TRAINING, xs=xs, y="y"))
    declared = [
        helper.make_tensor_value_info(name, TensorProto.INT32 if name == "lengths" else dtype,
            [f"{name}{d}" for d in range(value.ndim)])
        for name, value in values.items()]
    graph = helper.make_graph(nodes, "g", declared,
        [helper.make_tensor_value_info(name, dtype, None) for name in wanted])
    return helper.make_model(graph,
        opset_imports=[helper.make_opsetid("", 22), helper.make_opsetid(TRAINING, 1)]).SerializeToString()


def gradients(op, attributes, values, outputs, dtype=TensorProto.DOUBLE, **options):
    wanted = [f"d{name}" for name in values if name != "lengths"]
    made = model(op, attributes, values, outputs, wanted, dtype)
    return dict(zip(wanted, maas.Session(made, **options).run(None, values)))


def central_differences(op, attributes, values, outputs):
    forward = maas.Session(model(op, attributes, values, outputs, ["y"]))
    return {f"d{name}": differences(None, values, name, 1e-5, forward) for name in values if name != "lengths"}


CASES = [
    (op, direction, states, lengths, layout, {}, False)
    for op, direction, (states, lengths, layout) in itertools.product(
        GATES, ("forward", "reverse", "bidirectional"), ((0, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1)))
]
CASES += [
    *[("GRU", direction, 1, 1, 0, {"linear_before_reset": 1}, False) for direction in ("forward", "bidirectional")],
    ("LSTM", "bidirectional", 1, 1, 0, {}, True), ("LSTM", "reverse", 0, 0, 0, {"input_forget": 1}, True),
    *[(op, "bidirectional", 1, 1, 0, {"clip": 0.4}, False) for op in GATES],
    ("GRU", "forward", 1, 0, 1, {"clip": 0.4, "linear_before_reset": 1}, False),
    ("LSTM", "reverse", 1, 0, 0, {"clip": 0.4}, True),
    ("LSTM", "forward", 0, 0, 0, {"clip": 0.4, "input_forget": 1}, False),
    ("RNN", "forward", 1, 0, 0, {"clip": 0.4, "activations": ["Affine"], "activation_alpha": [0.7],
        "activation_beta": [0.1]}, False),
    ("RNN", "forward", 1, 0, 0, {"activations": ["Relu"]}, False),
    ("RNN", "forward", 1, 0, 0, {"activations": ["Softsign"]}, False),
    ("LSTM", "forward", 1, 0, 0, {"activations": ["Sigmoid", "Elu", "ScaledTanh"], "activation_alpha": [0.5, 1.2],
        "activation_beta": [0.7]}, False),
]  # fmt: skip


def outputs_of(op, last=True):
    return ["o", *(["oh"] + (["oc"] if op == "LSTM" else []) if last else [])]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_central_differences(case):
    op, direction, states, lengths, layout, more, peepholes = case
    attributes = {"direction": direction, "layout": layout, **more}
    values = feeds(op, 2 if direction == "bidirectional" else 1, states, lengths, layout, peepholes)
    outputs = outputs_of(op)
    expected = central_differences(op, attributes, values, outputs)
    for name, found in gradients(op, attributes, values, outputs).items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("outputs", [["o"], ["", "oh"]], ids=str)
def test_outputs_that_nobody_reads(op, outputs):
    values = feeds(op, 1, 1, 0, 0, False)
    expected = central_differences(op, {}, values, outputs)
    for name, found in gradients(op, {}, values, outputs).items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("sizes", [(5, 1, 3, 17), (3, 37, 8, 33), (6, 32, 20, 64)], ids=str)
@pytest.mark.parametrize("op, more", [
    *[(op, more) for op in GATES for more in ({}, {"clip": 0.9})], ("GRU", {"linear_before_reset": 1})],
    ids=str)  # fmt: skip
def test_floats_are_near_doubles_whatever_the_threads(op, more, sizes):
    attributes = {"direction": "bidirectional", **more}
    values = feeds(op, 2, 1, 0, 0, False, sizes)
    exact = gradients(op, attributes, values, outputs_of(op))
    narrow = {name: value.astype(np.float32) if value.dtype == np.float64 else value for name, value in values.items()}
    found = [gradients(op, attributes, narrow, outputs_of(op), TensorProto.FLOAT, threads=n) for n in (1, 2, 5)]
    for name, right in exact.items():
        scale = np.abs(right).max()
        np.testing.assert_allclose(found[0][name], right, rtol=1e-4, atol=1e-5 * scale, err_msg=name)
        for other in found[1:]:
            assert other[name].tobytes() == found[0][name].tobytes(), name


def fixture(name):
    path = pathlib.Path(__file__).parent / "gradient-fixtures" / name
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", fixture("recurrent.json"))
def test_pytorch(name):
    case = fixture("recurrent.json")[name]
    values = {key: np.array(value) for key, value in case["inputs"].items()}
    found = gradients(case["op"], case["attributes"], values, case["outputs"])
    for key, expected in case["gradients"].items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-8, atol=1e-10, err_msg=key)


def test_refusals():
    values = feeds("RNN", 1, 0, 0, 0, False)
    with pytest.raises(maas.MaasError, match="activations"):
        gradients("RNN", {"activations": ["Softplus"]}, values, ["o"])
