"""The common part of onnxruntime's API: the same program gives the same with both."""

import os
import warnings

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import DIGITS, SHARED, both_sessions, described, golden_cases, golden_folders, model_bytes
from onnx import helper

RTOL, ATOL = 1e-3, 1e-5
MODELS = [DIGITS / "digits.onnx", *(folder / "model.onnx" for folder in golden_folders())]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_models_are_described_alike(path):
    ours, theirs = both_sessions(str(path))
    assert described(ours.get_inputs()) == described(theirs.get_inputs())
    assert [value.name for value in ours.get_outputs()] == [value.name for value in theirs.get_outputs()]
    assert [value.type for value in ours.get_outputs()] == [value.type for value in theirs.get_outputs()]
    for own, their in zip(ours.get_outputs(), theirs.get_outputs()):
        for size, other in zip(own.shape, their.shape, strict=True):
            # One may know more than the other; what both know is the same.
            assert size == other or not (isinstance(size, int) and isinstance(other, int)), (own, their.shape)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_metadata_is_alike(path):
    ours, theirs = (session.get_modelmeta() for session in both_sessions(str(path)))
    for name in ("producer_name", "graph_name", "domain", "description", "graph_description", "custom_metadata_map"):
        assert getattr(ours, name) == getattr(theirs, name), name
    # onnxruntime gives the largest number for a version that the model does not have.
    assert ours.version == (theirs.version if theirs.version < 2**63 - 1 else 0)


@pytest.mark.parametrize("folder", golden_folders(), ids=lambda folder: folder.name)
def test_answers_are_alike(folder):
    ours, theirs = both_sessions(str(folder / "model.onnx"))
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
