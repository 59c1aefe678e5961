"""LSTM, GRU and RNN whose hidden units are shared out among threads: one answer, which is ONNX Runtime's."""
import maas
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def model_of(operator, hidden, width, direction, constant, random, lengths=False):
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[operator] * hidden
    shapes = {"w": (directions, rows, width), "r": (directions, rows, hidden), "b": (directions, 2 * rows)}
    weights = {name: random.standard_normal(shape).astype(np.float32) / 10 for name, shape in shapes.items()}
    given = {"x": ["S", "N", width]} | ({} if constant else shapes)
    more = ["l", "h0", "c0"][: 3 if operator == "LSTM" else 2] if lengths else []
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w", "r", "b", *more], ["y", "h"], hidden_size=hidden, direction=direction)],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()]
        + [helper.make_tensor_value_info(name, TensorProto.INT32, ["N"]) for name in more[:1]]
        + [helper.make_tensor_value_info(name, TensorProto.FLOAT, [directions, "N", hidden]) for name in more[1:]],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "h")],
        [numpy_helper.from_array(a, name) for name, a in weights.items()] if constant else [],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return model.SerializeToString(), {} if constant else weights


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("constant", [True, False], ids=["constant", "given"])
@pytest.mark.parametrize("hidden", [100, 128])  # pieces that are no whole panels, and such that are
def test_pieces(operator, direction, constant, hidden):
    random = np.random.default_rng(hidden)
    model, feed = model_of(operator, hidden, 24, direction, constant, random)
    for steps, batch in [(90, 1), (40, 16), (20, 37)]:
        feed["x"] = random.standard_normal((steps, batch, 24)).astype(np.float32)
        compare(model, feed)


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("batch", [3, 16, 25, 40, 70])  # one block of rows, and several
@pytest.mark.parametrize("hidden", [32, 128])
def test_blocks_with_lengths_and_states(operator, direction, batch, hidden):
    random = np.random.default_rng(batch)
    model, _ = model_of(operator, hidden, 12, direction, True, random, lengths=True)
    shape = (2 if direction == "bidirectional" else 1, batch, hidden)
    compare(model, {
        "x": random.standard_normal((30, batch, 12)).astype(np.float32),
        "l": random.integers(0, 31, batch).astype(np.int32),
        **{name: random.standard_normal(shape).astype(np.float32) for name in ("h0", "c0")[: 1 + (operator == "LSTM")]},
    })  # fmt: skip


def compare(model, feed):
    """Any number of threads gives the same answer, ONNX Runtime's."""
    expected = onnxruntime.InferenceSession(model).run(None, feed)
    answers = [maas.Session(model, threads=threads).run(None, feed) for threads in (1, 2, 3, 2)]
    for answer in answers:
        for found, first, other in zip(answer, answers[0], expected, strict=True):
            np.testing.assert_array_equal(found, first)
            np.testing.assert_allclose(found, other, rtol=0, atol=2e-5)
