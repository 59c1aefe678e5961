"""What the tests share: where things are, and models made on the spot."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnx
import onnx.parser
import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "bindings" / "python" / "src"
SHARED = Path(os.environ.get("MAAS_SHARED") or ROOT.parent / "shared") / "models"
DIGITS = ROOT / "examples" / "digits"

MODEL_TESTS = ROOT / "Tests" / "models"

# What maas-run and Python are judged by alike: golden.py and maas_run.py.
sys.path[:0] = [str(MODEL_TESTS), str(ROOT / "Tests" / "bad-input")]


def model_bytes(text: str, opset: int = 17, **weights) -> bytes:
    """A model from ONNX's textual syntax; weights are arrays."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]>\n{text}')
    for name, array in weights.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model.SerializeToString()


@pytest.fixture(params=["maas", "onnxruntime"])
def ort(request):
    """Tests that use it show that a program needs no change but the import."""
    return importlib.import_module(request.param)


def both_sessions(source) -> list:
    """A session of maas and one of onnxruntime."""
    libraries = map(importlib.import_module, ("maas", "onnxruntime"))
    return [library.InferenceSession(source, providers=["CPUExecutionProvider"]) for library in libraries]


def described(values) -> list:
    return [(value.name, value.shape, value.type) for value in values]


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """What a fresh Python prints for `code`."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=dict(os.environ, PYTHONPATH=str(SOURCE), **environment),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def golden_folders() -> list[Path]:
    """The real models; empty when they are not at hand."""
    return sorted(path.parent for path in SHARED.glob("*/model.onnx"))


def golden_cases(folder: Path):
    """(name, inputs, outputs) of every case of a model."""
    for path in sorted(folder.glob("case*_inputs.npz")):
        name = path.name.removesuffix("_inputs.npz")
        with np.load(path) as inputs, np.load(folder / f"{name}_outputs.npz") as outputs:
            yield name, dict(inputs), dict(outputs)


@pytest.fixture(scope="session")
def digits() -> str:
    return str(DIGITS / "digits.onnx")


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Ten real images, the digits in order."""
    return np.load(DIGITS / "images" / "all.npy")


@pytest.fixture(scope="session")
def made_models(tmp_path_factory) -> Path:
    """The folder of the models of Tests/models, with what ONNX Runtime answers."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, ROOT / "Tests" / "models" / "make.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def passing() -> bytes:
    """Outputs that are an input, a weight, and something computed."""
    return model_bytes(
        "g (float[N, 3] x) => (float[N, 3] same, float[2, 2] fixed, float[N, 3] twice)"
        "{ same = Identity(x) fixed = Identity(w) twice = Add(x, x) }",
        w=np.float32([[1, 2], [3, 4]]),
    )


@pytest.fixture(scope="session")
def slow_model() -> bytes:
    """A model of thousands of steps; how long it takes matters to no test."""
    steps = "".join(f"x{i + 1} = MatMul(x{i}, w) " for i in range(2000))
    weight = np.eye(256, dtype=np.float32)
    return model_bytes(f"g (float[256, 256] x0) => (float[256, 256] x2000) {{ {steps} }}", w=weight)
