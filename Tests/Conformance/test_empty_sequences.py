"""What RNN, GRU and LSTM give of sequences of length 0, of which ONNX says nothing: what ONNX Runtime gives."""

import maas
import numpy as np
import onnxruntime
import pytest
from onnx import helper

STEPS, HIDDEN, BATCH, INPUT = 3, 3, 4, 2
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def feeds(op, directions, lengths):
    random, gates = np.random.default_rng(7), GATES[op] * HIDDEN
    shapes = {"x": (STEPS, BATCH, INPUT), "w": (directions, gates, INPUT), "r": (directions, gates, HIDDEN),
              "b": (directions, 2 * gates), "h": (directions, BATCH, HIDDEN)}  # fmt: skip
    if op == "LSTM":
        shapes["c"] = shapes["h"]
    made = {name: random.uniform(-0.8, 0.8, shape).astype(np.float32) for name, shape in shapes.items()}
    return made | {"lengths": np.int32(lengths)}


def model(op, direction, values):
    names = [name for name in ("x", "w", "r", "b", "lengths", "h", "c") if name in values]
    outputs = ["y", "last", "cell"][: 3 if op == "LSTM" else 2]
    node = helper.make_node(op, names, outputs, hidden_size=HIDDEN, direction=direction)
    typed = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in values.items()}
    inputs = [helper.make_tensor_value_info(n, t, [None] * values[n].ndim) for n, t in typed.items()]
    results = [helper.make_tensor_value_info(name, typed["x"], None) for name in outputs]
    graph = helper.make_graph([node], "g", inputs, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8).SerializeToString()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("lengths", [[0, 2, 0, 3], [0, 0, 0, 0], [1, 3, 2, 3]], ids=str)
@pytest.mark.parametrize("op", GATES)
def test_empty_sequences(op, lengths, direction, dtype):
    values = feeds(op, 2 if direction == "bidirectional" else 1, lengths)
    expected = onnxruntime.InferenceSession(model(op, direction, values)).run(None, values)
    own = {name: value if name == "lengths" else value.astype(dtype) for name, value in values.items()}
    for found, right in zip(maas.Session(model(op, direction, own)).run(None, own), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)
