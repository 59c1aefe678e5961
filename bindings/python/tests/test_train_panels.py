"""Weights in the order of the kernels while they are trained: nobody outside sees it."""

import os
import subprocess
import sys

import maas
import numpy as np
import onnx
import pytest
from maas import train
from test_train import RANDOM, Reference, X, Y, answers, sgd


def gemm_model(w1, w2, transposed):
    """relu(x w1 + b) w2, by Gemm, whose weights may be transposed, and MatMul."""
    helper, tensor = onnx.helper, onnx.numpy_helper.from_array
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b"], ["h"], transB=int(transposed)),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("MatMul", ["a", "w2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "two",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", w1.shape[0]])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", w2.shape[1]])],
        [
            tensor(np.ascontiguousarray(w1.T) if transposed else w1, "w1"), tensor(w2, "w2"),
            tensor(np.zeros(w1.shape[1], np.float32), "b"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_of_models_keep_their_order(transposed, tmp_path):
    w1, w2 = (RANDOM.standard_normal(shape).astype(np.float32) / 10 for shape in [(10, 96), (96, 48)])
    x, y = X[:32], np.repeat(Y[:32], 48, 1)
    trainer = train.Trainer.open(gemm_model(w1, w2, transposed), loss="mse", update_rule="sgd", learning_rate=0.1)
    np.testing.assert_array_equal(trainer.parameter("w1"), w1.T if transposed else w1)
    reference = Reference([w1, np.zeros(96), w2, np.zeros(48)])
    for _ in range(5):
        gradients = reference.gradients(x.astype(float), y.astype(float))[:3]
        sgd(reference, gradients, {}, 0, 0.1)
        trainer.step(x, y)
    trainer.save(tmp_path / "five")
    found = [trainer.parameter(name) for name in ["w1", "b", "w2"]]
    found[0] = found[0].T if transposed else found[0]
    for own, right in zip(found, reference.w):
        np.testing.assert_allclose(own, right, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(answers(trainer.to_onnx(), x), trainer.predict(x), rtol=1e-5, atol=1e-6)
    assert np.ascontiguousarray(trainer.parameter("w1")).tobytes() in (tmp_path / "five").read_bytes()
    again = train.Trainer.open(gemm_model(w1, w2, transposed), loss="mse", update_rule="sgd", learning_rate=0.1)
    again.restore(tmp_path / "five")
    trainer.step(x, y)
    again.step(x, y)
    for name in trainer.parameter_names:
        np.testing.assert_array_equal(trainer.parameter(name), again.parameter(name))
    trainer.set_parameter("w1", again.parameter("w1") + 1)
    np.testing.assert_array_equal(trainer.parameter("w1"), again.parameter("w1") + 1)


OTHER_KERNELS = """
import sys
import numpy as np
from maas import train

trainer = train.Trainer("input 10\\ndense 96 activation=relu\\ndense 96", loss="mse", ema=0.9, patience=3)
trainer.restore(sys.argv[1])
np.savez(sys.argv[2], *[trainer.parameter(name) for name in trainer.parameter_names])
trainer.save(sys.argv[3])
"""


def test_checkpoints_do_not_depend_on_kernels(tmp_path):
    trainer = train.Trainer("input 10\ndense 96 activation=relu\ndense 96", loss="mse", ema=0.9, patience=3)
    trainer.step(X[:32], np.repeat(Y[:32], 96, 1))
    trainer.save(tmp_path / "here")
    arguments = [str(tmp_path / name) for name in ["here", "there.npz", "again"]]
    command = [sys.executable, "-c", OTHER_KERNELS, *arguments]
    portable = {"MAAS_ISA": "scalar", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, env={**os.environ, **portable})
    found = np.load(tmp_path / "there.npz")
    for i, name in enumerate(trainer.parameter_names):
        np.testing.assert_array_equal(found[f"arr_{i}"], trainer.parameter(name))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "here").read_bytes()


def test_messages_name_the_operator_of_the_model():
    w1, w2 = np.ones((10, 96), np.float32), np.ones((96, 48), np.float32)
    trainer = train.Trainer.open(gemm_model(w1, w2, False), loss="mse", update_rule="sgd", learning_rate=0.1)
    trainer.set_parameter("w1", np.full((10, 96), 3e38, np.float32))
    with pytest.raises(maas.errors.OutOfRange, match=r"\(Gemm\)"):
        trainer.step(X[:32], np.repeat(Y[:32], 48, 1))
