"""Gradients through If, Loop and Scan, against central differences in double precision: of the ONNX reference
evaluator, or, for scans from the end, which it lacks, of maas, which ONNX's suite holds to ONNX's."""
import numpy as np
import pytest
from onnx import TensorProto, helper

import maas
from test_gradient import any_sign, central_differences, gradients, model, node
from test_gradient_shapes import constant

DOUBLE, INT, BOOL = TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL


def body(nodes, inputs, outputs):
    """A graph whose inputs and outputs are `name` (doubles of any shape) or (name, type, shape)."""
    declared = lambda value: helper.make_tensor_value_info(
        *(value if isinstance(value, tuple) else (value, DOUBLE, None)))
    return helper.make_graph(nodes, "body", [declared(v) for v in inputs], [declared(v) for v in outputs])


def choice(then_nodes, else_nodes, outputs):
    """Which branch is taken depends on the sum of x."""
    names = outputs.split()
    return [
        node("ReduceSum", "x", "sum", keepdims=0), constant("zero", 0.0), node("Greater", "sum zero", "c"),
        helper.make_node(
            "If", ["c"], names, then_branch=body(then_nodes, [], [f"t_{n}" for n in names]),
            else_branch=body(else_nodes, [], [f"e_{n}" for n in names]))]  # fmt: skip


def loop(nodes, carried, captures_and_scans, trips=3, outputs="s"):
    """`carried` are pairs of initial value and name inside."""
    inside = [name for _, name in carried]
    return [
        constant("trips", np.int64(trips)), constant("yes", np.array(True)),
        helper.make_node(
            "Loop", ["trips", "yes", *(first for first, _ in carried)], outputs.split(),
            body=body(
                [*nodes, node("Identity", "goes", "goes_on")], [("i", INT, []), ("goes", BOOL, []), *inside],
                [("goes_on", BOOL, []), *(f"{name}_next" for name in inside), *captures_and_scans]))]  # fmt: skip


def scan(nodes, states, slices, results, first, outputs, **attributes):
    return [
        helper.make_node(
            "Scan", first.split(), outputs.split(), num_scan_inputs=len(slices),
            body=body(nodes, [*states, *slices], [*(f"{name}_next" for name in states), *results]),
            **attributes)]  # fmt: skip


POSITIVE, NEGATIVE = np.abs(any_sign(2, 3)) + 0.1, -np.abs(any_sign(2, 3)) - 0.1
BRANCHES = {
    "one": ([node("Mul", "x w", "t_s")], [node("Exp", "x", "e_s")], "s"),
    "weights": ([node("MatMul", "x w", "t_s")], [node("MatMul", "x v", "h"), node("Tanh", "h", "e_s")], "s"),
    "two": (
        [node("Sin", "x", "t_a"), node("Mul", "w t_a", "t_b")],
        [node("Identity", "x", "e_a"), node("Add", "w x", "e_b")], "a b"),
    "constant": ([constant("t_s", np.ones((2, 3)))], [node("Mul", "x x", "e_s")], "s"),
}  # fmt: skip
CHOICES = {
    f"{name}_{sign}": (
        [*choice(*branches), *([node("Mul", "a b", "s")] if branches[2] == "a b" else []), node("Sin", "s", "y")],
        {"x": x, **({"w": any_sign(3, 4), "v": any_sign(3, 4)} if name == "weights" else {"w": any_sign(2, 3)}
            if name != "constant" else {})})
    for name, branches in BRANCHES.items() for sign, x in (("then", POSITIVE), ("else", NEGATIVE))
}  # fmt: skip
LOOPS = {
    "power": (loop([node("Mul", "a w", "a_next")], [("x", "a")], []), {"x": any_sign(2, 3), "w": any_sign(2, 3)}),
    "none": (loop([node("Mul", "a w", "a_next")], [("x", "a")], [], trips=0),
        {"x": any_sign(2, 3), "w": any_sign(2, 3)}),
    "matrix": (
        loop([node("MatMul", "a w", "h"), node("Tanh", "h", "a_next")], [("x", "a")], []),
        {"x": any_sign(2, 3), "w": any_sign(3, 3)}),
    "scans": (
        [*loop(
            [node("Mul", "a w", "a_next"), node("Sin", "a", "seen"), node("Identity", "seen", "o")], [("x", "a")],
            ["o"],
            outputs="last all"), node("ReduceSum", "all", "sum", keepdims=0), node("Mul", "last sum", "s")],
        {"x": any_sign(3), "w": any_sign(3)}),
    "counter": (
        loop(
            [helper.make_node("Cast", ["i"], ["f"], to=DOUBLE), node("Mul", "a f", "h"), node("Add", "h w", "a_next")],
            [("x", "a")], []), {"x": any_sign(3), "w": any_sign(3)}),
    "two": (
        [*loop([node("Mul", "a b", "a_next"), node("Sin", "a", "b_next")], [("x", "a"), ("w", "b")], [], outputs="p q"),
         node("Add", "p q", "s")], {"x": any_sign(3), "w": any_sign(3)}),
}  # fmt: skip
STEP = [node("MatMul", "p w", "q"), node("Add", "q a", "r"), node("Tanh", "r", "a_next")]
SCANS = {
    "recurrent": (scan(STEP, ["a"], ["p"], [], "h x", "s"),
        {"x": any_sign(4, 2, 3), "w": any_sign(3, 2), "h": any_sign(2, 2)}),
    "backwards": (
        [*scan([*STEP, node("Mul", "r r", "o")], ["a"], ["p"], ["o"], "h x", "last all", scan_input_directions=[1],
               scan_input_axes=[1], scan_output_axes=[2]),
         node("ReduceSum", "all", "sum", keepdims=0), node("Mul", "last sum", "s")],
        {"x": any_sign(2, 4, 3), "w": any_sign(3, 2), "h": any_sign(2, 2)}),
    "order": (
        scan([node("Mul", "p a", "a_next"), node("Add", "p a", "o")], ["a"], ["p"], ["o"], "h x", "last s",
            scan_output_directions=[1]),
        {"x": any_sign(4, 3), "h": any_sign(3)}),
}  # fmt: skip
CASES = {**CHOICES, **{f"{name}_{kind}": (
    [*nodes, node("Sin", "s", "y")], feeds) for kind, cases in (("loop", LOOPS), ("scan", SCANS)) for name,
    (nodes, feeds) in cases.items()}}  # fmt: skip


def own_differences(nodes, feeds, name):
    forward = maas.Session(model(nodes, feeds, ["y"]).SerializeToString())
    return central_differences(nodes, feeds, name, forward=forward)


@pytest.mark.parametrize("name", CASES)
def test_central_differences(name):
    nodes, feeds = CASES[name]
    differences = own_differences if name in ("backwards_scan", "order_scan") else central_differences
    for variable, found in zip(feeds, gradients(nodes, feeds)):
        expected = differences(nodes, feeds, variable)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8, err_msg=variable)


def growing(nodes, initial, kind, trips=3):
    """A loop that multiplies x by w again and again, and beside it makes `k` of `initial` grow."""
    make = helper.make_tensor_sequence_value_info if kind == "sequence" else helper.make_tensor_value_info
    dtype = DOUBLE if kind == "doubles" else INT
    inside = helper.make_graph(
        [node("Mul", "a w", "a_next"), *nodes, node("Identity", "goes", "goes_on")], "body",
        [helper.make_tensor_value_info(*v)
            for v in [("i", INT, []), ("goes", BOOL, []), ("a", DOUBLE, None)]] + [make("k", dtype, None)],
        [helper.make_tensor_value_info(*v)
            for v in [("goes_on", BOOL, []), ("a_next", DOUBLE, None)]] + [make("k_next", dtype, None)])
    return [initial, constant("trips", np.int64(trips)), constant("yes", np.array(True)),
            helper.make_node("Loop", ["trips", "yes", "x", "k_0"], ["s", "k_last"], name="the loop",
                body=inside)]  # fmt: skip


GROWING = {
    "integers": growing([constant("one", np.ones(1, np.int64)), node("Concat", "k one", "k_next", axis=0)],
        constant("k_0", np.ones(1, np.int64)), "integers"),
    "sequence": growing([node("SequenceInsert", "k i", "k_next")],
        helper.make_node("SequenceEmpty", [], ["k_0"], dtype=INT), "sequence"),
    "trace": growing([node("Concat", "k a", "k_next", axis=0)], constant("k_0", np.ones((1, 3))), "doubles"),
    "constants": growing([constant("one", np.ones((1, 3))), node("Concat", "k one", "k_next", axis=0)],
        constant("k_0", np.ones((1, 3))), "doubles"),
}  # fmt: skip


@pytest.mark.parametrize("trips", [0, 1, 3])
@pytest.mark.parametrize("name", GROWING)
def test_what_grows_beside_the_way_of_gradients(name, trips):
    nodes = [*GROWING[name], node("Sin", "s", "y")]
    nodes[1] = constant("trips", np.int64(trips))
    feeds = {"x": any_sign(2, 3), "w": any_sign(2, 3)}
    expected = [own_differences(nodes, feeds, variable) for variable in feeds]
    for found, wanted in zip(gradients(nodes, feeds), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


def test_constants_that_grow_and_count():
    """No gradient goes through them, so that they may grow; what is asked for does depend on them."""
    nodes = [*GROWING["constants"], node("ReduceSum", "k_last", "sum", keepdims=0), node("Mul", "s sum", "m"),
        node("Sin", "m", "y")]
    feeds = {"x": any_sign(2, 3), "w": any_sign(2, 3)}
    for variable, found in zip(feeds, gradients(nodes, feeds)):
        np.testing.assert_allclose(found, own_differences(nodes, feeds, variable), rtol=1e-6, atol=1e-8)


def test_growing_values_that_gradients_need_are_named():
    nodes = [*GROWING["trace"], node("ReduceSum", "k_last", "sum", keepdims=0), node("Mul", "s sum", "y")]
    with pytest.raises(maas.Unsupported,
            match=r"the loop.*'k'.*the loop carries and whose shape changes.*\[1, 3\].*\[3, 3\]"):
        gradients(nodes, {"x": any_sign(2, 3), "w": any_sign(2, 3)})
