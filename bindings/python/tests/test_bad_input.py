"""Every case of Tests/bad-input that Python can be given raises the error of its status, with its words."""

import subprocess
import sys
from pathlib import Path

import maas
import numpy as np
import pytest
from conftest import ROOT
from maas import errors
from maas.abi import lib, text
from maas_run import listing, read_table

CLASSES = {text(lib.maas_status_name(status)): cls for status, cls in errors.CLASSES.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad") / "input"
    subprocess.run([sys.executable, ROOT / "Tests" / "bad-input" / "make.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def cases(folder):
    return list(read_table(folder))


def feed_of(case):
    feed = {}
    for tensor in case["tensors"].split():
        name, dtype, dims = tensor.split(":")
        feed[name] = np.zeros([int(size) for size in dims.split(",") if size], dtype)
    return feed


def refusal(action):
    """The error that `action` raises, or None."""
    try:
        action()
    except maas.MaasError as error:
        return error
    return None


def faults(case, error, words):
    if error is None:
        yield "it was accepted"
        return
    if type(error) is not CLASSES[f"MAAS_{case['status']}"]:
        yield f"{type(error).__name__}, not {case['status']}"
    for word in words:
        if word and word not in str(error):
            yield f"the message lacks '{word}'"
    if "\n" in str(error):
        yield "the message has several lines"


def hold(folder, cases, action, words=lambda case: case["words"].split("|")):
    """`action(case)` raises what the table says, for each of the cases, and leaves no file behind."""
    before, wrong = listing(folder), {}
    for case in cases:
        error = refusal(lambda: action(case))
        problems = list(faults(case, error, words(case)))
        if problems:
            wrong[case["name"]] = (problems, str(error))
    assert cases and not wrong and listing(folder) == before


def of_kind(cases, *kinds):
    # A dict cannot hold a name twice.
    return [case for case in cases if case["kind"] in kinds and case["name"] != "input-given-twice"]


def test_models_are_refused_when_opened(cases, folder):
    for make in (maas.InferenceSession, maas.Model):
        hold(folder, of_kind(cases, "open"), lambda case: make(folder / case["model"]))


def test_models_in_memory_are_refused_when_opened(cases, folder):
    def readable(case):
        return (folder / case["model"]).is_file() and not case["name"].startswith("external-")

    hold(
        folder,
        [case for case in of_kind(cases, "open") if readable(case)],
        lambda case: maas.InferenceSession((folder / case["model"]).read_bytes()),
        lambda case: case["words"].split("|")[1:],  # The first word is the file's name, which bytes do not have.
    )


def test_models_are_refused_at_the_latest_when_run(cases, folder):
    hold(
        folder,
        of_kind(cases, "model"),
        lambda case: maas.InferenceSession(folder / case["model"]).run(None, feed_of(case)),
    )


def test_inputs_are_refused(cases, folder):
    hold(
        folder,
        of_kind(cases, "run"),
        lambda case: maas.InferenceSession(folder / case["model"]).run(None, feed_of(case)),
    )


def test_bound_inputs_are_refused_and_nothing_is_written(cases, folder):
    """What was bound before is as it was: the outputs are untouched, and the session answers the next good input."""

    def action(case):
        session = maas.Session(folder / case["model"])
        binding = session.bind()
        room = {value.name: np.full([d if isinstance(d, int) else 1 for d in value.dims], 7, value.dtype)
                for value in session.outputs}  # fmt: skip
        for name, array in room.items():
            binding.set_output(name, array)
        try:
            for name, array in feed_of(case).items():
                binding.set_input(name, array)
            binding.run()
        finally:
            assert all((array == 7).all() for array in room.values())
            if case["model"] == "digits.onnx":
                binding.set_input("image", np.load(folder / "3.npy"))
                binding.run()
                assert room["label"] == [3]

    hold(folder, of_kind(cases, "run"), action)


def test_unusual_files_give_the_same(cases, folder):
    """Fortran order, other byte order: what NumPy reads is taken as it comes."""
    session = maas.Session(folder / "digits.onnx")
    wanted = session(np.load(folder / "3.npy"))
    files = [case["inputs"] for case in of_kind(cases, "same") if case["inputs"].endswith(".npy")]
    for name in files:
        found = session(np.load(folder / name))
        assert {n: a.tobytes() for n, a in found.items()} == {n: a.tobytes() for n, a in wanted.items()}, name
    assert len(files) > 3


def test_external_data_of_a_model_in_memory(folder, tmp_path):
    """It is looked for in the folder that the caller names, and refused without one."""
    import onnx

    model = onnx.load(str(folder / "digits.onnx"))
    for tensor in model.graph.initializer:
        if tensor.name == "conv1.weight":
            (tmp_path / "w.bin").write_bytes(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="w.bin")
    data = model.SerializeToString()
    with pytest.raises(maas.MaasError, match="conv1.weight"):
        maas.InferenceSession(data)
    image = np.load(folder / "3.npy")
    assert maas.Session(data, external_data_folder=tmp_path)(image)["label"] == [3]


@pytest.mark.parametrize("value", [np.array([[None, 1, 2]]), np.array([["2020"] * 3], "M8[Y]")])
def test_arrays_that_are_no_tensors_are_refused(passing, value):
    with pytest.raises(maas.TypeMismatch, match=f"'x'.*{value.dtype}".replace("[", r"\[").replace("<", "")):
        maas.Session(passing).run(None, {"x": value})


def test_strings_are_no_numbers(passing):
    with pytest.raises(maas.TypeMismatch, match="'x'.*float.*string"):
        maas.Session(passing).run(None, {"x": np.array([["a", "b", "c"]])})


def test_what_python_may_get_wrong(passing, digits):
    session = maas.Session(passing)
    x = np.zeros((1, 3), np.float32)
    with pytest.raises(maas.NotFound, match="'twise'.*'twice'"):
        session.run(["twise"], {"x": x})
    with pytest.raises(maas.TypeMismatch, match="float.*int64"):
        session.run(None, {"x": [[1, 2, 3]]} | {"x": np.array([[1, 2, 3]])})
    with pytest.raises(maas.InvalidArgument, match="zero byte"):
        session.run(None, {"x\0y": x})
    with pytest.raises(maas.InvalidArgument, match="zero byte"):
        maas.Session(digits + "\0.onnx")
    with pytest.raises(TypeError, match=r"\['twice'\]"):
        session.run("twice", {"x": x})
    with pytest.raises(TypeError, match="not from int"):
        maas.Session(7)
    with pytest.raises(TypeError, match="2 were given"):
        session(x, x)
    with pytest.raises(TypeError, match="given twice"):
        session(x, x=x)
    with pytest.raises(maas.InvalidModel):
        maas.Session(b"")
    assert session(x)["twice"].shape == (1, 3)


def test_paths_may_be_paths(digits):
    assert maas.Session(Path(digits)).inputs[0].name == "image"
    with pytest.raises(maas.NotFound, match="nö such"):
        maas.Session("nö such.onnx")
