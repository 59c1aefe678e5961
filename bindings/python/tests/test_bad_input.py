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

COLUMNS = ("name", "kind", "model", "inputs", "tensors", "args", "status", "words")
CLASSES = {text(lib.maas_status_name(status)): cls for status, cls in errors.CLASSES.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad") / "input"
    subprocess.run([sys.executable, ROOT / "Tests" / "bad-input" / "make.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def cases(folder):
    with open(folder / "cases.tsv") as table:
        rows = [["" if cell == "-" else cell for cell in line.rstrip("\n").split("\t")] for line in table]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


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
        return ["it was accepted"]
    message = str(error)
    found = (
        [] if type(error) is CLASSES[f"MAAS_{case['status']}"] else [f"{type(error).__name__}, not {case['status']}"]
    )
    found += [f"the message lacks '{word}'" for word in words if word and word not in message]
    return found + (["the message has several lines"] if "\n" in message else [])


def report(cases, check):
    wrong = {}
    for case in cases:
        error, words = check(case)
        problems = faults(case, error, words)
        if problems:
            wrong[case["name"]] = (problems, str(error))
    assert cases and not wrong


def test_models_are_refused_when_opened(cases, folder):
    def check(case):
        return refusal(lambda: maas.InferenceSession(folder / case["model"])), case["words"].split("|")

    report([case for case in cases if case["kind"] == "open"], check)


def test_models_in_memory_are_refused_when_opened(cases, folder):
    def check(case):
        # The first word is the file's name, which bytes do not have.
        return refusal(lambda: maas.InferenceSession((folder / case["model"]).read_bytes())), case["words"].split("|")[
            1:
        ]

    def readable(case):
        return (folder / case["model"]).is_file() and not case["name"].startswith("external-")

    report([case for case in cases if case["kind"] == "open" and readable(case)], check)


def test_models_are_refused_at_the_latest_when_run(cases, folder):
    def check(case):
        def action():
            maas.InferenceSession(folder / case["model"]).run(None, feed_of(case))

        return refusal(action), case["words"].split("|")

    report([case for case in cases if case["kind"] == "model"], check)


def test_inputs_are_refused(cases, folder):
    # A dict cannot hold a name twice.
    wanted = [case for case in cases if case["kind"] == "run" and case["name"] != "input-given-twice"]

    def check(case):
        session = maas.InferenceSession(folder / case["model"])
        return refusal(lambda: session.run(None, feed_of(case))), case["words"].split("|")

    report(wanted, check)


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
    [answer] = maas.Session(data, external_data_folder=tmp_path)(image).values()
    assert answer.argmax() == 3


@pytest.mark.parametrize(
    "value", [np.array([["a", "b", "c"]]), np.array([[None, 1, 2]]), np.array([["2020"] * 3], "M8[Y]")]
)
def test_arrays_that_are_no_tensors_are_refused(passing, value):
    with pytest.raises(maas.TypeMismatch, match=f"'x'.*{value.dtype}".replace("[", r"\[").replace("<", "")):
        maas.Session(passing).run(None, {"x": value})


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
