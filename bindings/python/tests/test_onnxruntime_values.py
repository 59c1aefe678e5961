"""Values of every kind and type, and names, as onnxruntime's API has them: the same program gives the same with
both."""

import maas
import numpy as np
import onnx
import pytest
from conftest import both_sessions, described, model_bytes
from onnx import helper


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("float[N, 3]", [[1, 2, 3]], np.float32([[1, 2, 3]])),
        ("float[N, 3]", [np.float32([1, 2, 3])], np.float32([[1, 2, 3]])),
        ("float[N, 3]", np.ma.array([[1, 2, 3]], dtype="f4"), np.float32([[1, 2, 3]])),
        ("float16[N]", [1.0, 2.0], np.float16([1, 2])),
        ("double", np.array(2.5), np.array(2.5)),
        ("int64[N]", [1, 2], np.int64([1, 2])),
        ("uint8[N]", [1, 2], np.uint8([1, 2])),
        ("bool[N]", [True, False], np.array([True, False])),
        ("bool[N]", [1, 0], np.array([True, False])),
        ("float[N]", [], np.zeros(0, np.float32)),
    ],
)  # fmt: skip
def test_what_is_taken_for_an_array(ort, kind, value, wanted):
    model = model_bytes(f"g ({kind} x) => ({kind} y) {{ y = Identity(x) }}")
    [found] = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": value})
    assert type(found) is np.ndarray and found.dtype == wanted.dtype and found.tolist() == wanted.tolist()


ONNX_TYPES = (
    "float double float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool string "
    "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz"
).split()


@pytest.mark.parametrize(("kind", "value"), [("int8[N]", [300]), ("uint8[N]", [-1]), ("int64[N]", ["a"])])
def test_what_a_list_may_not_lose(ort, kind, value):
    model = model_bytes(f"g ({kind} x) => ({kind} y) {{ y = Identity(x) }}")
    with pytest.raises((maas.TypeMismatch, OverflowError, ValueError, RuntimeError)):
        ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": value})


@pytest.mark.parametrize("name", ONNX_TYPES)
def test_types_have_the_same_names(name):
    ours, theirs = both_sessions(model_bytes(f"g ({name}[N] x) => ({name}[N] y) {{ y = Identity(x) }}", opset=19))
    assert described(ours.get_inputs()) == described(theirs.get_inputs())
    assert described(ours.get_outputs()) == described(theirs.get_outputs())


@pytest.mark.parametrize(
    "value",
    [
        np.array([["a", "Zoë"], ["", "日本"]]),
        np.array([["a", "longer than most"]], object),
        [["a", "b"]],
        np.array([["a", "b"], ["c", "d"]])[:, ::-1],
        np.zeros((0, 2), "U1"),
    ],
    ids=["text", "objects", "list", "strides", "none"],
)
def test_strings(ort, value):
    model = model_bytes("g (string[N, M] x) => (string[N, M] y) { y = Identity(x) }")
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    for _ in range(4):
        [found] = session.run(None, {"x": value})
        assert found.dtype == object and found.shape == np.shape(value) and found.tolist() == np.asarray(value).tolist()


def test_values_of_strings():
    value = maas.OrtValue.ortvalue_from_numpy(np.array(["a", "b c"], object))
    assert (value.data_type(), value.shape()) == ("tensor(string)", [2])
    assert value.numpy().tolist() == ["a", "b c"]


X = np.float32([1, 2])

#: (model, what it is fed, what it gives) for values of other kinds.
VALUES = {
    "sequence": ("seq(float[N]) x", "seq(float[N])", "Identity(x)", [X, X[:1], X[:0]]),
    "empty": ("seq(float[N]) x", "seq(float[N])", "Identity(x)", []),
    "texts": ("seq(string[N]) x", "seq(string[N])", "Identity(x)", [np.array(["a", "Zoë"], object)]),
    "made": ("float[N] x", "seq(float[N])", "SequenceConstruct(x, x)", X),
    "read": ("seq(float[N]) x", "int64", "SequenceLength(x)", [X, X]),
    "nothing": ("optional(float[N]) x", "optional(float[N])", "Identity(x)", None),
    "something": ("optional(float[N]) x", "optional(float[N])", "Identity(x)", X),
    "asked": ("optional(float[N]) x", "bool", "OptionalHasElement(x)", None),
    "list or nothing": ("optional(seq(float[N])) x", "optional(seq(float[N]))", "Identity(x)", [X]),
    "no list": ("optional(seq(float[N])) x", "optional(seq(float[N]))", "Identity(x)", None),
}


def as_lists(value):
    """Arrays in containers as something that compares."""
    if isinstance(value, list):
        return [as_lists(element) for element in value]
    return (str(value.dtype), value.tolist()) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("case", VALUES)
def test_values_of_other_kinds(case):
    taken, given, node, feed = VALUES[case]
    ours, theirs = both_sessions(model_bytes(f"g ({taken}) => ({given} y) {{ y = {node} }}", opset=18))
    assert described(ours.get_inputs()) == described(theirs.get_inputs())
    assert described(ours.get_outputs()) == described(theirs.get_outputs())
    expected = as_lists(theirs.run(None, {"x": feed}))
    for _ in range(4):
        assert as_lists(ours.run(None, {"x": feed})) == expected
        assert as_lists(ours.run(["y"], {"x": feed})) == expected


def test_values_between_sessions(ort):
    make = model_bytes("g (float[N] x) => (seq(float[N]) y, float[N] z) { y = SequenceConstruct(x, x) z = Neg(x) }")
    count = model_bytes("g (seq(float[N]) x) => (int64 y) { y = SequenceLength(x) }")
    maker, counter = (ort.InferenceSession(model, providers=["CPUExecutionProvider"]) for model in (make, count))
    sequence, tensor = maker.run_with_ort_values(None, {"x": ort.OrtValue.ortvalue_from_numpy(X)})
    assert sequence.data_type() == "seq(tensor(float))" and sequence.has_value()
    assert [sequence.is_tensor(), sequence.is_tensor_sequence(), sequence.is_sparse_tensor()] == [False, True, False]
    assert tensor.is_tensor() and not tensor.is_tensor_sequence() and tensor.numpy().tolist() == [-1, -2]
    [length] = counter.run_with_ort_values(None, {"x": sequence})
    assert length.numpy() == 2
    with pytest.raises((maas.TypeMismatch, RuntimeError)):
        sequence.numpy()


def test_values_of_other_types(ort):
    """NumPy has no bfloat16: its bits are given as integers."""
    bits = np.uint16([0x3FC0, 0xC000])
    value = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, 16)
    assert (value.data_type(), value.element_type(), value.shape()) == ("tensor(bfloat16)", 16, [2])
    model = model_bytes("g (bfloat16[N] x) => (float[N] y) { y = Cast<to=1>(x) }")
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", value)
    binding.bind_output("y", "cpu")
    session.run_with_iobinding(binding, ort.RunOptions())
    assert binding.copy_outputs_to_cpu()[0].tolist() == [1.5, -2]
    with pytest.raises(Exception):
        ort.OrtValue.ortvalue_from_numpy_with_onnx_type(np.uint32([1]), 16).numpy().item(1)


def test_bound_pointers_and_values(ort, passing):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    x = np.float32([[1, 2, 3]])
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    result = ort.OrtValue.ortvalue_from_shape_and_type([1, 3], np.float32)
    binding.bind_ortvalue_output("twice", result)
    session.run_with_iobinding(binding)
    assert result.numpy().tolist() == [[2, 4, 6]]
    value = ort.OrtValue.ortvalue_from_numpy(np.float32([[4, 5, 6]]))
    binding.bind_ortvalue_input("x", value)
    session.run_with_iobinding(binding)
    assert result.numpy().tolist() == [[8, 10, 12]]
    binding.clear_binding_outputs()
    binding.bind_output("same")
    session.run_with_iobinding(binding)
    assert [array.tolist() for array in binding.copy_outputs_to_cpu()] == [[[4, 5, 6]]]


def test_values(ort, passing):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    value = ort.OrtValue.ortvalue_from_numpy(array)
    assert (value.shape(), value.data_type(), value.element_type()) == ([2, 3], "tensor(float)", 1)
    assert (value.device_name(), value.data_ptr()) == ("cpu", array.ctypes.data)
    assert value.is_tensor() and value.has_value() and not value.is_sparse_tensor() and not value.is_tensor_sequence()
    assert value.tensor_size_in_bytes() == 24
    value.update_inplace(array + 1)
    assert array[0, 0] == 1 and value.numpy().tolist() == array.tolist()
    np.testing.assert_array_equal(np.from_dlpack(value), array)
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    [twice] = session.run_with_ort_values(["twice"], {"x": value})
    assert twice.numpy().tolist() == (2 * array).tolist()


@pytest.mark.parametrize("name", ONNX_TYPES + ["float4e2m1", "uint4", "int4"])
def test_values_of_every_type_go_in(name):
    session = maas.InferenceSession(model_bytes(f"g ({name}[N] x) => ({name}[N] y) {{ y = Identity(x) }}", opset=23))
    dtype = np.dtype(object) if name == "string" else helper.tensor_dtype_to_np_dtype(
        getattr(onnx.TensorProto, name.upper())
    )
    x = np.array(["a", "é"], object) if name == "string" else np.array([0, 1], dtype)
    value = maas.OrtValue.ortvalue_from_numpy(x)
    [found] = session.run(None, {"x": value})
    assert found.dtype == dtype and found.tolist() == x.tolist()
    assert session.run_with_ort_values(None, {"x": value})[0].numpy().tolist() == x.tolist()
    assert session(value)["y"].tolist() == x.tolist()


def test_values_go_into_lists_and_other_values():
    session = maas.InferenceSession(model_bytes("g (seq(string[N]) x) => (seq(string[N]) y) { y = Identity(x) }"))
    texts = np.array(["a", "b"], object)
    value = maas.OrtValue.ortvalue_from_numpy(texts)
    [found] = session.run(None, {"x": [value, texts]})
    assert [array.tolist() for array in found] == [["a", "b"]] * 2
    [again] = session.run_with_ort_values(None, {"x": maas.OrtValue(maas.Value.of(found, ""))})
    assert [array.tolist() for array in session.run(None, {"x": again})[0]] == [["a", "b"]] * 2
    plain = maas.InferenceSession(model_bytes("g (string[N] x) => (string[N] y) { y = Identity(x) }"))
    with pytest.raises(maas.TypeMismatch, match="sequence"):
        plain.run(None, {"x": again})


def test_strings_are_not_written_to_memory_of_the_caller():
    session = maas.InferenceSession(model_bytes("g (string[N] x) => (string[N] y) { y = Identity(x) }"))
    binding, texts = session.io_binding(), np.array(["a"], object)
    binding.bind_cpu_input("x", texts)
    value = maas.OrtValue.ortvalue_from_numpy(texts)
    with pytest.raises(maas.InvalidArgument, match="output 'y': strings cannot be written"):
        binding.bind_ortvalue_output("y", value)
    with pytest.raises(maas.InvalidArgument, match="strings of a tensor cannot be changed"):
        value.update_inplace(texts)
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    assert binding.copy_outputs_to_cpu()[0].tolist() == ["a"]


#: Strings of attributes and of a tensor that are no UTF-8; the parts of StringSplit are compared by their number.
BYTES = {
    "LabelEncoder": (
        "ai.onnx.ml", {"keys_strings": [b"\xff", b"\xfe"], "values_int64s": [1, 2], "default_int64": -1},
        onnx.TensorProto.INT64,
    ),
    "OneHotEncoder": ("ai.onnx.ml", {"cats_strings": [b"\xff", b"\xfe"], "zeros": 1}, onnx.TensorProto.FLOAT),
    "StringSplit": ("", {"delimiter": b"\xff"}, onnx.TensorProto.INT64),
}  # fmt: skip


@pytest.mark.parametrize("op", BYTES)
def test_strings_that_are_no_text(ort, op):
    domain, attributes, kind = BYTES[op]
    x = helper.make_tensor("x", onnx.TensorProto.STRING, [4], [b"\xff", b"\xfe", "\ufffd".encode(), b"a\xffb"])
    outputs = ["parts", "y"] if op == "StringSplit" else ["y"]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], outputs, domain=domain, **attributes)],
        "g", [], [helper.make_tensor_value_info("y", kind, None)], [x],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    [found] = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {})
    expected = {
        "LabelEncoder": [1, 2, -1, -1],
        "OneHotEncoder": [[1, 0], [0, 1], [0, 0], [0, 0]],
        "StringSplit": [2, 1, 1, 2],
    }
    assert found.tolist() == expected[op]


def test_names_that_only_look_alike(ort):
    model = onnx.load_from_string(
        model_bytes("g (float[N] a, float[M] b) => (float[K] p, float[L] q) { p = Neg(a) q = Neg(b) }")
    )
    for value, name in zip(model.graph.input, ("\u00e9", "e\u0301")):
        value.type.tensor_type.shape.dim[0].dim_param = name
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    p, q = session.run(None, {"a": np.zeros(2, np.float32), "b": np.zeros(3, np.float32)})
    assert (p.shape, q.shape) == ((2,), (3,))


def test_the_difference_between_names_is_shown():
    model = onnx.load_from_string(model_bytes("g (float[N] x) => (float[N] y) { y = Neg(x) }"))
    model.graph.input[0].name = model.graph.node[0].input[0] = "\u00e9"
    session = maas.InferenceSession(model.SerializeToString())
    with pytest.raises(maas.NotFound, match=r"did you mean '\\u\{e9\}', not 'e\\u\{301\}'"):
        session.run(None, {"e\u0301": np.zeros(2, np.float32)})


@pytest.mark.parametrize("name", [b"B\xff\xfe", b"B\0B"])
def test_names_that_are_no_text_are_refused(name):
    model = model_bytes("g (float[N] x) => (float[N] BBB) { BBB = Neg(x) }")
    with pytest.raises(maas.InvalidModel, match="UTF-8 without zero bytes"):
        maas.InferenceSession(model.replace(b"BBB", name))
