"""ONNX's backend interface. Tests/Conformance runs its suite."""

import maas
import maas.backend
import numpy as np
import onnx
import pytest
from conftest import model_bytes
from onnx import helper
from onnx.backend.base import Backend, BackendRep

MODEL = onnx.load_from_string(
    model_bytes(
        "g (float[N] a, float[N] b) => (float[N] sum, float[N] difference) { sum = Add(a, b) difference = Sub(a, b) }")
)
A, B = np.float32([1, 2]), np.float32([10, 20])


def test_it_is_a_backend():
    assert issubclass(maas.backend.MaasBackend, Backend)
    supported = [maas.backend.supports_device(name) for name in ("CPU", "CPU:0", "CUDA", "TPU")]
    assert supported == [True, True, False, False]
    assert maas.backend.is_compatible(MODEL) and not maas.backend.is_compatible(MODEL, "CUDA")


@pytest.mark.parametrize("inputs", [[A, B], (A, B), {"b": B, "a": A}], ids=["list", "tuple", "dict"])
def test_models(inputs):
    prepared = maas.backend.prepare(MODEL, threads=1)
    assert isinstance(prepared, BackendRep)
    for results in (prepared.run(inputs), maas.backend.run_model(MODEL, inputs)):
        assert isinstance(results, tuple) and [array.tolist() for array in results] == [[11, 22], [-9, -18]]


def test_one_input_may_stand_alone(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(model_bytes("g (float[N] x) => (float[N] y) { y = Neg(x) }"))
    for source in (str(path), path.read_bytes()):
        assert maas.backend.prepare(source).run(A)[0].tolist() == [-1, -2]
    with pytest.raises(maas.InvalidArgument, match="2 inputs, 1 were given"):
        maas.backend.run_model(MODEL, [A])


def test_nodes():
    add = helper.make_node("Add", ["a", "b"], ["c"])
    assert maas.backend.run_node(add, [A, B])[0].tolist() == [11, 22]
    assert maas.backend.run_node(add, {"b": B, "a": A}, outputs_info=[(np.float32, (2,))])[0].tolist() == [11, 22]
    twice = helper.make_node("Add", ["a", "a"], ["c"])
    assert maas.backend.run_node(twice, [A], opset_version=14)[0].tolist() == [2, 4]
    clip = helper.make_node("Clip", ["x", "", "high"], ["y"])
    assert maas.backend.run_node(clip, [A, np.float32(1.5)])[0].tolist() == [1, 1.5]
    sequence = helper.make_node("SequenceInsert", ["s", "x"], ["y"])
    [inserted] = maas.backend.run_node(sequence, [[A], B])
    assert [array.tolist() for array in inserted] == [[1, 2], [10, 20]]
    with pytest.raises(maas.InvalidArgument, match="the node has 2 inputs, 1 were given"):
        maas.backend.run_node(add, [A])


def test_other_devices_are_refused():
    with pytest.raises(maas.Unsupported, match="'CUDA'"):
        maas.backend.prepare(MODEL, "CUDA")
