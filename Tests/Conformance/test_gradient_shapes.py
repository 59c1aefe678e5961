"""Gradients of operators that move, place and select elements, against central differences of the ONNX reference
evaluator in double precision, with shapes that the model declares and with shapes that only the run knows."""
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import maas
from test_gradient import TRAINING, any_sign, central_differences, model, node


def constant(name, value):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))


def ints(name, *values):
    return constant(name, np.array(values, np.int64))


def many(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def case(nodes, **feeds):
    """Ends with a function of curvature, so that the gradient that arrives differs from element to element."""
    return [*nodes, node("Sin", "s", "y")], feeds


INDICES = constant("i", np.array([[2, 0, -1], [2, 2, 1]]))
X34, X234 = any_sign(3, 4), any_sign(2, 3, 4)
CASES = {
    "concat": case([node("Concat", "a b a", "s", axis=1)], a=any_sign(2, 3), b=any_sign(2, 1)),
    "split": case(
        [ints("n", 1, 2), many("Split", "x n", "p q", axis=1), node("Mul", "p q", "s")], x=any_sign(2, 3)),
    "split_unused": case([ints("n", 1, 2, 1), many("Split", "x n", "p s q", axis=1)], x=any_sign(2, 4)),
    "split_in_two": case([many("Split", "x", "p q", axis=-1, num_outputs=2), node("Mul", "p q", "s")], x=X234),
    "slice": case(
        [ints("b", 1, -1), ints("e", 3, -9), ints("a", 1, 2), ints("t", 1, -2), node("Slice", "x b e a t", "s")],
        x=X234),
    "slice_whole": case([ints("b", 0), ints("e", 9), node("Slice", "x b e", "s")], x=X34),
    "slice_none": case([ints("b", 2), ints("e", 2), node("Slice", "x b e", "s")], x=X34),
    "expand": case([ints("n", 2, 3, 4), node("Expand", "x n", "s")], x=any_sign(3, 1)),
    "tile": case([ints("n", 1, 3, 2), node("Tile", "x n", "s")], x=any_sign(2, 1, 3)),
    "tile_rank_5": case([ints("n", 2, 3, 2, 1, 2), node("Tile", "x n", "s")], x=any_sign(1, 2, 1, 2, 2)),
    "gather": case([INDICES, node("Gather", "x i", "s")], x=X34),
    "gather_axis": case([INDICES, node("Gather", "x i", "s", axis=1)], x=X234),
    "gather_scalar": case([constant("i", np.int64(-2)), node("Gather", "x i", "s", axis=-1)], x=X234),
    "gather_int32": case([constant("i", np.array([1, 1], np.int32)), node("Gather", "x i", "s")], x=X34),
    "gather_elements": case([INDICES, node("GatherElements", "x i", "s", axis=1)], x=any_sign(2, 4)),
    "gather_nd": case([constant("i", np.array([[0, 2], [1, -1], [0, 2]])), node("GatherND", "x i", "s")], x=X234),
    "gather_nd_batch": case(
        [constant("i", np.array([[[1], [1]], [[0], [2]]])), node("GatherND", "x i", "s", batch_dims=1)], x=X234),
    "scatter_elements": case(
        [constant("i", np.array([[2, 0], [1, -1]])), node("ScatterElements", "x i u", "s", axis=1)], x=X34,
        u=any_sign(2, 2)),
    "scatter_elements_add": case(
        [INDICES, node("ScatterElements", "x i u", "s", axis=1, reduction="add")], x=X34, u=any_sign(2, 3)),
    "scatter_nd": case([constant("i", np.array([[2], [0]])), node("ScatterND", "x i u", "s")], x=X34, u=any_sign(2, 4)),
    "scatter_nd_add": case(
        [constant("i", np.array([[1], [1]])), node("ScatterND", "x i u", "s", reduction="add")], x=X34,
        u=any_sign(2, 4)),
    **{
        f"cumsum_{e}{r}": case([constant("a", np.int64(1)), node("CumSum", "x a", "s", exclusive=e, reverse=r)], x=X234)
        for e in (0, 1) for r in (0, 1)
    },
    "topk": case([ints("k", 2), many("TopK", "x k", "s i", axis=1)], x=X234),
    "topk_smallest_values_only": case([ints("k", 3), node("TopK", "x k", "s", axis=0, largest=0)], x=X34),
    "trilu": case([constant("k", np.int64(1)), node("Trilu", "x k", "s", upper=0)], x=X234),
    "depth_to_space": case([node("DepthToSpace", "x", "s", blocksize=2, mode="CRD")], x=any_sign(1, 8, 2, 3)),
    "space_to_depth": case([node("SpaceToDepth", "x", "s", blocksize=2)], x=any_sign(1, 2, 4, 2)),
    "reverse_sequence": case([ints("n", 2, 3, 1), node("ReverseSequence", "x n", "s")], x=any_sign(4, 3, 2)),
    **{
        f"pad_{mode}": case([ints("n", 0, 2, 1, 2), node("Pad", "x n", "s", mode=mode)], x=X34)
        for mode in ("constant", "reflect", "edge", "wrap")
    },
    "pad_axes": case([ints("n", 2, 3), ints("a", 1), constant("v", 2.5), node("Pad", "x n v a", "s")], x=X34),
    "cast": case([node("Cast", "x", "t", to=TensorProto.DOUBLE), node("CastLike", "t x", "s")], x=X34),
    # sqrt of the size, as attention has it: no gradient goes through the integers.
    "through_a_shape": case(
        [node("Shape", "x", "n"), constant("j", np.int64(-1)), node("Gather", "n j", "d"),
         node("Cast", "d", "f", to=TensorProto.DOUBLE), node("Sqrt", "f", "r"), node("Div", "x r", "s")], x=X34),
    "through_an_index": case(
        [node("ArgMax", "x", "i", axis=1, keepdims=1), node("GatherElements", "x i", "s", axis=1)], x=X34),
}  # fmt: skip

EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)], "bhqd,bhkd->bhqk": [(1, 2, 3, 4), (1, 2, 5, 4)], "ij->": [(2, 3)],
    "ij->ji": [(2, 3)],
    "i,j->ij": [(2,), (3,)], "ij,i->j": [(2, 3), (2,)], "ij,kl->": [(2, 3), (4, 2)], "ij,jk": [(2, 3), (3, 2)],
    "...ij,...jk->...ik": [(2, 3, 4), (4, 5)], "...i,...i->...": [(2, 1, 3), (4, 3)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)],
    "ba": [(2, 3)], "ij,ij->ij": [(2, 3), (1, 3)],
}  # fmt: skip
CASES.update({
    f"einsum {equation}": case(
        [node("Einsum", " ".join("abc"[: len(shapes)]), "s", equation=equation)],
        **{"abc"[i]: any_sign(*shape) for i, shape in enumerate(shapes)})
    for equation, shapes in EINSUMS.items()
})  # fmt: skip


def gradients(nodes, feeds, symbolic):
    wanted = [f"d{name}" for name in feeds]
    gradient = helper.make_node("Gradient", list(feeds), wanted, domain=TRAINING, xs=list(feeds), y="y")
    made = model([*nodes, gradient], feeds, wanted)
    for value in made.graph.input if symbolic else []:
        for i, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"{value.name}{i}"
    return maas.Session(made.SerializeToString()).run(None, feeds)


@pytest.mark.parametrize("name", CASES)
def test_central_differences(name):
    nodes, feeds = CASES[name]
    expected = [central_differences(nodes, feeds, x) for x in feeds]
    for symbolic in (False, True):
        for x, found, right in zip(feeds, gradients(nodes, feeds, symbolic), expected):
            np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-7, err_msg=f"{x}, symbolic {symbolic}")


def test_removed_elements_have_no_gradient():
    nodes, feeds = case([ints("n", -1, 0, 0, 2), node("Pad", "x n", "s")], x=X34)
    expected = np.cos(X34) * np.array([[0], [1], [1]])
    np.testing.assert_allclose(gradients(nodes, feeds, False)[0], expected, rtol=1e-12)


def test_rows_of_an_embedding_do_not_depend_on_threads():
    """Many indices for few rows: each row adds up in their order."""
    table = any_sign(1000, 33).astype(np.float32)
    places = np.random.default_rng(1).integers(-1000, 1000, (64, 50)) // 7
    nodes, _ = case([constant("i", places), node("Gather", "x i", "s")])
    gradient = helper.make_node("Gradient", ["x"], ["dx"], domain=TRAINING, xs=["x"], y="y")
    made = model([*nodes, gradient], {"x": table}, ["dx"])
    made.graph.input[0].type.tensor_type.elem_type = made.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    results = [maas.Session(made.SerializeToString(), threads=n).run(None, {"x": table})[0] for n in (1, 2, 5)]
    expected = np.cos(table) * np.bincount(places.ravel() % 1000, minlength=1000)[:, None]
    np.testing.assert_allclose(results[0], expected, rtol=2e-5, atol=1e-6)
    for other in results[1:]:
        assert other.tobytes() == results[0].tobytes()
