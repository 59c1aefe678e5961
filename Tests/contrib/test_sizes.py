"""Operators that take another way for some sizes: each answers as ONNX Runtime or NumPy does."""
import numpy as np
import pytest
from test_beside_onnxruntime import expected, found, model_of

RANDOM = np.random.default_rng(7)


def floats(*shape):
    return RANDOM.standard_normal(shape, np.float32)


def check(model, feeds, exactly=True):
    for mine, theirs in zip(found(model, feeds), expected(model, feeds)):
        if exactly:
            np.testing.assert_array_equal(mine, theirs)
        else:
            np.testing.assert_allclose(mine, theirs, 1e-4, 1e-5)


def enlarged(x, factors):
    for axis, factor in enumerate(factors):
        x = np.repeat(x, factor, axis)
    return x


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64", "bool"])
@pytest.mark.parametrize(
    "shape, factors",
    [((2, 3, 5, 7), (1, 1, 2, 2)), ((2, 3, 5, 7), (1, 1, 3, 5)), ((1, 5, 7, 4), (1, 2, 2, 1)), ((2, 6, 9), (1, 1, 4)),
     ((4, 3, 17), (2, 3, 1)), ((3, 5, 7), (2, 2, 2)), ((2, 5, 3, 4), (1, 2, 1, 2))],
)  # fmt: skip
def test_whole_enlargements_repeat(dtype, shape, factors):
    x = RANDOM.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    for mode in ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, {}):
        scales = {"roi": np.array([], np.float32), "s": np.array(factors, np.float32)}
        model = model_of("Resize", {"x": x}, scales, mode="nearest", **mode)
        one, three = (found(model, {"x": x}, threads=threads)[0] for threads in (1, 3))
        np.testing.assert_array_equal(one, enlarged(x, factors))
        np.testing.assert_array_equal(three, one)


@pytest.mark.parametrize("nearest_mode", ["ceil", "round_prefer_ceil"])
def test_other_rounding_is_no_repetition(nearest_mode):
    x = {"x": floats(1, 2, 5, 6)}
    scales = {"roi": np.array([], np.float32), "s": np.array([1, 1, 2, 3], np.float32)}
    model = model_of(
        "Resize", x, scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode=nearest_mode
    )  # fmt: skip
    check(model, x)


@pytest.mark.parametrize("k", [1, 3, 16, 32, 33, 64, 65, 100, 250, 400])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("shape, axis", [((3, 400), 1), ((400, 5), 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_the_best_of_many_equal_ones_are_the_first(k, largest, shape, axis, dtype):
    x = RANDOM.integers(-60, 60, shape).astype(dtype)
    model = model_of("TopK", {"x": x}, {"k": np.array([k])}, ("v", "i"), axis=axis, largest=largest)
    order = np.argsort(-x if largest else x, axis, kind="stable").take(range(k), axis)
    values, indices = found(model, {"x": x})
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, axis))


@pytest.mark.parametrize("k", [1, 31, 500, 3000])
def test_the_best_of_a_long_row(k):
    for x in (floats(1, 20000), np.sort(floats(1, 20000)), np.sort(floats(1, 20000))[:, ::-1].copy()):
        check(model_of("TopK", {"x": x}, {"k": np.array([k])}, ("v", "i")), {"x": x})


@pytest.mark.parametrize("different", [1, 10, 512, 513, 5000])
@pytest.mark.parametrize("is_sorted", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_few_and_many_different_elements(different, is_sorted, dtype):
    x = RANDOM.integers(-different, different, 20000).astype(dtype) // 2
    check(model_of("Unique", {"x": x}, outputs=("y", "f", "p", "c"), sorted=is_sorted), {"x": x})


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("shape, axis",
    [((5, n), 1) for n in (1, 2, 15, 16, 17, 40, 1000)] + [((3, 21, 70), 1), ((9, 130), 0)])
def test_places_of_equal_extremes(op, last, shape, axis):
    x = RANDOM.integers(-3, 4, shape).astype(np.float32)
    check(model_of(op, {"x": x}, axis=axis, select_last_index=last), {"x": x})
    x[RANDOM.random(shape) < 0.02] = np.nan
    index = np.argmax(x, axis) if op == "ArgMax" else np.argmin(x, axis)
    np.testing.assert_array_equal(found(model_of(op, {"x": x}, axis=axis, keepdims=0), {"x": x})[0], index)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("shape, axis",
    [((1, 600), 0), ((7, 600), 0), ((2, 9, 33), 1), ((3, 50), 1), ((2, 5, 1100), 1), ((4, 3, 1), 1)])
def test_sums_along_every_axis(exclusive, reverse, shape, axis):
    x = RANDOM.integers(-9, 9, shape).astype(np.float32)
    model = model_of("CumSum", {"x": x}, {"a": np.array(axis)}, exclusive=exclusive, reverse=reverse)
    check(model, {"x": x})


@pytest.mark.parametrize("center", [0, 1])
@pytest.mark.parametrize("limit, overlap, lowest", [(5, 0.5, 0.0), (40, 0.2, 0.3), (1000, 0.5, 0.1), (1000, 0.0, 0.9)])
def test_boxes_that_overlap(center, limit, overlap, lowest):
    middle, size = RANDOM.uniform(0, 300, (2, 400, 2)), RANDOM.uniform(1, 60, (2, 400, 2))
    boxes = np.concatenate([middle, size] if center else [middle + size / 2, middle - size / 2], 2).astype(np.float32)
    feeds = {"b": boxes, "s": RANDOM.uniform(0, 1, (2, 3, 400)).astype(np.float32)}
    limits = {"m": np.array([limit]), "o": np.float32([overlap]), "l": np.float32([lowest])}
    check(model_of("NonMaxSuppression", feeds, limits, center_point_box=center), feeds)


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 15, 16, 17, 40, 1024, 1025])
def test_rows_of_every_length(op, n):
    for dtype in (np.float32, np.int64) if op in ("Sum", "Max", "Min", "Prod") else (np.float32,):
        x = (RANDOM.uniform(0.9, 1.1, (37, n)) if dtype == np.float32
            else RANDOM.integers(-2, 3, (37, n))).astype(dtype)
        model = model_of(f"Reduce{op}", {"x": x}, {"a": np.array([1])}, keepdims=0)
        check(model, {"x": x}, exactly=False)
    if op in ("Max", "Min"):
        x = floats(37, n)
        x[5, n // 2] = x[36, 0] = np.nan
        np.testing.assert_array_equal(found(model_of(f"Reduce{op}", {"x": x}, {"a": np.array([1])}, keepdims=0),
            {"x": x})[0], getattr(x, op.lower())(1))


@pytest.mark.parametrize("n", [1, 2, 3, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_determinants_of_every_size(n, dtype):
    x = (np.eye(n) * 2 + RANDOM.standard_normal((5, n, n)) / (2 * n**0.5))[:, RANDOM.permutation(n)].astype(dtype)
    x[3, n // 2] = 0
    y = found(model_of("Det", {"x": x}), {"x": x})[0]
    np.testing.assert_allclose(y, np.linalg.det(x.astype(np.float64)), 1e-3 if dtype == np.float32 else 1e-9)
