"""Gradients of attention and of what it is made of: against central differences of maas's own double precision, which
other tests hold to ONNX's, and against those of PyTorch (gradient-fixtures/attention.json)."""
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import maas
from test_gradient import TRAINING
from test_gradient import central_differences as differences
from test_gradient_recurrent import fixture

random = np.random.default_rng(8)


def varied(values):
    """What is differentiated."""
    return [name for name, value in values.items() if name in "qkvx" or (name == "mask" and value.dtype.kind == "f")]


def model(nodes, values, wanted, dtype):
    xs = varied(values)
    nodes = [*nodes, helper.make_node("Sin", ["s"], ["t"]), helper.make_node("ReduceSum", ["t"], ["y"], keepdims=0)]
    if wanted != ["y"]:
        nodes.append(helper.make_node("Gradient", xs, wanted, domain=TRAINING, xs=xs, y="y"))
    declared = [
        helper.make_tensor_value_info(
            name, dtype if value.dtype.kind == "f" else helper.np_dtype_to_tensor_dtype(value.dtype),
            [d if name not in "qkv" or i == value.ndim - 1 else f"{name}{i}" for i, d in enumerate(value.shape)])
        for name, value in values.items()]
    graph = helper.make_graph(nodes, "g", declared,
        [helper.make_tensor_value_info(name, dtype, None) for name in wanted])
    opsets = [helper.make_opsetid("", 24), helper.make_opsetid(TRAINING, 1)]
    return helper.make_model(graph, opset_imports=opsets).SerializeToString()


def attention(values, **attributes):
    inputs = [name if name in values else "" for name in ("q", "k", "v", "mask", "", "", "lengths")]
    while not inputs[-1]:
        inputs.pop()
    return [helper.make_node("Attention", inputs, ["s"], **attributes)]


def gradients(nodes, values, dtype=TensorProto.DOUBLE, **options):
    wanted = [f"d{name}" for name in varied(values)]
    return dict(zip(wanted, maas.Session(model(nodes, values, wanted, dtype), **options).run(None, values)))


def central_differences(nodes, values):
    forward = maas.Session(model(nodes, values, ["y"], TensorProto.DOUBLE))
    return {f"d{name}": differences(None, values, name, 1e-5, forward) for name in varied(values)}


def four(heads=2, key_heads=2, queries=3, keys=4, size=2, value_size=3, batch=2):
    shapes = {"q": (batch, heads, queries, size), "k": (batch, key_heads, keys, size),
        "v": (batch, key_heads, keys, value_size)}
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


def three(heads=2, key_heads=2, queries=3, keys=4, size=2, batch=2):
    shapes = {"q": (batch, queries, heads * size), "k": (batch, keys, key_heads * size),
        "v": (batch, keys, key_heads * size)}
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


HIDDEN = np.array([[True, False, True, True], [False, False, False, False], [True, True, True, False]])
CASES = {
    "plain": (four(), {}),
    "scale": (four(), {"scale": 0.3}),
    "causal": (four(queries=4), {"is_causal": 1}),
    "grouped": (four(heads=4), {"is_causal": 1}),
    "packed": (three(), {"q_num_heads": 2, "kv_num_heads": 2}),
    "packed_grouped": (three(heads=4), {"q_num_heads": 4, "kv_num_heads": 2}),
    "mask": ({**four(), "mask": random.normal(size=(1, 2, 3, 4))}, {}),
    "mask_of_all": ({**four(), "mask": random.normal(size=(2, 2, 3, 4))}, {}),
    "mask_of_places": ({**four(heads=4), "mask": random.normal(size=(3, 4))}, {"is_causal": 1}),
    "mask_of_batches": ({**three(), "mask": random.normal(size=(2, 1, 1, 4))}, {"q_num_heads": 2, "kv_num_heads": 2}),
    "mask_of_rows": ({**four(), "mask": random.normal(size=(2, 3, 1))}, {}),
    "short_mask": ({**four(), "mask": random.normal(size=(1, 1, 3, 2))}, {}),
    # Row 1 sees nothing.
    "bools": ({**four(), "mask": HIDDEN}, {}),
    "lengths": ({**four(queries=4), "lengths": np.array([2, 4])}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_central_differences(name):
    values, attributes = CASES[name]
    nodes = attention(values, **attributes)
    expected = central_differences(nodes, values)
    for key, found in gradients(nodes, values).items():
        np.testing.assert_allclose(found, expected[key], rtol=1e-6, atol=1e-8, err_msg=key)


@pytest.mark.parametrize("sizes", [(2, 1, 70, 130, 16), (4, 2, 65, 65, 20), (2, 2, 1, 300, 8)], ids=str)
def test_floats_are_near_doubles_whatever_the_threads(sizes):
    heads, key_heads, queries, keys, size = sizes
    values = three(heads, key_heads, queries, keys, size)
    values["mask"] = random.normal(size=(1, heads, queries, keys))
    nodes = attention(values, q_num_heads=heads, kv_num_heads=key_heads, is_causal=1)
    exact = gradients(nodes, values)
    narrow = {name: value.astype(np.float32) for name, value in values.items()}
    found = [gradients(nodes, narrow, TensorProto.FLOAT, threads=n) for n in (1, 2, 5)]
    for name, right in exact.items():
        np.testing.assert_allclose(found[0][name], right, rtol=1e-4, atol=1e-5 * np.abs(right).max(), err_msg=name)
        for other in found[1:]:
            assert other[name].tobytes() == found[0][name].tobytes(), name


@pytest.mark.parametrize("name", fixture("attention.json"))
def test_pytorch(name):
    case = fixture("attention.json")[name]
    values = {key: np.array(value) for key, value in case["inputs"].items()}
    found = gradients(attention(values, **case["attributes"]), values)
    for key, expected in case["gradients"].items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-8, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_of_single_nodes(dtype):
    """What the optimizer makes of the forward part leaves what the backward part reads."""
    values = {name: value.astype(dtype) for name, value in four(queries=5, keys=6, size=8, value_size=8).items()}
    nodes = [
        helper.make_node("Constant", [], ["scale"], value=numpy_helper.from_array(np.asarray(0.4, dtype))),
        helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "kt"], ["a"]),
        helper.make_node("Mul", ["a", "scale"], ["b"]), helper.make_node("Softmax", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "v"], ["s"])]  # fmt: skip
    found = gradients(nodes, values, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    exact = {name: value.astype(np.float64) for name, value in values.items()}
    for name, right in gradients(attention(exact, scale=float(np.float32(0.4))), exact).items():
        np.testing.assert_allclose(found[name], right, rtol=1e-4, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_embedding(interleaved):
    x = random.normal(size=(1, 2, 3, 4)).astype(np.float32)
    angles = random.uniform(size=(1, 3, 2))
    tables = {"cosines": np.cos(angles).astype(np.float32), "sines": np.sin(angles).astype(np.float32)}
    constants = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value)) for name,
        value in tables.items()]
    rotate = lambda x, y, sines="sines": helper.make_node("RotaryEmbedding", [x, "cosines", sines], [y],
        interleaved=interleaved)  # fmt: skip
    (found,) = gradients([*constants, rotate("x", "s")], {"x": x}, TensorProto.FLOAT).values()
    # The inverse rotation of cos(rotated x), by complex numbers.
    pair = (lambda a: a[..., 0::2] + 1j * a[..., 1::2]) if interleaved else (lambda a: a[..., :2] + 1j * a[..., 2:])
    turned = pair(x.astype(np.float64)) * np.exp(1j * angles)
    back = (np.cos(turned.real) + 1j * np.cos(turned.imag)) * np.exp(-1j * angles)
    expected = np.stack([back.real, back.imag],
        -1).reshape(x.shape) if interleaved else np.concatenate([back.real, back.imag], -1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_refusals():
    values = four()
    with pytest.raises(maas.MaasError, match="no gradient of this kind"):
        gradients(attention(values, softcap=2.0), values)
