"""The common part of onnxruntime's API: the same program gives the same with both."""

import os
import warnings

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import DIGITS, SHARED, golden_cases, golden_folders, model_bytes
from onnx import helper

RTOL, ATOL = 1e-3, 1e-5
MODELS = [DIGITS / "digits.onnx", *(folder / "model.onnx" for folder in golden_folders())]


@pytest.fixture(params=[maas, onnxruntime], ids=["maas", "onnxruntime"])
def ort(request):
    """Tests that use it show that a program needs no change but the import."""
    return request.param


def sessions(source):
    return [library.InferenceSession(source, providers=["CPUExecutionProvider"]) for library in (maas, onnxruntime)]


def described(values):
    return [(value.name, value.shape, value.type) for value in values]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_models_are_described_alike(path):
    ours, theirs = sessions(str(path))
    assert described(ours.get_inputs()) == described(theirs.get_inputs())
    assert [value.name for value in ours.get_outputs()] == [value.name for value in theirs.get_outputs()]
    assert [value.type for value in ours.get_outputs()] == [value.type for value in theirs.get_outputs()]
    for own, their in zip(ours.get_outputs(), theirs.get_outputs()):
        for size, other in zip(own.shape, their.shape, strict=True):
            # One may know more than the other; what both know is the same.
            assert size == other or not (isinstance(size, int) and isinstance(other, int)), (own, their.shape)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_metadata_is_alike(path):
    ours, theirs = (session.get_modelmeta() for session in sessions(str(path)))
    for name in ("producer_name", "graph_name", "domain", "description", "graph_description", "custom_metadata_map"):
        assert getattr(ours, name) == getattr(theirs, name), name
    # onnxruntime gives the largest number for a version that the model does not have.
    assert ours.version == (theirs.version if theirs.version < 2**63 - 1 else 0)


@pytest.mark.parametrize("folder", golden_folders(), ids=lambda folder: folder.name)
def test_answers_are_alike(folder):
    ours, theirs = sessions(str(folder / "model.onnx"))
    for _, inputs, _ in golden_cases(folder):
        for own, their in zip(ours.run(None, inputs), theirs.run(None, inputs), strict=True):
            assert own.dtype == their.dtype
            np.testing.assert_allclose(own, their, RTOL, ATOL)


def test_real_models_are_at_hand():
    if not golden_folders():
        pytest.skip(f"there are no models in {SHARED}; set MAAS_SHARED")


def test_metadata_of_the_model_itself(ort):
    import onnx

    model = onnx.load_from_string(model_bytes("named (float[2] x) => (float[2] y) { y = Relu(x) }"))
    model.producer_name, model.domain, model.model_version, model.doc_string = (
        "tests",
        "example.org",
        7,
        "about the model",
    )
    model.graph.doc_string = "about the graph"
    onnx.helper.set_model_props(model, {"author": "Zoë", "empty": ""})
    meta = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).get_modelmeta()
    assert (meta.producer_name, meta.graph_name, meta.domain) == ("tests", "named", "example.org")
    assert (meta.version, meta.description, meta.graph_description) == (7, "about the model", "about the graph")
    assert meta.custom_metadata_map == {"author": "Zoë", "empty": ""}


def test_shapes_have_numbers_names_and_gaps(ort):
    model = model_bytes(
        "g (float[N, ?, 3] a, int64 b, float[] c) => (float[N, 2] y) { y = Relu(d) }", d=np.ones((1, 2), "f4")
    )
    inputs = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()
    assert described(inputs) == [
        ("a", ["N", None, 3], "tensor(float)"),
        ("b", [], "tensor(int64)"),
        ("c", [], "tensor(float)"),
    ]


def test_a_session_runs(ort, digits, images):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    session = ort.InferenceSession(digits, sess_options=options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    for wanted, count in ((None, 2), ([], 2), ([output], 1), ([output, output], 2), (["label", output], 2)):
        answers = session.run(wanted, {name: images})
        assert len(answers) == count and all(isinstance(answer, np.ndarray) for answer in answers)
        probabilities = answers[wanted.index(output) if wanted else 0]
        assert probabilities.argmax(axis=1).tolist() == list(range(10))
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert options.intra_op_num_threads == 1
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert "CPUExecutionProvider" in ort.get_available_providers() and ort.get_device() == "CPU"
    assert session.end_profiling() == "" or ort is onnxruntime


def test_names_are_bytes(ort):
    """Both spellings of é look the same, and are two names."""
    one, two = "\u00e9", "e\u0301"
    names = (one, two, one * 2, two * 2)
    infos = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in names]
    nodes = [helper.make_node("Neg", [one], [one * 2]), helper.make_node("Exp", [two], [two * 2])]
    graph = helper.make_graph(nodes, "g", infos[:2], infos[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    fed = {two: np.float32([0]), one: np.float32([3])}
    assert [float(y[0]) for y in session.run([two * 2, one * 2], fed)] == [1, -3]


def test_a_session_runs_from_bytes(ort, digits, images):
    with open(digits, "rb") as file:
        session = ort.InferenceSession(file.read(), providers=["CPUExecutionProvider"])
    _, label = session.run(None, {"image": images}, ort.RunOptions())
    assert label.tolist() == list(range(10))


def test_feeds_may_be_lists(ort, passing):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    [twice] = session.run(["twice"], {"x": [[1.0, 2.0, 3.0]]})
    assert twice.tolist() == [[2, 4, 6]] and twice.dtype == np.float32


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
    ours, theirs = sessions(model_bytes(f"g ({name}[N] x) => ({name}[N] y) {{ y = Identity(x) }}", opset=19))
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
    ours, theirs = sessions(model_bytes(f"g ({taken}) => ({given} y) {{ y = {node} }}", opset=18))
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


def test_options_start_alike():
    for name in ("SessionOptions", "RunOptions"):
        ours, theirs = getattr(maas, name)(), getattr(onnxruntime, name)()
        for option in dir(theirs):
            value = getattr(theirs, option)
            if option.startswith("_") or callable(value) or option in ("execution_order", "profile_file_prefix"):
                continue
            own = getattr(ours, option)
            assert (getattr(own, "name", own), type(own) is bool) == (
                getattr(value, "name", value),
                type(value) is bool,
            )
    for name in ("GraphOptimizationLevel", "ExecutionMode"):
        ours, theirs = getattr(maas, name), getattr(onnxruntime, name)
        assert {m.name: m.value for m in ours} == {n: int(v.value) for n, v in theirs.__members__.items()}


def test_config_entries(ort, passing):
    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    with pytest.raises(Exception, match="session.set_denormal_as_zero"):
        options.get_session_config_entry("session.set_denormal_as_zero")
    run = ort.RunOptions()
    run.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    assert run.get_run_config_entry("memory.enable_memory_arena_shrinkage") == "cpu:0"
    session = ort.InferenceSession(passing, options, providers=["CPUExecutionProvider"])
    session.disable_fallback()
    assert len(session.run(None, {"x": np.zeros((1, 3), np.float32)}, run)) == 3


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


def test_arrays_of_any_layout(ort, passing):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    grid = np.arange(24, dtype=np.float32).reshape(4, 6)
    for array in (grid[:, :3], grid[:, ::2], grid[::-1, 1:4], np.asfortranarray(grid[:, :3]), grid[:0, :3]):
        same, twice = session.run(["same", "twice"], {"x": array})
        np.testing.assert_array_equal(same, array)
        np.testing.assert_array_equal(twice, array * 2)


@pytest.mark.parametrize(
    "feed",
    [
        {"x": np.zeros((1, 3))},
        {"x": np.zeros((1, 3), np.int32)},
        {"x": np.zeros(3, np.float32)},
        {},
        {"y": np.zeros((1, 3), "f4")},
    ],
    ids=["double", "integers", "rank", "missing", "name"],
)
def test_wrong_feeds_are_refused(ort, passing, feed):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    with pytest.raises(Exception) as caught:
        session.run(None, feed)
    assert ort is onnxruntime or isinstance(caught.value, maas.MaasError)


def test_bound_inputs_and_outputs(ort, passing):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    x, twice = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    binding.bind_cpu_input("x", x)
    binding.bind_output("same")
    binding.bind_output("twice", "cpu", 0, np.float32, twice.shape, twice.ctypes.data)
    for value in (1, 5):
        x[:] = value
        session.run_with_iobinding(binding)
        same, twice_again = binding.copy_outputs_to_cpu()
        assert same.tolist() == x.tolist() and twice.tolist() == twice_again.tolist() == (2 * x).tolist()
        assert [value.shape() for value in binding.get_outputs()] == [[2, 3], [2, 3]]


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


def test_a_terminated_run_fails(ort, passing):
    session = ort.InferenceSession(passing, providers=["CPUExecutionProvider"])
    options = ort.RunOptions()
    options.terminate = True
    with pytest.raises(Exception, match="cancel|terminate"):
        session.run(None, {"x": np.zeros((1, 3), np.float32)}, options)
    options.terminate = False
    assert len(session.run(None, {"x": np.zeros((1, 3), np.float32)}, options)) == 3


def test_profiling_writes_a_trace(ort, passing, tmp_path):
    import json

    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    session = ort.InferenceSession(passing, options, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.zeros((1, 3), np.float32)})
    path = session.end_profiling()
    assert os.path.dirname(path) == str(tmp_path) and path.endswith(".json")
    with open(path) as file:
        trace = json.load(file)
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    assert any("Add" in json.dumps(event) for event in events)


def test_traces_of_one_moment_are_files_of_their_own(passing, tmp_path):
    options = maas.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    paths = {maas.InferenceSession(passing, options).end_profiling() for _ in range(5)}
    assert len(paths) == 5 and {str(path) for path in tmp_path.iterdir()} == paths


def test_other_providers_get_a_warning(passing):
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        session = maas.InferenceSession(passing, providers=["CUDAExecutionProvider", ("CPUExecutionProvider", {})])
    assert session.get_providers() == ["CPUExecutionProvider"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maas.InferenceSession(passing, providers=["CPUExecutionProvider"], provider_options=[{}])
    for wrong in ("CPUExecutionProvider", 7):
        with pytest.raises(maas.InvalidArgument, match="list"):
            maas.InferenceSession(passing, providers=wrong)
    with pytest.raises(TypeError, match="SessionOptions"):
        maas.InferenceSession(passing, onnxruntime.SessionOptions())
    with pytest.raises(ValueError, match="another session"):
        maas.InferenceSession(passing).run_with_iobinding(session.io_binding())


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
        "ai.onnx.ml", {"keys_strings": [b"\xff", b"\xfe"], "values_int64s": [1, 2], "default_int64": -1}, onnx.TensorProto.INT64,
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
