"""LSTM, GRU and RNN whose hidden units are shared out among threads: one answer, which is ONNX Runtime's."""
import maas
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def model_of(operator, hidden, width, direction, constant, random):
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[operator] * hidden
    shapes = {"w": (directions, rows, width), "r": (directions, rows, hidden), "b": (directions, 2 * rows)}
    weights = {name: random.standard_normal(shape).astype(np.float32) / 10 for name, shape in shapes.items()}
    given = {"x": ["S", "N", width]} | ({} if constant else shapes)
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w", "r", "b"], ["y", "h"], hidden_size=hidden, direction=direction)],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()],
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
    peer = onnxruntime.InferenceSession(model)
    for steps, batch in [(90, 1), (40, 16), (20, 37)]:
        feed["x"] = random.standard_normal((steps, batch, 24)).astype(np.float32)
        expected = peer.run(None, feed)
        answers = [maas.Session(model, threads=threads).run(None, feed) for threads in (1, 2, 3, 2)]
        for answer in answers:
            for found, first, other in zip(answer, answers[0], expected, strict=True):
                np.testing.assert_array_equal(found, first)
                np.testing.assert_allclose(found, other, rtol=0, atol=2e-5)
