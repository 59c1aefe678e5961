"""Calibration: memory that does not grow with the samples, ranges as ONNX Runtime's calibrators find them, and results
that do not depend on threads."""
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import create_calibrator

import maas
import quantized

MAAS_MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/release/maas-model")
WIDTHS, BINS = (200, 160, 24), 4096


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Gemm, Relu, Gemm; what lies between is an output too, so that its channels keep their scale."""
    random = np.random.default_rng(1)
    constants = []
    for i, (k, n) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        constants.append(numpy_helper.from_array(random.standard_normal((k, n)).astype(np.float32) / k**0.5, f"w{i}"))
        constants.append(numpy_helper.from_array(random.standard_normal(n).astype(np.float32) / 4, f"b{i}"))
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["g"], "first"), helper.make_node("Relu", ["g"], ["h"], "relu"),
        helper.make_node("Gemm", ["h", "w1", "b1"], ["y"], "second"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", WIDTHS[0]])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", width]) for n, width in zip("yh", WIDTHS[:0:-1])],
        constants)  # fmt: skip
    path = str(tmp_path_factory.mktemp("calibration") / "model.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


#: Runs a command and prints the most kilobytes it held: in a process of its own, as a child begins with what its parent
#: held.
WATCH = """
import os, sys
nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(process, 0)
sys.exit("it failed") if status else print(usage.ru_maxrss)
"""


def peak(*arguments):
    """Megabytes that maas-model held at most."""
    command = [sys.executable, "-S", "-c", WATCH, MAAS_MODEL, "quantize", *arguments]
    return int(subprocess.run(command, check=True, capture_output=True).stdout) / 1024


@pytest.mark.parametrize("options",
    ["static", "static --method percentile", "static --method entropy", "weights --bits 4"])
def test_memory_does_not_grow_with_samples(model, tmp_path, options):
    held = {}
    for count in (1, 10_000):
        np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).standard_normal((count, WIDTHS[0])).astype(np.float32))
        held[count] = peak(model, str(tmp_path / "out.onnx"), "--calibrate", str(tmp_path / "x.npz"), "--mode",
            *options.split())
    print(f"{options}: {held[1]:.1f} MB with one sample, {held[10_000]:.1f} MB with 10,000")
    assert held[10_000] < held[1] + 50


def data(kind):
    """Batches of numbers of some distribution."""
    random = np.random.default_rng(4)
    for _ in range(12):
        x = random.standard_normal((50, WIDTHS[0]))
        if kind == "long tails":
            x = random.standard_t(3, x.shape)
        yield {"x": x.astype(np.float32)}


def ranges(path):
    """Of each tensor that the model makes bytes of: what these reach from and to."""
    written = onnx.load(path)
    values = {c.name: numpy_helper.to_array(c) for c in written.graph.initializer}
    found = {}
    for node in written.graph.node:
        if node.op_type == "QuantizeLinear":
            scale, zero = (float(values[i]) for i in node.input[1:])
            found[node.input[0]] = (-zero * scale, (255 - zero) * scale)
    return found


def theirs(model, kind, method, tmp_path, **options):
    calibrator = create_calibrator(
        model, ["Gemm"], augmented_model_path=str(tmp_path / "augmented.onnx"), calibrate_method=method,
        extra_options=options)  # fmt: skip
    calibrator.collect_data(quantized.Samples(list(data(kind))))
    return {name: [float(np.ravel(v)[0]) for v in value.range_value] for name,
        value in calibrator.compute_data().items()}


@pytest.mark.parametrize("kind", ["normal", "long tails"])
@pytest.mark.parametrize("method", ["minmax", "percentile"])
def test_ranges_are_onnxruntimes(model, tmp_path, method, kind):
    kinds = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
    options = {} if method == "minmax" else {"num_bins": BINS, "symmetric": False}
    expected = theirs(model, kind, kinds[method], tmp_path, **options)
    maas.quantize(model, tmp_path / "out.onnx", mode="static", method=method, calibrate=list(data(kind)))
    found = ranges(tmp_path / "out.onnx")
    assert set(found) == {"x", "h"}
    for name, ends in found.items():
        # 0 is a whole number of steps from the ends; what they are found by is a bin wide, which of two ends is not
        # agreed.
        reach, span = max(map(abs, expected[name])), ends[1] - ends[0]
        apart = max(abs(a - b) for a, b in zip(ends, expected[name]))
        assert apart <= span / 255 + (0 if method == "minmax" else 2 * 2 * reach / BINS), (name, ends, expected[name])


def test_threads_change_nothing(model, tmp_path):
    for options in ({}, {"mode": "static", "method": "mse"}, {"mode": "weights", "bits": 4},
            {"mode": "weights", "bits": 2}):
        written = set()
        for threads in (1, 2, 5):
            maas.quantize(model, tmp_path / "out.onnx", calibrate=list(data("normal")), threads=threads, **options)
            written.add((tmp_path / "out.onnx").read_bytes())
        assert len(written) == 1
