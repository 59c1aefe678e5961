"""The operator Gradient against central differences of the ONNX reference evaluator, in double precision."""
import math

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import maas

TRAINING = "ai.onnx.preview.training"
random = np.random.default_rng(3)


def positive(*shape):
    return random.uniform(0.2, 0.9, shape)


def any_sign(*shape):
    return random.uniform(0.2, 0.9, shape) * random.choice([-1, 1], shape)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], **attributes)


UNARY = (
    "Abs Asin Asinh Atan Atanh Acos Celu Cos Cosh Elu Exp HardSigmoid HardSwish LeakyRelu Log Mish Neg "
    "Reciprocal Relu Selu Sigmoid Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Identity").split()

CASES = {
    **{op: ([node(op, "x", "y")], {"x": positive(2, 3) if op in ("Log", "Sqrt") else any_sign(2, 3)}) for op in UNARY},
    "Acosh": ([node("Acosh", "x", "y")], {"x": 1 + positive(4)}),
    "gelu_tanh": ([node("Gelu", "x", "y", approximate="tanh")], {"x": any_sign(5)}),
    "broadcast": (
        [node("Add", "a b", "s"), node("Mul", "s b", "p"), node("Div", "p c", "q"), node("Sub", "q a", "y")],
        {"a": any_sign(2, 3), "b": any_sign(3), "c": positive(2, 1)}),
    "scalar": ([node("Mul", "a b", "y")], {"a": any_sign(), "b": any_sign(2, 2)}),
    "sum": ([node("Sum", "a b c", "y")], {"a": any_sign(2, 3), "b": any_sign(3), "c": any_sign(2, 1)}),
    "matmul": ([node("MatMul", "a b", "s"), node("Exp", "s", "y")], {"a": any_sign(2, 3), "b": any_sign(3, 4)}),
    "matmul_batch": (
        [node("MatMul", "a b", "s"), node("Sin", "s", "y")], {"a": any_sign(5, 1, 2, 3), "b": any_sign(4, 3, 2)}),
    "matmul_shared": ([node("MatMul", "a b", "s"), node("Sin", "s", "y")],
        {"a": any_sign(5, 2, 3), "b": any_sign(3, 2)}),
    "vector_matrix": ([node("MatMul", "a b", "s"), node("Sin", "s", "y")], {"a": any_sign(3), "b": any_sign(2, 3, 4)}),
    "matrix_vector": ([node("MatMul", "a b", "s"), node("Sin", "s", "y")], {"a": any_sign(2, 3), "b": any_sign(3)}),
    "dot": ([node("MatMul", "a b", "s"), node("Sin", "s", "y")], {"a": any_sign(3), "b": any_sign(3)}),
    **{
        f"gemm_{a}{b}": (
            [node("Gemm", "a b c", "s", alpha=0.5, beta=1.5, transA=a, transB=b), node("Sin", "s", "y")],
            {"a": any_sign(*((3, 2) if a else (2, 3))), "b": any_sign(*((4, 3) if b else (3, 4))), "c": any_sign(4)})
        for a in (0, 1) for b in (0, 1)
    },
    "shapes": (
        [node("Transpose", "x", "t", perm=[1, 2, 0]), node("Flatten", "t", "f"), node("Sin", "f", "g"),
         node("Mul", "g f", "y")], {"x": any_sign(2, 3, 4)}),
    "reversed": ([node("Transpose", "x", "t"), node("Exp", "t", "y")], {"x": any_sign(2, 3)}),
    "reduce_all": ([node("ReduceSum", "x", "s"), node("Sin", "s", "y")], {"x": any_sign(2, 3)}),
    "reduce_mean": ([node("ReduceMean", "x", "s", keepdims=0), node("Sin", "s", "y")], {"x": any_sign(2, 3)}),
    "shared": ([node("Sin", "x", "s"), node("Mul", "s x", "p"), node("Add", "p s", "y")], {"x": any_sign(3)}),
}  # fmt: skip


def model(nodes, feeds, wanted, opset=22):
    declared = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape)
    graph = helper.make_graph(
        nodes, "g", [declared(name, value.shape) for name, value in feeds.items()],
        [declared(name, None) for name in wanted])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(TRAINING, 1)]
    return helper.make_model(graph, opset_imports=opsets)


def gradients(nodes, feeds, y="y"):
    """What maas computes of dy/dx for every input."""
    wanted = [f"d{name}" for name in feeds]
    gradient = helper.make_node("Gradient", list(feeds), wanted, domain=TRAINING, xs=list(feeds), y=y)
    return maas.Session(model([*nodes, gradient], feeds, wanted).SerializeToString()).run(None, feeds)


def central_differences(nodes, feeds, name, step=1e-6, forward=None):
    forward = forward or ReferenceEvaluator(model(nodes, feeds, ["y"]))
    result = np.zeros(feeds[name].shape)
    for at in np.ndindex(result.shape):
        sides = []
        for sign in (1, -1):
            moved = {key: np.array(value) for key, value in feeds.items()}
            moved[name][at] += sign * step
            sides.append(np.sum(forward.run(None, moved)[0]))
        result[at] = (sides[0] - sides[1]) / (2 * step)
    return result


@pytest.mark.parametrize("case", CASES)
def test_central_differences(case):
    nodes, feeds = CASES[case]
    for name, found in zip(feeds, gradients(nodes, feeds)):
        np.testing.assert_allclose(found, central_differences(nodes, feeds, name), rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("op", ["Erf", "Gelu"])
def test_functions_that_the_reference_rounds_to_float(op):
    x = any_sign(7)
    (found,) = gradients([node(op, "x", "y")], {"x": x})
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    cumulative = np.array([(1 + math.erf(value / math.sqrt(2))) / 2 for value in x])
    expected = 2 / math.sqrt(math.pi) * np.exp(-x * x) if op == "Erf" else cumulative + x * density
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reductions_over_axes(op, keepdims):
    x, weight = any_sign(2, 3, 4), any_sign(3)
    nodes = [
        helper.make_node("Constant", [], ["axes"], value_ints=[0, -1]),
        node(op, "x axes", "s", keepdims=keepdims), node("Sin", "s", "t"),
        node("ReduceSum", "t", "y", keepdims=0)]  # fmt: skip
    (found,) = gradients(nodes, {"x": x})
    scale = 1 if op == "ReduceSum" else 1 / 8
    expected = np.broadcast_to(scale * np.cos(scale * x.sum((0, 2), keepdims=True)), x.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_intermediate_value_and_other_point():
    """dy/dh of y = sin(h) b, at a value of h that is an input of its own."""
    nodes = [node("Exp", "x", "h"), node("Sin", "h", "s"), node("Mul", "s b", "y")]
    gradient = helper.make_node("Gradient", ["h1", "b"], ["dh", "db"], domain=TRAINING, xs=["h", "b"], y="y")
    feeds = {"x": any_sign(3), "h1": any_sign(3), "b": any_sign(3)}
    dh, db, y = maas.Session(model([*nodes, gradient], feeds, ["dh", "db", "y"]).SerializeToString()).run(None, feeds)
    np.testing.assert_allclose(dh, np.cos(feeds["h1"]) * feeds["b"], rtol=1e-12)
    np.testing.assert_allclose(db, np.sin(feeds["h1"]), rtol=1e-12)
    np.testing.assert_allclose(y, np.sin(np.exp(feeds["x"])) * feeds["b"], rtol=1e-12)


def test_fixed_values_are_constants():
    x = any_sign(3)
    nodes = [node("Mul", "x x", "h"), node("Mul", "h x", "y")]
    gradient = helper.make_node("Gradient", ["x", "h"], ["dx"], domain=TRAINING, xs=["x"], zs=["h"], y="y")
    found = maas.Session(model([*nodes, gradient], {"x": x}, ["dx"]).SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(found[0], x * x)


def test_second_derivative():
    nodes = [
        node("Mul", "x x", "square"), node("Mul", "square x", "y"),
        helper.make_node("Gradient", ["x"], ["first"], domain=TRAINING, xs=["x"], y="y"),
        helper.make_node("Gradient", ["x"], ["second"], domain=TRAINING, xs=["x"], y="first")]  # fmt: skip
    x = any_sign(4)
    (second,) = maas.Session(model(nodes, {"x": x}, ["second"]).SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(second, 6 * x, rtol=1e-12)


def test_second_derivative_through_products():
    """y = sum((A x)^2): dy/dx = 2 AᵀA x, and the sum of its elements has the gradient 2 AᵀA 1."""
    nodes = [
        node("MatMul", "a x", "s"), node("Mul", "s s", "square"), node("ReduceSum", "square", "y", keepdims=0),
        helper.make_node("Gradient", ["x"], ["first"], domain=TRAINING, xs=["x"], y="y"),
        helper.make_node("Gradient", ["x", "a"], ["second", "mixed"], domain=TRAINING, xs=["x", "a"],
            y="first")]  # fmt: skip
    feeds = {"a": any_sign(3, 4), "x": any_sign(4)}
    session = maas.Session(model(nodes, feeds, ["first", "second", "mixed"]).SerializeToString())
    first, second, mixed = session.run(None, feeds)
    a, x, one = feeds["a"], feeds["x"], np.ones(4)
    np.testing.assert_allclose(first, 2 * a.T @ (a @ x), rtol=1e-12)
    np.testing.assert_allclose(second, 2 * a.T @ (a @ one), rtol=1e-12)
    np.testing.assert_allclose(mixed, 2 * (np.outer(a @ one, x) + np.outer(a @ x, one)), rtol=1e-12)


def test_independent_variable_has_gradient_zero():
    nodes = [node("Sin", "a", "y"), node("Sin", "b", "unused")]
    _, db = gradients(nodes, {"a": any_sign(2), "b": any_sign(3)})
    np.testing.assert_array_equal(db, np.zeros(3))


@pytest.mark.parametrize(
    "change, text",
    [
        ({"y": "nothing"}, "attribute 'y' reads a value that nothing makes"),
        ({"xs": ["x", "x2"]}, "the number of inputs is wrong"),
        ({"xs": ["nothing"]}, "'nothing'"),
        ({"y": "i"}, "the operator has no gradient"),
    ],
)
def test_refusals(change, text):
    nodes = [node("Sin", "x", "y"), node("Floor", "x", "f"), node("Mod", "f x", "i", fmod=1)]
    attributes = {"xs": ["x"], "y": "y", **change}
    gradient = helper.make_node("Gradient", ["x"], ["dx"], "slope", domain=TRAINING, **attributes)
    with pytest.raises(maas.MaasError, match="slope|Mod") as error:
        maas.Session(model([*nodes, gradient], {"x": any_sign(2)}, ["dx"]).SerializeToString())
    assert text in str(error.value)
