"""ONNX's conformance suite once more, with every model written by `maas-model optimize` before it runs.

What is written must pass PyPI's checker and give the suite's results; where ONNX Runtime runs the original, it must run
the written model and give the same.
"""

import os
import subprocess
from pathlib import Path

import maas.backend
import numpy as np
import onnx
import pytest
import suite

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("MAAS_MODEL") or ROOT / ".build" / "release" / "maas-model")

#: Nodes of the operator Gradient become many of maas's own, for which ONNX has no operators.
NOT_WRITTEN = {"test_gradient_of_add", "test_gradient_of_add_and_mul"}

compared = 0


class WrittenModel(maas.backend.MaasBackendRep):
    """A model that was written, beside the original in ONNX Runtime."""

    def __init__(self, session, original, written):
        super().__init__(session)
        self.original, self.written = original, written

    def run(self, inputs, **kwargs):
        self.compare(inputs)
        return super().run(inputs, **kwargs)

    def compare(self, inputs):
        expected = run_in_onnxruntime(self.original, inputs)
        if expected is None:
            return
        global compared
        compared += 1
        found = run_in_onnxruntime(self.written, inputs)
        assert found is not None, "ONNX Runtime runs the original, but not what was written"
        for x, y in zip(expected, found, strict=True):
            same(x, y)


def same(x, y):
    if isinstance(x, (list, tuple)):
        for a, b in zip(x, y, strict=True):
            same(a, b)
    elif isinstance(x, np.ndarray) and x.dtype.kind == "f":
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-7)
    elif x is None or isinstance(x, dict):
        assert x == y
    else:
        np.testing.assert_array_equal(x, y)


def run_in_onnxruntime(model, inputs):
    """None where it cannot."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        return session.run(None, dict(zip(names, inputs, strict=True)))
    except Exception:
        return None


def written(model, folder):
    """The model as maas-model writes it."""
    source, target = folder / "in.onnx", folder / "out.onnx"
    onnx.save(model, source)
    command = [PROGRAM, "optimize", "--level", "basic", source, target]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.fail(f"maas-model optimize: {result.stderr}", pytrace=False)
    return onnx.load(target)


class WritingBackend(maas.backend.MaasBackend):
    folder = None

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        result = written(model, cls.folder)
        onnx.checker.check_model(result)
        session = super().prepare(result, device, **kwargs).session
        return WrittenModel(session, model, result)


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    WritingBackend.folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONNX_MODELS", str(tmp_path_factory.mktemp("light")))
        yield


def collected():
    classes = suite.load(__name__, WritingBackend)
    states = suite.read_list()
    for each in classes.values():
        for name in suite.methods(each):
            if states.get(name, "") is not None or name in NOT_WRITTEN:
                delattr(each, name + suite.DEVICE)
    return {f"Written{name}": each for name, each in classes.items()}


globals().update(collected())


def test_onnxruntime_had_its_say():
    print(f"{compared} models compared in ONNX Runtime")
    assert compared > 1200
