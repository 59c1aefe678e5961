"""Graphs that look like what a rule of the optimizer rewrites, but are not: every level answers as ONNX Runtime
does."""
import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

FLOAT = onnx.TensorProto.FLOAT


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def pad(mode):
    constants = {"p": np.array([0, 0, 1, 0, 0, 1]), "v": np.float32(0), "w": np.ones((1, 1, 3), np.float32)}
    nodes = [("Pad", "x p v", "q", {"mode": mode}), ("Conv", "q w", "y", {})]
    return nodes, {"x": random(1, 1, 4)}, constants, {}


def attention_behind_a_test_for_nan():
    nodes = [
        ("Transpose", "k", "kt", {"perm": [0, 1, 3, 2]}), ("MatMul", "q kt", "s", {}), ("Add", "s mask", "sm", {}),
        ("Softmax", "sm", "p", {"axis": -1}), ("IsNaN", "p", "n", {}), ("Where", "n zero p", "w", {}),
        ("MatMul", "w v", "y", {}),
    ]  # fmt: skip
    mask = np.zeros((1, 1, 3, 3), np.float32)
    mask[0, 0, 1] = -np.inf
    return nodes, {n: random(1, 2, 3, 4) for n in "qkv"} | {"mask": mask}, {"zero": np.float32(0)}, {}


def attention_of_batches_that_broadcast():
    nodes = [
        ("Transpose", "k", "kt", {"perm": [0, 1, 3, 2]}), ("MatMul", "q kt", "s", {}),
        ("Softmax", "s", "p", {"axis": -1}), ("MatMul", "p v", "y", {}),
    ]  # fmt: skip
    return nodes, {"q": random(2, 2, 3, 4), "k": random(1, 2, 5, 4), "v": random(1, 2, 5, 4)}, {}, {}


def scale_of_a_transposed_factor():
    nodes = [("Mul", "x c", "xs", {}), ("Gemm", "xs b", "y", {"transA": 1})]
    return nodes, {"x": random(3, 3)}, {"c": np.array([1, 10, 100], np.float32), "b": random(3, 2)}, {}


def expansion_to_a_size_of_another_name():
    nodes = [
        ("Concat", "t one", "longer", {"axis": 0}), ("Shape", "longer", "s", {}), ("Expand", "x s", "e", {}),
        ("Neg", "e", "y", {}),
    ]  # fmt: skip
    return nodes, {"x": random(1), "t": random(3)}, {"one": np.zeros(1, np.float32)}, {"x": ["N"], "t": ["M"]}


def transposition_of_a_convolution(perm):
    nodes = [
        ("Conv", "x w", "c", {"pads": [1] * 4}), ("Transpose", "c", "t", {"perm": perm}), ("Relu", "t", "y", {}),
    ]  # fmt: skip
    return nodes, {"x": random(1, 8, 16, 16)}, {"w": random(16, 8, 3, 3)}, {}


def rotation_by_angles_of_two_shapes():
    constants = {"zero": np.array([0]), "half": np.array([4]), "end": np.array([2**62]), "axis": np.array([3])}
    nodes = [
        ("Slice", "x zero half axis", "a", {}), ("Slice", "x half end axis", "b", {}), ("Neg", "b", "nb", {}),
        ("Concat", "nb a", "swapped", {"axis": -1}), ("Mul", "x cos", "xc", {}), ("Mul", "swapped sin", "xs", {}),
        ("Add", "xc xs", "y", {}),
    ]  # fmt: skip
    return nodes, {"x": random(2, 3, 5, 8), "cos": random(1, 1, 5, 8), "sin": random(2, 1, 5, 8)}, constants, {}


def condition_longer_than_the_axis():
    return [("Compress", "x c", "y", {"axis": 0})], {"x": random(2, 3)}, {"c": np.array([True, False, True])}, {}


def halves_beside_nan():
    halves = {"x": np.array([np.nan, 1, 2], np.float16), "t": np.array([1, np.nan, 2], np.float16)}
    return [("LessOrEqual", "x t", "y", {})], halves, {}, {}


def chain_over_sizes_of_two_names():
    nodes = [("Exp", "x", "e", {}), ("Add", "e t", "s", {}), ("Neg", "s", "n", {}), ("Mul", "n x", "y", {})]
    return nodes, {"x": random(1, 4), "t": random(3, 4)}, {}, {"x": ["N", 4], "t": ["M", 4]}


def chain_that_grows_at_its_end():
    nodes = [("Neg", "x", "n", {}), ("Exp", "n", "e", {}), ("Mul", "t e", "y", {})]
    return nodes, {"x": random(1), "t": random(5)}, {}, {"x": ["N"], "t": ["M"]}


def residual_that_the_product_reads(*more):
    nodes = [("Tanh", "x", "h", {}), *more, ("Add", "h c", "y", {})]
    return nodes, {"x": random(130, 130)}, {"w": random(130, 130)}, {}


def residual_that_the_convolution_reads():
    nodes = [("Conv", "x w", "c", {"auto_pad": "SAME_UPPER"}), ("Add", "c x", "y", {})]
    return nodes, {"x": random(1, 8, 3, 4, 5)}, {"w": random(8, 8, 3, 3, 3)}, {}


def image_that_another_rank_broadcasts():
    nodes = [("Conv", "x w", "c", {"pads": [1] * 4}), ("Mul", "t c", "y", {})]
    return nodes, {"x": random(1, 8, 8, 8), "t": random(2, 1, 8, 8, 8)}, {"w": random(8, 8, 3, 3)}, {}


def reshape_of_a_sum_of_two_sizes():
    nodes = [
        ("Add", "t x", "z", {}), ("Shape", "x", "s", {"end": 1}), ("Concat", "s rest", "to", {"axis": 0}),
        ("Reshape", "z to", "w", {}), ("Neg", "w", "y", {}),
    ]  # fmt: skip
    names = {"x": ["N", 4], "t": ["M", 4]}
    return nodes, {"x": random(1, 4), "t": random(3, 4)}, {"rest": np.array([-1])}, names


def slice_of_a_sum_of_two_sizes():
    nodes = [
        ("Add", "t x", "z", {}), ("Shape", "x", "s", {}), ("Slice", "z zero s zero", "w", {}), ("Neg", "w", "y", {}),
    ]  # fmt: skip
    return nodes, {"x": random(1), "t": random(3)}, {"zero": np.array([0])}, {"x": ["N"], "t": ["M"]}


def slice_from_before_the_beginning(start, end, count):
    nodes = [("Slice", "x start end axis", "v", {}), ("Expand", "v count", "u", {}), ("Neg", "u", "y", {})]
    constants = {"start": np.array([start]), "end": np.array([end]), "axis": np.array([0]), "count": np.array([count])}
    return nodes, {"x": random(2)}, constants, {"x": ["N"]}


def attention_without_keys():
    nodes, _, _, _ = attention_of_batches_that_broadcast()
    feeds = {"q": random(1, 1, 2, 4), "k": random(1, 1, 0, 4), "v": random(1, 1, 0, 4)}
    return nodes, feeds, {}, {"k": [1, 1, "T", 4], "v": [1, 1, "T", 4]}


def reshape_of_nothing():
    nodes = [
        ("Shape", "x", "n", {"end": 1}), ("Shape", "x", "k", {"start": 1, "end": 2}), ("Mul", "k two", "m", {}),
        ("Concat", "n m", "to", {"axis": 0}), ("Reshape", "x to", "w", {"allowzero": 1}), ("Neg", "w", "y", {}),
    ]  # fmt: skip
    return nodes, {"x": random(0, 3, 2)}, {"two": np.array([2])}, {"x": ["N", "K", 2]}


def crop_to_a_pool_that_rounds_up(size):
    nodes = [
        ("MaxPool", "x", "p", {"kernel_shape": [2], "strides": [2], "pads": [0, 1], "ceil_mode": 1}),
        ("Conv", "x w", "z", {"strides": [2], "pads": [1, 1]}), ("Shape", "p", "s", {"start": 2}),
        ("Slice", "z zero s two", "c", {}), ("Neg", "c", "y", {}),
    ]  # fmt: skip
    constants = {"w": np.ones((1, 1, 2), np.float32), "zero": np.array([0]), "two": np.array([2])}
    return nodes, {"x": random(1, 1, size)}, constants, {"x": [1, 1, "S"]}


CASES = {
    "residual of its own product": (residual_that_the_product_reads, ("MatMul", "h w", "c", {})),
    "residual of its own square": (residual_that_the_product_reads, ("MatMul", "h h", "c", {})),
    **{f"slice {ends}": (slice_from_before_the_beginning, *ends) for ends in ((-6, -1, 5), (-3, 2**40, 2))},
    **{f"crop of {size}": (crop_to_a_pool_that_rounds_up, size) for size in (4, 6, 8)},
    **{f"pad {mode}": (pad, mode) for mode in ("edge", "reflect", "wrap")},
    **{f"transposition {perm}": (transposition_of_a_convolution, perm) for perm in ([0, 3, 1, 2], [0, 2, 3, 1])},
    **{
        f.__name__: (f,)
        for f in (
            attention_behind_a_test_for_nan, attention_of_batches_that_broadcast, scale_of_a_transposed_factor,
            expansion_to_a_size_of_another_name, rotation_by_angles_of_two_shapes, condition_longer_than_the_axis,
            halves_beside_nan, chain_over_sizes_of_two_names, chain_that_grows_at_its_end,
            residual_that_the_convolution_reads, image_that_another_rank_broadcasts, reshape_of_a_sum_of_two_sizes,
            slice_of_a_sum_of_two_sizes, attention_without_keys, reshape_of_nothing,
        )
    },
}  # fmt: skip


def model_of(nodes, feeds, constants, names):
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), names.get(name, x.shape))
        for name, x in feeds.items()
    ]
    kind = onnx.TensorProto.BOOL if nodes[-1][0] == "LessOrEqual" else FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, x.split(), [y], **attributes) for op, x, y, attributes in nodes], "g", inputs,
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(np.asarray(x), name) for name, x in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9).SerializeToString()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("level", ["none", "basic", "all"])
def test_what_looks_alike_is_left_alone(name, level):
    make, *arguments = CASES[name]
    parts = make(*arguments)
    model, feeds = model_of(*parts), parts[1]
    expected = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds)[0]
    found = maas.Session(model, optimization=level).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, 1e-4, 1e-5)


def body(nodes):
    return helper.make_graph(nodes, "body", [], [helper.make_tensor_value_info("b", FLOAT, None)])


def test_a_branch_that_no_node_can_run_is_left_alone():
    good = body([helper.make_node("Neg", ["x"], ["b"])])
    bad = body([helper.make_node("Add", ["x"], ["a"]), helper.make_node("Sqrt", ["a"], ["b"])])
    graph = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=good, else_branch=bad)], "g",
        [helper.make_tensor_value_info("x", FLOAT, [2]), helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    found = maas.Session(model.SerializeToString()).run(None, {"x": np.ones(2, np.float32), "c": np.array(True)})
    np.testing.assert_array_equal(found[0], [-1, -1])


@pytest.mark.parametrize("op", ["Mul", "Add", "Div"])
def test_nodes_without_outputs_are_harmless(op):
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "x"], []), helper.make_node("Neg", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", FLOAT, [2])], [helper.make_tensor_value_info("y", FLOAT, [2])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    found = maas.Session(model.SerializeToString()).run(None, {"x": np.ones(2, np.float32)})
    np.testing.assert_array_equal(found[0], [-1, -1])


def test_an_old_addition_along_rows_is_no_bias():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"], broadcast=1, axis=0),
    ]
    x, w, b = random(3, 4), random(4, 3), np.array([0, 100, 200], np.float32)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", FLOAT, [3, 4])],
        [helper.make_tensor_value_info("y", FLOAT, [3, 3])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 6)], ir_version=3).SerializeToString()
    np.testing.assert_allclose(maas.Session(model).run(None, {"x": x})[0], x @ w + b[:, None], 1e-4)


def test_outputs_of_other_shapes_than_declared_stay_so():
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "s"], ["y"])], "g", [helper.make_tensor_value_info("x", FLOAT, [6])],
        [helper.make_tensor_value_info("y", FLOAT, [6])], [numpy_helper.from_array(np.array([2, 3]), "s")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    session = maas.Session(model)
    for _ in range(3):
        assert session.run(None, {"x": random(6)})[0].shape == (2, 3)
