"""Cases with more neighbours than steps take at a time, and what is left over. See make-cases.py."""
import itertools

import numpy as np

RANDOM = np.random.default_rng(11)
NAN = np.nan


def cases():
    for group in (sums, reductions, arguments, largest, chosen, padded, moved, found, determinants):
        yield from group()


def numbers(*shape, dtype="int64"):
    return RANDOM.integers(0, 9, shape).astype(dtype)


def sums():
    for shape, axis in (((3, 70), 0), ((2, 3, 65), 1), ((130,), 0)):
        x = RANDOM.standard_normal(shape).astype(np.float32)
        for reverse in (0, 1):
            y = np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)
            for exclusive in (0, 1):
                attributes = {"reverse": reverse, "exclusive": exclusive}
                inputs = [x, np.array(axis, np.int64)]
                yield (f"cumsum_wide_{len(shape)}_{reverse}{exclusive}", "CumSum", 14, attributes, inputs,
                    {"tolerance": (1e-5, 1e-5), "expected": [y - x if exclusive else y]})


def reductions():
    for dtype in "int8 int32 int64 uint64 float64 float16".split():
        x = numbers(3, 70, 5, dtype=dtype)
        for axes in ([0], [1], [2], [0, 2], [0, 1, 2]):
            for op, f in (("Sum", np.sum), ("Max", np.max), ("Min", np.min)):
                y = f(x.astype("int64"), axis=tuple(axes)).astype(dtype)
                inputs = [x, np.array(axes, np.int64)]
                yield (f"reduce_wide_{op}_{dtype}_{axes}", f"Reduce{op}", 18, {"keepdims": 0}, inputs,
                    {"expected": [np.asarray(y)]})


def arguments():
    for dtype in ("int8", "int64", "uint64", "float32", "float64"):
        x = numbers(2, 70, 67, dtype=dtype)[:, :, :1 if dtype == "float64" else 66]
        if dtype == "float32":
            x[1, 40, 3] = x[1, 50, 3] = NAN
        for axis in (1, 2):
            for last in (0, 1):
                for op, f in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
                    y = f(x, axis)
                    if last:
                        flipped = x.shape[axis] - 1 - f(np.flip(x, axis), axis)
                        y = np.where(np.isnan(x.astype(np.float64)).any(axis), y, flipped)
                    attributes = {"axis": axis, "keepdims": 0, "select_last_index": last}
                    yield f"{op}_wide_{dtype}_{axis}{last}", op, 13, attributes, [x], {"expected": [y]}


def largest():
    for k in (1, 3, 70):
        for is_largest in (0, 1):
            x = RANDOM.standard_normal((2, 70)).astype(np.float32)
            x[0, 33] = NAN
            order = np.argsort(-x if is_largest else x, kind="stable")
            if is_largest:
                order[0] = np.concatenate([[33], order[0][order[0] != 33]])
            order = order[:, :k]
            expected = {"expected": [np.take_along_axis(x, order, 1), order]}
            yield (f"topk_wide_{k}_{is_largest}", "TopK", 11, {"largest": is_largest}, [x, np.array([k])],
                {"outputs": 2, **expected})


def chosen():
    indices = np.concatenate([numbers(70), [-1, 40, -40]])
    for axis in (0, 1):
        y = np.where((indices % 9 == np.arange(9)[:, None]) & (np.abs(indices) < 10), 5, 2).astype(np.float32)
        values = [indices, np.array(9), np.array([2, 5], np.float32)]
        yield f"onehot_wide_{axis}", "OneHot", 11, {"axis": axis}, values, {"expected": [y if axis == 0 else y.T]}
    x = RANDOM.standard_normal((3, 70)).astype(np.float32)
    for axis, size in ((0, 3), (1, 70)):
        chosen = RANDOM.integers(-size, size, (3, 70))
        yield (f"gather_elements_wide_{axis}", "GatherElements", 13, {"axis": axis}, [x, chosen],
            {"expected": [np.take_along_axis(x, chosen, axis)]})
    sides = {"full": (3, 70), "row": (1, 70), "column": (3, 1), "one": (1, 1)}
    for (c, c_shape), (a, a_shape), (b, b_shape) in itertools.product(sides.items(), repeat=3):
        condition = RANDOM.integers(0, 2, c_shape) > 0
        x, y = numbers(*a_shape), numbers(*b_shape)
        yield f"where_{c}_{a}_{b}", "Where", 16, {}, [condition, x, y], {"expected": [np.where(condition, x, y)]}


def padded():
    for mode in ("constant", "edge", "reflect", "wrap"):
        for pads in ([1, 2, 0, 3, 1, 0], [0, 0, 2, 0, 0, 2], [3, 7, 11, 9, 0, 3], [0, 30, 0, 0, 1, 40],
                [-1, 2, 0, 1, 0, -1]):
            x = numbers(3, 4, 5, dtype="float32")
            kept = x[tuple(slice(max(0, -a), size + min(0, b)) for a, b, size in zip(pads[:3], pads[3:], x.shape))]
            y = np.pad(kept, [(max(0, a), max(0, b)) for a, b in zip(pads[:3], pads[3:])], mode=mode)
            yield f"pad_{mode}_{pads}", "Pad", 19, {"mode": mode}, [x, np.array(pads)], {"expected": [y]}


def moved():
    for shape, order in (((3, 700), (1, 0)), ((700, 3), (1, 0)), ((2, 3, 5, 7), (3, 1, 0, 2)),
            ((2, 2, 600), (2, 0, 1))):
        x = numbers(*shape, dtype="int8")
        yield (f"transpose_few_{shape}", "Transpose", 13, {"perm": list(order)}, [x],
            {"expected": [np.ascontiguousarray(x.transpose(order))]})
    for dtype in ("uint8", "float16", "float32", "int64"):
        x = numbers(3, 1, 5, 1, dtype=dtype)
        yield (f"expand_wide_{dtype}", "Expand", 13, {}, [x, np.array([3, 2, 5, 9])],
            {"expected": [np.ascontiguousarray(np.broadcast_to(x, (3, 2, 5, 9)))]})


def found():
    x = numbers(3, 5, 7) % 2
    for dtype in ("bool", "uint8", "float16", "float32", "float64", "complex64", "complex128"):
        found = x.astype(dtype)
        if dtype.startswith("float"):
            found = -found
        if dtype.startswith("complex"):
            found = found * np.where(x.cumsum().reshape(x.shape) % 2, 1j, 1).astype(dtype)
        yield f"nonzero_{dtype}", "NonZero", 13, {}, [found], {"expected": [np.array(np.nonzero(x))]}
    for shape in ((2, 40), (3, 1), (1,), (0, 2)):
        found = numbers(*shape) % 2
        yield (f"nonzero_{shape}", "NonZero", 13, {}, [found],
            {"expected": [np.array(np.nonzero(found)).reshape(len(shape), -1)]})
    for columns in (2, 40):
        x = numbers(30, columns) % 2 + 2**40
        y, *rest = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=0)
        yield (f"unique_rows_{columns}", "Unique", 11, {"axis": 0}, [x],
            {"outputs": 4, "expected": [y, *(r.reshape(-1) for r in rest)]})


def determinants():
    for n in (3, 33, 70):
        for dtype in ("float32", "float64"):
            x = RANDOM.standard_normal((2, n, n)).astype(dtype) / n**0.5
            yield (f"det_{n}_{dtype}", "Det", 11, {}, [x],
                {"tolerance": (2e-4, 1e-6), "expected": [np.linalg.det(x.astype(np.float64)).astype(dtype)]})
