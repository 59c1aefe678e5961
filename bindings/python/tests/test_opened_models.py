"""Training of models that others wrote: inputs of every type, deployed classifiers, what is not trained."""

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from maas import train
from maas.train import Dense, Sequential
from onnx import helper

RANDOM = np.random.default_rng(1)
# Positive, so that nothing cancels out.
WEIGHT = RANDOM.uniform(0.5, 2, (4, 1)).astype(np.float32)
CLASSES = RANDOM.integers(0, 3, 90)
CLOUDS = (RANDOM.standard_normal((3, 4))[CLASSES] * 2 + RANDOM.standard_normal((90, 4))).astype(np.float32)


def test_fine_tuning():
    x = RANDOM.standard_normal((100, 10)).astype(np.float32)
    y = (x @ RANDOM.standard_normal((10, 1)) + 0.3).astype(np.float32)
    model = Sequential([Dense(8, activation="relu"), Dense(1)]).compile("adam", "mse")
    model.fit(x, y, epochs=5, verbose=0)
    trainer = train.Trainer.open(model.to_onnx(), freeze="dense_1/*", learning_rate=0.01, epochs=20)
    assert trainer.parameter_names == ["dense_2/weight", "dense_2/bias"]
    before = trainer.evaluate(x, y)["loss"]
    assert before == pytest.approx(model.evaluate(x, y))
    trainer.fit(x, y)
    assert trainer.evaluate(x, y)["loss"] < before
    tuned = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load_from_string(trainer.to_onnx()).graph.initializer
    }
    np.testing.assert_array_equal(tuned["dense_1/weight"], model.get_weights()["dense_1/weight"])
    assert not np.array_equal(tuned["dense_2/weight"], model.get_weights()["dense_2/weight"])


def opened(nodes, inputs, outputs, constants, **options):
    """A trainer of a model of ONNX's: inputs are (name, type, shape), outputs (name, type), constants arrays."""
    graph = helper.make_graph(
        nodes, "opened", [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(name, dtype, None) for name, dtype in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    data = helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    return train.Trainer.open(data, **options)


INPUT_TYPES = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64".split()


def gemm_of(dtype):
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=1), helper.make_node("Gemm", ["f", "w"], ["y"])]
    return opened(nodes, [("x", dtype, ["batch", 4])], [("y", 1)], {"w": WEIGHT}, update_rule="sgd", learning_rate=0.5)


@pytest.mark.parametrize("given", INPUT_TYPES)
@pytest.mark.parametrize("read", INPUT_TYPES)
def test_inputs_of_every_type(read, given):
    """What is 0 or 1 is the same in all types."""
    trainer = gemm_of(helper.np_dtype_to_tensor_dtype(np.dtype(read)))
    x = RANDOM.integers(0, 2, (6, 4)).astype(given)
    y = x.astype(np.float64) @ WEIGHT
    np.testing.assert_allclose(trainer.predict(x), y, rtol=1e-6, atol=1e-6)
    assert trainer.step(x, y + 2) == pytest.approx(4)
    moved = WEIGHT + 0.5 * 2 * 2 / 6 * x.astype(np.float64).sum(0)[:, None]
    np.testing.assert_allclose(trainer.parameter("w"), moved, rtol=1e-6)
    assert trainer.fit(x, y, validation=(x, y))["loss"].shape == (100,)


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [("uint8", 300, "300"), ("uint8", -1, "-1"), ("int64", 0.5, "0.5"), ("bool", 2, "2"),
     ("float32", 2**24 + 1, "16777217"), ("int32", np.nan, "nan"), ("int32", 2.0**40, "1099511627776"),
     ("int64", "three", "string")],
)  # fmt: skip
def test_numbers_that_an_input_cannot_have_are_refused(read, given, found):
    trainer = gemm_of(helper.np_dtype_to_tensor_dtype(np.dtype(read)))
    x = np.full((3, 4), given)
    for call in [lambda: trainer.predict(x), lambda: trainer.step(x, np.zeros(3)), lambda: trainer.fit(x, np.zeros(3))]:
        with pytest.raises(maas.TypeMismatch, match=f"'x'.*expected {helper_name(read)}.*found {found}"):
            call()


def helper_name(dtype):
    return {"float32": "float", "float64": "double"}.get(dtype, dtype)


def test_doubles_are_not_rounded_on_their_way():
    nodes = [
        helper.make_node("Sub", ["x", "far"], ["near"]), helper.make_node("Cast", ["near"], ["f"], to=1),
        helper.make_node("Gemm", ["f", "w"], ["y"]),
    ]  # fmt: skip
    trainer = opened(nodes, [("x", 11, ["batch", 4])], [("y", 1)], {"w": WEIGHT, "far": np.array(1e9)})
    x = np.arange(8.0).reshape(2, 4) / 8
    np.testing.assert_allclose(trainer.predict(x + 1e9), x @ WEIGHT, rtol=1e-6)
    assert trainer.step(x + 1e9, x @ WEIGHT) < 1e-12


def test_texts_are_inputs_too():
    nodes = [
        helper.make_node(
            "LabelEncoder", ["x"], ["i"], domain="ai.onnx.ml", keys_strings=["a", "b"], values_int64s=[0, 1]),
        helper.make_node("Gather", ["table", "i"], ["rows"]), helper.make_node("MatMul", ["rows", "w"], ["y"]),
    ]  # fmt: skip
    table = np.arange(8, dtype=np.float32).reshape(2, 4)
    constants = {"table": table, "w": WEIGHT}
    trainer = opened(
        nodes, [("x", 8, ["batch"])], [("y", 1)], constants, epochs=3, batch_size=2, update_rule="sgd")
    texts = np.array(["b", "a", "b", "b", "a"])
    y = table[[1, 0, 1, 1, 0]] @ WEIGHT
    for x in (texts, texts.astype(object)):
        np.testing.assert_allclose(trainer.predict(x), y, rtol=1e-6)
        assert trainer.step(x, y) < 1e-10
    assert trainer.fit(texts, y + 1)["loss"][-1] < 1
    with pytest.raises(maas.TypeMismatch, match="expected string"):
        trainer.predict(np.arange(5))


def deployed(**options):
    """A classifier as it is deployed: labels, how many features were given, and probabilities."""
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["place"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["place"], ["label"], domain="ai.onnx.ml", keys_int64s=[0, 1, 2],
            values_strings=["a", "b", "c"]),
        helper.make_node("Cast", ["place"], ["number"], to=1),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1]),
    ]  # fmt: skip
    constants = {"w": RANDOM.standard_normal((4, 3)).astype(np.float32), "b": np.zeros(3, np.float32)}
    outputs = [("label", 8), ("number", 1), ("mean", 1), ("probabilities", 1)]
    return opened(nodes, [("x", 1, ["batch", 4])], outputs, constants, **options), constants


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_a_deployed_classifier_goes_on(loss):
    trainer, constants = deployed(loss=loss, epochs=30, learning_rate=0.01, lora_rank=2 if loss == "mse" else 0)
    assert trainer.output_name == "probabilities"
    scores = np.exp(CLOUDS @ constants["w"].astype(np.float64))
    probabilities = scores / scores.sum(1, keepdims=True)
    np.testing.assert_allclose(trainer.predict(CLOUDS), probabilities, rtol=1e-4, atol=1e-6)
    own = probabilities[np.arange(90), CLASSES]
    y = CLASSES if loss == "cross-entropy" else np.eye(3)[CLASSES]
    expected = -np.log(own).mean() if loss == "cross-entropy" else ((probabilities - y) ** 2).mean()
    assert trainer.evaluate(CLOUDS, y)["loss"] == pytest.approx(expected, rel=1e-5)
    trainer.fit(CLOUDS, y)
    assert trainer.evaluate(CLOUDS, y)["loss"] < expected / 2
    session = onnxruntime.InferenceSession(trainer.to_onnx())
    label, _, _, found = session.run(None, {"x": CLOUDS})
    np.testing.assert_allclose(found, trainer.predict(CLOUDS), rtol=1e-5, atol=1e-6)
    assert (np.array(["a", "b", "c"])[found.argmax(1)] == label).all()


def test_a_model_without_an_output_to_train_is_refused():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]), helper.make_node("ArgMax", ["scores"], ["label"]),
        helper.make_node("Cast", ["scores"], ["double"], to=11),
    ]  # fmt: skip
    with pytest.raises(maas.Unsupported, match="'label' of int64, 'double' of double"):
        opened(nodes, [("x", 1, ["batch", 4])], [("label", 7), ("double", 11)], {"w": WEIGHT})
