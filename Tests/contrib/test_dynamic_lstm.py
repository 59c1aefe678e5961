"""DynamicQuantizeLSTM answers as ONNX Runtime does: the same bytes of X and of the hidden values, before each step.

On one thread ONNX Runtime quantizes the hidden values of all rows of the batch with one scale; so does maas, of up to
16 rows. What is left between the two is a hidden value that falls halfway between two bytes.
"""
import itertools

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

#: hidden, input, steps, batch: pieces of hidden units for several threads, and sizes that are no multiple of anything.
SIZES = [(3, 5, 4, 2), (64, 16, 7, 1), (100, 7, 5, 9), (256, 33, 12, 1), (256, 40, 6, 16), (512, 9, 4, 5)]
NAMES = ("x", "w", "r", "b", "lengths", "h", "c", "p", "w_scale", "w_zero", "r_scale", "r_zero")


def inputs_of(size, directions, dtype, columns=False, zero=0, seed=1):
    """All inputs but the lengths. Weights of 7 bits: ONNX Runtime's products of more saturate on some CPUs."""
    hidden, width, steps, batch = size
    random = np.random.default_rng(seed)

    def floats(*shape):
        return random.standard_normal(shape).astype(np.float32)

    def weights(k):
        shape = (directions, k, 4 * hidden)
        return (zero + random.integers(-60, 61, shape)).astype(dtype)

    def scale(k):
        shape = (directions, 4 * hidden) if columns else (directions,)
        return (random.uniform(0.01, 0.03, shape) / np.sqrt(max(k, 1))).astype(np.float32)

    state = (directions, batch, hidden)
    inputs = {
        "x": floats(steps, batch, width), "w": weights(width), "r": weights(hidden),
        "b": floats(directions, 8 * hidden), "h": floats(*state) / 3, "c": floats(*state) / 3,
        "p": floats(directions, 3 * hidden) / 3,
    }  # fmt: skip
    for name, k in (("w", width), ("r", hidden)):
        inputs[f"{name}_scale"] = scale(k)
        inputs[f"{name}_zero"] = np.full(inputs[f"{name}_scale"].shape, zero, dtype)
    return inputs


def model_of(inputs, constants, outputs=("y", "y_h", "y_c"), **attributes):
    node = helper.make_node(
        "DynamicQuantizeLSTM", [n if n in inputs else "" for n in NAMES], outputs, domain="com.microsoft",
        hidden_size=inputs["r"].shape[1], **attributes)  # fmt: skip
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in inputs.items() if name not in constants]  # fmt: skip
    graph = helper.make_graph([node], "g", given, [onnx.ValueInfoProto(name=n) for n in outputs if n],
        [numpy_helper.from_array(inputs[n], n) for n in constants])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def constants_of(inputs):
    return [n for n in inputs if n not in ("x", "lengths", "h", "c")]


def expected(model, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(model, options).run(None, feeds)


def found(model, feeds):
    """The same on one thread, two and three."""
    results = [[np.array(y) for y in maas.Session(model, threads=threads).run(None, feeds)] for threads in (1, 2, 3)]
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other))
    return results[0]


def check(model, feeds, steps=1.0, mean=1e-5):
    """Within so many steps of a hidden value, and nearly always nothing."""
    pairs = list(zip(found(model, feeds), expected(model, feeds)))
    for own, other in pairs:
        assert own.shape == other.shape
        assert np.abs(own - other).max() <= steps * np.ptp(other) / 255
    assert np.mean(np.concatenate([np.abs(a - b).ravel() for a, b in pairs])) <= mean


def feeds_of(inputs, constants):
    return {n: x for n, x in inputs.items() if n not in constants}


@pytest.mark.parametrize("kind", [(np.int8, 0), (np.uint8, 128), (np.uint8, 119)], ids=str)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("size, columns", list(zip(SIZES, itertools.cycle([False, True]))))
def test_sizes(size, columns, direction, kind):
    inputs = inputs_of(size, 1 + (direction == "bidirectional"), kind[0], columns, kind[1])
    constants = constants_of(inputs)
    check(model_of(inputs, constants, direction=direction), feeds_of(inputs, constants))


@pytest.mark.parametrize("outputs", [("y",), ("", "y_h", "y_c"), ("", "", "y_c")])
@pytest.mark.parametrize("left_out", [("b",), ("h", "c"), ("p",), ("b", "h", "c", "p")])
def test_what_is_left_out(left_out, outputs):
    inputs = inputs_of((64, 16, 7, 3), 1, np.int8)
    for name in left_out:
        del inputs[name]
    constants = constants_of(inputs)
    check(model_of(inputs, constants, outputs), feeds_of(inputs, constants))


@pytest.mark.parametrize(
    "attributes", [{"input_forget": 1}, {"clip": 0.4}, {"activations": ["HardSigmoid", "Relu", "Tanh"]}], ids=str)
def test_attributes(attributes):
    inputs = inputs_of((40, 12, 6, 2), 1, np.int8, True)
    constants = constants_of(inputs)
    check(model_of(inputs, constants, **attributes), feeds_of(inputs, constants))


def test_sequences_that_end_no_longer_count():
    inputs = inputs_of((64, 10, 6, 4), 1, np.int8)
    inputs["lengths"] = np.array([6, 2, 1, 4], np.int32)
    constants = constants_of(inputs)
    check(model_of(inputs, constants), feeds_of(inputs, constants))


@pytest.mark.parametrize("length", [1, 3, 5])
def test_a_sequence_from_its_end(length):
    """What lies behind it is 0: ONNX Runtime does not count it to X's range."""
    inputs = inputs_of((64, 10, 5, 1), 1, np.int8)
    inputs["x"][length:] = 0
    inputs["lengths"] = np.array([length], np.int32)
    constants = constants_of(inputs)
    check(model_of(inputs, constants, direction="reverse"), feeds_of(inputs, constants))


def test_sequences_that_begin_later():
    """ONNX Runtime takes rows together that are as far from their ends, and maas those of one time."""
    inputs = inputs_of((64, 10, 6, 4), 2, np.int8)
    inputs["lengths"] = np.array([6, 2, 1, 4], np.int32)
    constants = constants_of(inputs)
    check(model_of(inputs, constants, direction="bidirectional"), feeds_of(inputs, constants), steps=2, mean=5e-4)


def test_sixteen_rows_go_together():
    """Each sixteen rows answer as ONNX Runtime does for them alone, where their inputs have the range of all."""
    inputs = inputs_of((48, 12, 5, 35), 1, np.int8)
    starts = range(0, 35, 16)
    for start in starts:
        inputs["x"][0, start, :2] = -5, 5
    constants = constants_of(inputs)
    whole = found(model_of(inputs, constants), feeds_of(inputs, constants))
    for start in starts:
        part = inputs | {n: inputs[n][:, start:start + 16] for n in ("x", "h", "c")}
        alone = expected(model_of(part, constants), feeds_of(part, constants))
        for own, other in zip(whole, alone):
            rows = np.moveaxis(own, -2, 0)[start:start + 16]
            np.testing.assert_allclose(rows, np.moveaxis(other, -2, 0), rtol=0, atol=np.ptp(other) / 255)
            assert np.abs(rows - np.moveaxis(other, -2, 0)).mean() <= 1e-5


def test_weights_of_a_run():
    """Packed by every run, they answer as those that are packed once."""
    inputs = inputs_of((256, 33, 4, 2), 2, np.int8, True)
    constants = constants_of(inputs)
    once = found(model_of(inputs, constants, direction="bidirectional"), feeds_of(inputs, constants))
    each = found(model_of(inputs, (), direction="bidirectional"), inputs)
    assert all(np.array_equal(a, b) for a, b in zip(once, each))


def test_one_step_and_none():
    for steps in (0, 1):
        inputs = inputs_of((32, 8, steps, 2), 1, np.int8)
        constants = constants_of(inputs)
        y, y_h, _ = found(model_of(inputs, constants), feeds_of(inputs, constants))
        assert y.shape == (steps, 1, 2, 32)
        assert np.array_equal(y_h, inputs["h"] if steps == 0 else y[-1])


def test_scales_must_fit():
    inputs = inputs_of((32, 8, 3, 2), 1, np.int8, True)
    inputs["r_scale"] = inputs["r_scale"][:, :-1]
    with pytest.raises(maas.MaasError, match="input 10 does not fit the weights"):
        maas.Session(model_of(inputs, constants_of(inputs)))


@pytest.mark.parametrize("size", [(0, 5, 3, 2), (6, 0, 3, 2), (6, 5, 0, 2), (6, 5, 3, 0)])
def test_sizes_of_zero(size):
    """Nothing that could be wrong but the shapes, and ONNX Runtime does not take all of them."""
    hidden, _, steps, batch = size
    inputs = inputs_of(size, 1, np.int8)
    constants = constants_of(inputs)
    shapes = [y.shape for y in found(model_of(inputs, constants), feeds_of(inputs, constants))]
    assert shapes == [(steps, 1, batch, hidden), (1, batch, hidden), (1, batch, hidden)]
