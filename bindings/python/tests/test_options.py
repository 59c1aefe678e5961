"""Options: what they mean, and that none is ignored."""

import json

import maas
import numpy as np
import pytest


def test_options_have_two_names():
    options = maas.SessionOptions(threads=3, copy=True, memory_limit=1 << 30)
    assert (options.intra_op_num_threads, options.get("copy"), options.get("memory_limit")) == (3, "true", str(1 << 30))
    options.intra_op_num_threads = 2
    assert options.get("threads") == "2"
    options.add_session_config_entry("threads", "1")
    assert options.get_session_config_entry("threads") == "1"


@pytest.mark.parametrize(
    ("level", "word"),
    [
        ("ORT_DISABLE_ALL", "none"),
        ("ORT_ENABLE_BASIC", "basic"),
        ("ORT_ENABLE_EXTENDED", "all"),
        ("ORT_ENABLE_ALL", "all"),
    ],
)
def test_levels(level, word, passing):
    options = maas.SessionOptions()
    options.graph_optimization_level = maas.GraphOptimizationLevel[level]
    assert options.get("optimization") == word and options.graph_optimization_level.name == level
    assert maas.Session(passing, options)(np.ones((1, 3), np.float32))["twice"].tolist() == [[2, 2, 2]]


def test_unknown_options_are_refused_with_the_nearest():
    options = maas.SessionOptions()
    with pytest.raises(maas.NotFound, match="'treads'.*threads"):
        options.add_session_config_entry("treads", "1")
    with pytest.raises(maas.NotFound):
        options.get("nothing")
    with pytest.raises(maas.NotFound, match="'dedline'"):
        maas.RunOptions().add_run_config_entry("dedline", "1")
    with pytest.raises(AttributeError, match="did you mean 'intra_op_num_threads'"):
        options.intra_op_num_thread = 1
    with pytest.raises(AttributeError, match="did you mean 'deadline'"):
        maas.RunOptions().dedline = 1
    with pytest.raises(maas.NotFound, match="memory_limit"):
        maas.Session("model.onnx", memory_limits=3)


def test_wrong_values_are_refused(passing):
    options = maas.SessionOptions()
    for name, value in (("threads", "many"), ("copy", "perhaps"), ("optimization", "most"), ("memory_limit", -1)):
        with pytest.raises(maas.InvalidArgument, match=name):
            options.set(name, value)
    with pytest.raises(maas.InvalidArgument, match="intra_op_num_threads"):
        options.intra_op_num_threads = -1
    for value in ("2", 2.5, None):
        with pytest.raises(TypeError, match="intra_op_num_threads"):
            options.intra_op_num_threads = value
    with pytest.raises(ValueError):
        options.graph_optimization_level = 50
    with pytest.raises(maas.Unsupported):
        options.optimized_model_filepath = "model.onnx"
    with pytest.raises(TypeError, match="not both"):
        maas.Session(passing, options, threads=1)


def test_the_memory_limit_holds(digits, images):
    with pytest.raises(maas.LimitExceeded, match="memory"):
        maas.Session(digits, memory_limit=1000)(images)


def test_a_profile_names_the_steps(passing, tmp_path):
    session = maas.Session(passing)
    with pytest.raises(maas.NotReady):
        session.stop_profile()
    session.start_profile()
    with pytest.raises(maas.Busy):
        session.start_profile()
    session(np.ones((1, 3), np.float32))
    with pytest.raises(maas.IoError, match="no-such-folder"):
        session.stop_profile(tmp_path / "no-such-folder" / "trace.json")
    trace = session.stop_profile(tmp_path / "trace.json")
    assert (tmp_path / "trace.json").read_text() == trace and "Add" in trace
    json.loads(trace)


def test_log_lines_are_received(digits):
    lines = []
    maas.set_log_callback(lambda level, message: lines.append((level, message)), maas.LogLevel.INFO)
    try:
        maas.Session(digits)
        with pytest.raises(maas.NotFound) as caught:
            maas.Session("nobody.onnx")
    finally:
        maas.set_log_callback(None)
    count = len(lines)
    maas.Session(digits)
    assert len(lines) == count
    assert (maas.LogLevel.ERROR, str(caught.value)) in lines
    assert any(level == maas.LogLevel.INFO and "digits.onnx" in message for level, message in lines)


def test_statistics_count(digits, images):
    session = maas.Session(digits)
    for n in (1, 2, 2):
        session(images[:n])
    assert session.statistic(maas.Statistic.RUNS) == 3
    assert session.statistic(maas.Statistic.PLANS) == 2
    assert session.statistic(maas.Statistic.STEPS) > 0


def test_a_model_has_many_sessions(digits, images):
    model = maas.Model(digits)
    assert model.input_index("image") == 0 and model.metadata.opsets[""] > 0 and model.metadata.ir_version > 0
    with pytest.raises(maas.NotFound, match="'imgae'.*'image'"):
        model.input_index("imgae")
    answers = [maas.Session(model, threads=n)(images)["probabilities"] for n in (1, 2)]
    assert np.array_equal(*answers)
    assert [value.dims for value in model.inputs] == [("N", 1, 8, 8)] and model.inputs[0].dtype == np.float32
