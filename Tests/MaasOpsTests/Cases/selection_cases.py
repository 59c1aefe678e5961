"""Cases for operators that select, place and order elements, for random numbers, and for opsets 1 to 6.

See make-cases.py. Opsets before 7 are expected to give what their schemas say, written in NumPy.
"""
import ml_dtypes
import numpy as np

from extra_cases import NUMBERS, floats, i64, ints

NAN, INF = np.nan, np.inf


def cases():
    for group in (bits, cumulative, einsum, scatter, order, placed, boxes, shapes, random, dropout, legacy):
        yield from group()


def bits():
    signed, unsigned = "int8 int16 int32 int64".split(), "uint8 uint16 uint32 uint64".split()
    for dtype in signed + unsigned:
        a, b = ints(0, 100, 2, 3, dtype=dtype), ints(0, 100, 3, dtype=dtype)
        for op, f in (("And", np.bitwise_and), ("Or", np.bitwise_or), ("Xor", np.bitwise_xor)):
            yield f"Bitwise{op}_{dtype}", f"Bitwise{op}", 18, {}, [a, b], {"expected": [f(a, b)]}
        yield f"BitwiseNot_{dtype}", "BitwiseNot", 18, {}, [a], {"expected": [~a]}
        shift = np.array([0, 1, 3], dtype)
        for direction, f in (("LEFT", np.left_shift), ("RIGHT", np.right_shift)):
            attributes = {"direction": direction}
            yield f"bitshift_{direction}_{dtype}", "BitShift", 28, attributes, [a, shift], {"expected": [f(a, shift)]}
    x, far = np.array([-8, -1, 8, -128], np.int8), np.array([-1, 8, 100, -128], np.int8)
    yield ("bitshift_far_right", "BitShift", 28, {"direction": "RIGHT"}, [x, far],
        {"expected": [np.array([-1, -1, 0, -1], np.int8)]})
    yield "bitshift_far_left", "BitShift", 28, {"direction": "LEFT"}, [x, far], {"expected": [np.zeros(4, np.int8)]}
    far = np.array([64, 2**63], np.uint64)
    yield "bitshift_far_u64", "BitShift", 11, {"direction": "RIGHT"}, [far, far], {"expected": [np.zeros(2, np.uint64)]}


def cumulative():
    for dtype in ("int32", "int64", "uint32", "uint64", "float32", "float64", "float16"):
        x = ints(1, 5, 2, 3, 4, dtype=dtype)
        for op, f in (("CumSum", np.cumsum), ("CumProd", np.cumprod)):
            opset = 14 if op == "CumSum" else 26
            yield (f"{op}_{dtype}", op, opset, {}, [x, np.array(-2, np.int32)],
                {"expected": [f(x, axis=1, dtype=x.dtype)]})
            attributes = {"reverse": 1, "exclusive": 1}
            y = np.flip(f(np.flip(x, 2), axis=2, dtype=x.dtype), 2)
            y = np.concatenate([y[..., 1:], np.full_like(y[..., :1], op == "CumProd")], 2)
            yield f"{op}_{dtype}_reverse", op, opset, attributes, [x, np.array(2, np.int64)], {"expected": [y]}
    big = np.array([2**31 - 1, 1, 5], np.int32)
    y = np.array([2**31 - 1, -(2**31), -(2**31) + 5], np.int32)
    yield "cumsum_wraps", "CumSum", 14, {}, [big, np.array(0, np.int64)], {"expected": [y]}
    yield ("cumsum_empty", "CumSum", 14, {}, [floats(2, 0), np.array(1, np.int64)],
        {"expected": [np.zeros((2, 0), np.float32)]})


EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)], "ij,jk": [(2, 3), (3, 4)], "ji,jk->ik": [(3, 2), (3, 4)],
    "ij,kj->ki": [(2, 3), (4, 3)],
    "bij,bjk->bik": [(2, 2, 3), (2, 3, 4)], "bhqd,bhkd->bhqk": [(1, 2, 3, 4), (1, 2, 5, 4)],
    "bqhd,bkhd->bhqk": [(2, 3, 2, 4), (2, 5, 2, 4)],
    "ii->i": [(3, 3)], "ii": [(3, 3)], "iji->j": [(2, 3, 2)], "ij->": [(2, 3)], "ij->ji": [(2, 3)], "ij->j": [(2, 3)],
    "ba": [(2, 3)],
    "i,i": [(4,), (4,)], "i,j->ij": [(2,), (3,)], "i,j->ji": [(2,), (3,)], "ij,ij->ij": [(2, 3), (2, 3)],
    "ij,i->ij": [(2, 3), (2,)],
    "...ij,...jk->...ik": [(2, 3, 4), (4, 5)], "...i,...i->...": [(2, 1, 3), (4, 3)], "...ii->...i": [(2, 3, 3)],
    "i...->...": [(2, 3, 4)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)], "ab,cb,a->c": [(2, 3), (4, 3), (2,)], "i,i,i->i": [(3,), (3,), (3,)],
    ",ij->ij": [(), (2, 3)],
    "ij,jk->ik ": [(1, 3), (3, 1)], "aab,b->a": [(2, 2, 3), (3,)], "ij,kl->": [(2, 3), (4, 5)],
    "abc,cd,def->feb": [(2, 3, 4), (4, 2), (2, 3, 2)],
    "Ab,bC": [(2, 3), (3, 2)], "ij,jk->k": [(2, 3), (3, 4)], "ij->ij": [(0, 3)], "...,...": [(2, 3), (3,)],
    "...a,a->...": [(2, 3), (3,)],
}  # fmt: skip


def einsum():
    for equation, shapes in EINSUMS.items():
        inputs = [floats(*s) for s in shapes]
        y = np.asarray(np.einsum(equation, *inputs), np.float32)
        yield f"einsum {equation}", "Einsum", 12, {"equation": equation}, inputs, {"expected": [y]}
    for dtype in "int8 int32 int64 uint8 uint64 float64 float16".split():
        for equation in ("bij,bkj->bki", "ij,ij->i", "ij,jk->"):
            shapes = [(2, 2, 3), (2, 4, 3)] if equation[0] == "b" else [(3, 3)] * 2
            inputs = [ints(0, 3, *shape, dtype=dtype) for shape in shapes]
            y = np.asarray(np.einsum(equation, *inputs)).astype(dtype)
            yield f"einsum {equation} {dtype}", "Einsum", 12, {"equation": equation}, inputs, {"expected": [y]}
    a, b = (floats(2, 3).astype(ml_dtypes.bfloat16) for _ in range(2))
    y = np.einsum("ij,kj->ik", a.astype(np.float32), b.astype(np.float32)).astype(ml_dtypes.bfloat16)
    yield "einsum bfloat16", "Einsum", 28, {"equation": "ij,kj->ik"}, [a, b], {"expected": [y]}
    yield ("einsum nothing", "Einsum", 12, {"equation": "ij,jk"}, [floats(2, 0), floats(0, 3)],
        {"expected": [np.zeros((2, 3), np.float32)]})


def scatter():
    x, updates = floats(3, 4), floats(2, 3)
    indices = np.array([[0, -1, 2], [2, 0, -3]], np.int32)
    for op, opset in (("Scatter", 9), ("ScatterElements", 11), ("ScatterElements", 18)):
        yield f"{op}_{opset}_i32", op, opset, {}, [x, indices, updates], {}
        yield f"{op}_{opset}_axis", op, opset, {"axis": -1}, [x, indices.astype(np.int64), updates], {}
    twice = np.array([[1, 1, 0], [1, 0, 0]])
    tuples = np.array([[[0], [2]], [[2], [-1]]])
    combine = {"add": np.add.at, "mul": np.multiply.at, "max": np.maximum.at, "min": np.minimum.at}
    for reduction, at in combine.items():
        for dtype in NUMBERS:
            x, updates = ints(1, 6, 3, 4, dtype=dtype), ints(1, 4, 2, 3, dtype=dtype)
            blocks = ints(1, 4, 2, 2, 4, dtype=dtype)
            y, z = x.copy(), x.copy()
            at(y, (twice, np.arange(3)[None, :]), updates)
            at(z, tuples[..., 0], blocks)
            attributes = {"reduction": reduction}
            yield (f"scatter_elements_{reduction}_{dtype}", "ScatterElements", 18, attributes, [x, twice, updates],
                {"expected": [y]})
            yield f"scatter_nd_{reduction}_{dtype}", "ScatterND", 18, attributes, [x, tuples, blocks], {"expected": [z]}
    for dtype in (np.uint8, np.float16, np.float64, bool):
        x, updates = ints(0, 2, 2, 3, dtype=dtype), ints(0, 2, 2, dtype=dtype)
        indices = i64(1, 2, 0, -1).reshape(2, 2)
        y = x.copy()
        y[tuple(indices.T)] = updates
        yield f"scatter_nd_{np.dtype(dtype).name}", "ScatterND", 13, {}, [x, indices, updates], {"expected": [y]}
    yield "scatter_nd_none", "ScatterND", 11, {}, [floats(2, 3), np.zeros((0, 1), np.int64), floats(0, 3)], {}
    for batch, indices in ((0, ints(0, 2, 2, 2)), (1, ints(-2, 2, 2, 3, 1)), (1, ints(0, 2, 2, 2)),
            (2, ints(0, 2, 2, 2, 1))):
        name = f"gather_nd_{batch}_{'x'.join(map(str, indices.shape))}"
        yield name, "GatherND", 13, {"batch_dims": batch}, [floats(2, 2, 2, 3), indices], {}
    yield "gather_nd_11", "GatherND", 11, {}, [ints(0, 9, 3, 2), i64(2, -1).reshape(1, 2)], {}
    cache, update = floats(2, 5, 2), floats(2, 3, 2)
    for mode, places in (("linear", i64(2, 0)), ("circular", i64(4, 8))):
        yield f"tensor_scatter_{mode}", "TensorScatter", 24, {"mode": mode, "axis": 1}, [cache, update, places], {}


def order():
    x = ints(0, 4, 2, 5, 3)
    for dtype in NUMBERS:
        y = x.astype(dtype)
        for largest in (0, 1):
            attributes = {"largest": largest, "axis": 1}
            key = np.argsort(-x if largest else x, axis=1, kind="stable")[:, :3]
            expected = [np.take_along_axis(y, key, 1), key.astype(np.int64)]
            yield f"topk_{dtype}_{largest}", "TopK", 24, attributes, [y, i64(3)], {"outputs": 2, "expected": expected}
    y = floats(4, 6)
    key = np.argsort(-y, axis=1, kind="stable")[:, :2]
    expected = [np.take_along_axis(y, key, 1), key.astype(np.int64)]
    yield "topk_1", "TopK", 1, {"k": 2}, [y], {"outputs": 2, "expected": expected}
    yield "topk_10", "TopK", 10, {}, [y, i64(2)], {"outputs": 2}
    yield "topk_unsorted_all", "TopK", 11, {"sorted": 1, "axis": 0}, [y, i64(4)], {"outputs": 2}
    yield "topk_none", "TopK", 11, {}, [y, i64(0)], {"outputs": 2, "expected": [y[:, :0], np.zeros((4, 0), np.int64)]}
    y = np.array([0.0, -0.0, NAN, -INF, INF, 1, NAN], np.float32)
    expected = [y[[2, 6, 4, 5]], i64(2, 6, 4, 5)]
    yield "topk_special", "TopK", 11, {}, [y, i64(4)], {"outputs": 2, "expected": expected}
    y = np.array([-0.0, 0.0, 5e-8, -2, 0], np.float16)
    yield "topk_zeros", "TopK", 11, {}, [y, i64(4)], {"outputs": 2, "expected": [y[[2, 0, 1, 4]], i64(2, 0, 1, 4)]}
    for dtype in ("float32", "int64", "int8", "float64", "uint64", "float16"):
        x = ints(0, 5, 3, 4, dtype=dtype)
        y, *rest = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        expected = [y, *(np.asarray(r, np.int64).reshape(-1) for r in rest)]
        yield f"unique_{dtype}", "Unique", 11, {}, [x], {"outputs": 4, "expected": expected}
    x = np.array([[2, 1, 2], [0, 3, 0], [2, 1, 2], [0, 2, 9]], np.float32)
    for axis in (0, 1):
        for is_sorted in (0, 1):
            yield f"unique_{axis}_{is_sorted}", "Unique", 11, {"axis": axis, "sorted": is_sorted}, [x], {"outputs": 4}
    yield "unique_y_only", "Unique", 11, {"sorted": 0}, [ints(0, 3, 9)], {}
    for dtype in ("float32", "bool", "int32", "int64", "uint8", "float16", "float64"):
        yield f"nonzero_{dtype}", "NonZero", 13, {}, [ints(0, 2, 2, 3, 2, dtype=dtype)], {}
    yield "nonzero_special", "NonZero", 9, {}, [np.array([0.0, -0.0, NAN, 1e-40], np.float32)], {}
    yield "nonzero_none", "NonZero", 9, {}, [np.zeros((2, 2), np.float32)], {}
    condition = np.array([True, False, True])
    for axis in (0, 1, -1):
        yield f"compress_{axis}", "Compress", 11, {"axis": axis}, [floats(3, 4), condition], {}
    yield "compress_flat_f64", "Compress", 9, {}, [floats(2, 2, dtype=np.float64), condition], {}
    for dtype in (np.float32, np.float64, np.float16):
        x = ints(0, 3, 2, 3, 4, dtype=dtype)
        for opset, axis in ((1, 1), (11, 2), (11, 0), (13, -1), (13, 1)):
            whole = x if opset >= 13 else x.reshape(int(np.prod(x.shape[:axis])), -1)
            along = axis if opset >= 13 else 1
            place = np.expand_dims(whole.argmax(along), along)
            y = (np.indices(whole.shape)[along] == place).astype(dtype).reshape(x.shape)
            name = f"hardmax_{np.dtype(dtype).name}_{opset}_{axis}"
            yield name, "Hardmax", opset, {"axis": axis}, [x], {"expected": [y]}


def placed():
    x = floats(2, 3, 4)
    for upper in (0, 1):
        for k in (-3, -1, 0, 1, 4, 99):
            f = np.triu if upper else np.tril
            inputs = [x, np.array(k, np.int64)]
            yield f"trilu_{upper}_{k}", "Trilu", 14, {"upper": upper}, inputs, {"expected": [f(x, k)]}
    for dtype in ("bool", "int8", "float64"):
        y = ints(0, 2, 3, 3, dtype=dtype)
        yield f"trilu_{dtype}", "Trilu", 14, {}, [y], {"expected": [np.triu(y)]}
    indices = np.array([[1, -1], [7, -5]], np.int64)
    for axis in (-1, 0, 1):
        yield (f"onehot_{axis}", "OneHot", 11, {"axis": axis},
            [indices, np.array(4, np.int64), np.array([2, 5], np.float32)], {})
    half = np.array([2.7, 0, -1], np.float32)
    y = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1]], bool)
    yield ("onehot_floats", "OneHot", 11, {}, [half, np.array([3.2], np.float64), np.array([False, True])],
        {"expected": [y]})
    for k in (-1, 0, 2, 9):
        attributes = {"k": k, "dtype": 7}
        yield f"eyelike_{k}", "EyeLike", 9, attributes, [floats(3, 4)], {"expected": [np.eye(3, 4, k, np.int64)]}
    y = np.eye(2, 3, 0, np.float16)
    yield "eyelike_f16", "EyeLike", 22, {}, [np.zeros((2, 3), np.float16)], {"expected": [y]}


def boxes():
    b, s = np.abs(floats(2, 6, 4)), np.abs(floats(2, 3, 6))
    s[0, 0, 3:] = s[0, 0, 0]
    limits = [i64(4), np.array([0.3], np.float32), np.array([0.5], np.float32)]
    for centered in (0, 1):
        attributes = {"center_point_box": centered}
        yield f"nms_{centered}", "NonMaxSuppression", 11, attributes, [b, s] + limits, {}
    yield "nms_no_score", "NonMaxSuppression", 10, {}, [b, s] + limits[:2], {}
    yield "nms_default", "NonMaxSuppression", 10, {}, [b, s], {"expected": [np.zeros((0, 3), np.int64)]}


def shapes():
    x = floats(2, 8, 2, 3)
    for mode in ("DCR", "CRD"):
        attributes = {"blocksize": 2, "mode": mode}
        yield f"depth_to_space_{mode}", "DepthToSpace", 13, attributes, [x], {}
        yield f"space_to_depth_{mode}", "SpaceToDepth", 28, attributes, [floats(2, 3, 4, 6)], {}
    yield "depth_to_space_1", "DepthToSpace", 1, {"blocksize": 2}, [x], {}
    yield "space_to_depth_u8", "SpaceToDepth", 13, {"blocksize": 3}, [ints(0, 99, 1, 2, 3, 6, dtype=np.uint8)], {}
    for dtype in (np.float32, np.int64, bool):
        x = ints(0, 2, 4, 5, dtype=dtype)
        yield f"center_crop_pad_{dtype.__name__}", "CenterCropPad", 18, {}, [x, i64(7, 2)], {}
    yield "center_crop_pad_axes", "CenterCropPad", 18, {"axes": [-1]}, [floats(2, 5), np.array([2], np.int32)], {}
    for time, batch, lengths in ((0, 1, i64(1, 4, 2)), (1, 0, i64(3, 1, 2, 3))):
        attributes = {"time_axis": time, "batch_axis": batch}
        yield f"reverse_{time}", "ReverseSequence", 10, attributes, [floats(4, 3, 2), lengths], {}
    yield "reverse_u8", "ReverseSequence", 10, {}, [ints(0, 9, 3, 2, dtype=np.uint8), i64(0, 3)], {}
    for shape in ((1, 1), (4, 4), (2, 3, 5, 5), (0, 2, 2)):
        for dtype in (np.float32, np.float64):
            x = floats(*shape, dtype=dtype)
            y = np.asarray(np.linalg.det(x), dtype)
            yield (f"det_{'x'.join(map(str, shape))}_{dtype.__name__}", "Det", 22, {}, [x],
                {"expected": [y], "tolerance": (1e-5, 1e-6)})
    yield "det_singular", "Det", 11, {}, [np.ones((3, 3), np.float32)], {"expected": [np.array(0, np.float32)]}
    for dtype in NUMBERS:
        x = np.arange(5).astype(dtype) if dtype[0] == "u" else np.arange(-3, 4).astype(dtype)
        y = np.where(x < -1.5, x + 1.5, np.where(x > 1.5, x - 1.5, 0)).astype(dtype) if dtype[0] != "u" else None
        y = np.where(x > 1.5, x - 1.5, 0).astype(dtype) if y is None else y
        yield f"shrink_{dtype}", "Shrink", 9, {"lambd": 1.5, "bias": 1.5}, [x], {"expected": [y]}
    for dtype in (np.float32, np.float64, np.float16):
        x, b = floats(9, dtype=dtype), floats(9, dtype=dtype)
        gate = x.astype(np.float64) / (1 + np.exp(-1.5 * x.astype(np.float64)))
        yield f"swish_{dtype.__name__}", "Swish", 24, {"alpha": 1.5}, [x], {"expected": [gate.astype(dtype)]}
        y = (gate * b).astype(dtype)
        yield f"swiglu_{dtype.__name__}", "SwiGLU", 28, {"alpha": 1.5}, [x, b], {"expected": [y]}


def random():
    for dtype, code in ((np.float32, 1), (np.float64, 11), (np.float16, 10)):
        state = np.random.RandomState(7)
        name = np.dtype(dtype).name
        attributes = {"dtype": code, "seed": 7.0, "shape": [3, 5]}
        y = (state.rand(3, 5) * 3 - 1).astype(dtype)
        yield (f"random_uniform_{name}", "RandomUniform", 1, attributes | {"low": -1.0, "high": 2.0}, [],
            {"expected": [y]})
        y = (np.random.RandomState(7).randn(3, 5) * 2 + 0.5).astype(dtype)
        yield (f"random_normal_{name}", "RandomNormal", 1, attributes | {"mean": 0.5, "scale": 2.0}, [],
            {"expected": [y]})
    x = ints(0, 9, 700)
    y = np.random.RandomState(3).rand(700).astype(np.float32)
    yield "random_uniform_like", "RandomUniformLike", 1, {"seed": 3.9, "dtype": 1}, [x], {"expected": [y]}
    y = np.random.RandomState(0).randn(4, 3).astype(np.float64)
    yield "random_normal_like", "RandomNormalLike", 1, {"seed": 0.0}, [y], {"expected": [y]}
    p = np.array([[0, 1, 0.5, 0.2], [0.9, 0.7, 0.1, 0]], np.float32)
    y = np.random.RandomState(5).binomial(1, p)
    for dtype, code in ((np.float32, 1), (bool, 9), (np.int64, 7)):
        attributes = {"seed": 5.0, "dtype": code}
        yield f"bernoulli_{dtype.__name__}", "Bernoulli", 15, attributes, [p], {"expected": [y.astype(dtype)]}
    certain = np.log(np.array([[1e-30, 1, 1e-30], [1, 1e-30, 1e-30]], np.float32))
    y = np.array([[1] * 4, [0] * 4])
    for dtype, code in ((np.int32, 6), (np.int64, 7)):
        attributes = {"sample_size": 4, "dtype": code}
        yield f"multinomial_{dtype.__name__}", "Multinomial", 7, attributes, [certain], {"expected": [y.astype(dtype)]}
    logits = floats(2, 6)
    p = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    draws = np.random.RandomState(1).rand(2, 9) * p.sum(1, keepdims=True)
    y = np.array([np.searchsorted(np.cumsum(p[i]), draws[i], "right") for i in range(2)], np.int32)
    yield "multinomial_seeded", "Multinomial", 7, {"sample_size": 9, "seed": 1.0}, [logits], {"expected": [y]}


def dropout():
    x = floats(4, 5)
    for dtype in (np.float32, np.float64, np.float16):
        for ratio in (0.25, 0.75):
            keep = np.random.RandomState(9).uniform(0, 1, x.shape) >= ratio
            y = (keep * x.astype(dtype) * dtype(1 / (1 - ratio))).astype(dtype)
            inputs = [x.astype(dtype), np.array(ratio, dtype), np.array(True)]
            name = f"dropout_{np.dtype(dtype).name}_{ratio}"
            yield name, "Dropout", 13, {"seed": 9}, inputs, {"outputs": 2, "expected": [y, keep]}
    inputs = [x, np.array(0.5, np.float32), np.array(False)]
    yield "dropout_off", "Dropout", 12, {"seed": 9}, inputs, {"outputs": 2, "expected": [x, np.ones(x.shape, bool)]}
    for opset in (1, 6):
        attributes = {"is_test": 1, "ratio": 0.3}
        yield f"dropout_{opset}_test", "Dropout", opset, attributes, [x], {"expected": [x]}
        everything = [np.zeros_like(x), np.zeros_like(x)]
        attributes = {"ratio": 0.9999999}
        yield f"dropout_{opset}_train", "Dropout", opset, attributes, [x], {"outputs": 2, "expected": everything}


def legacy():
    x, row, column = floats(2, 3, 4), np.abs(floats(4)), np.abs(floats(3))
    binary = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    compare = {"Greater": np.greater, "Less": np.less}
    logic = {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}
    for op, f in {**binary, **compare, "Pow": np.power}.items():
        base = np.abs(x) if op == "Pow" else x
        for opset in (1, 6):
            if opset == 6 and op not in binary:
                continue
            yield f"{op}_{opset}_equal", op, opset, {}, [base, base], {"expected": [f(base, base)]}
            yield f"{op}_{opset}_row", op, opset, {"broadcast": 1}, [base, row], {"expected": [f(base, row)]}
            attributes = {"broadcast": 1, "axis": 1}
            yield f"{op}_{opset}_axis", op, opset, attributes, [base, column], {"expected": [f(base, column[:, None])]}
    attributes = {"broadcast": 1, "axis": 0}
    first = floats(2, 3)
    yield "Add_6_first", "Add", 6, attributes, [x, first], {"expected": [x + first[..., None]]}
    yield "Add_6_scalar", "Add", 6, {"broadcast": 1}, [x, row[:1]], {"expected": [x + row[0]]}
    flags, some = x > 0, column > 1
    for op, f in logic.items():
        attributes = {"broadcast": 1, "axis": 1}
        yield f"{op}_1_axis", op, 1, attributes, [flags, some], {"expected": [f(flags, some[:, None])]}
    n = ints(0, 3, 2, 3)
    yield ("Equal_1_axis", "Equal", 1, {"broadcast": 1, "axis": 0}, [n, i64(1, 0)],
        {"expected": [n == i64(1, 0)[:, None]]})
    for opset in (1, 6):
        yield f"PRelu_{opset}", "PRelu", opset, {}, [x, column], {"expected": [np.where(x < 0, x * column[:, None], x)]}
        yield f"PRelu_{opset}_shared", "PRelu", opset, {}, [x, row[:1]], {"expected": [np.where(x < 0, x * row[0], x)]}
    a, b, c = floats(2, 3), floats(2, 3), floats(2, 3)
    attributes = {"consumed_inputs": [0, 0, 0]}
    yield "Max_1", "Max", 1, attributes, [a, b, c], {"expected": [np.maximum(np.maximum(a, b), c)]}
    yield "Min_1", "Min", 1, attributes, [a, b, c], {"expected": [np.minimum(np.minimum(a, b), c)]}
    yield "Sum_1", "Sum", 1, attributes, [a, b, c], {"expected": [a + b + c]}
    yield "Mean_1", "Mean", 1, {}, [a, b, c], {"expected": [(a + b + c) / 3]}
    yield "Clip_1", "Clip", 1, {"min": -1.0, "max": 0.5}, [a], {"expected": [np.clip(a, -1, 0.5)]}
    yield "Cast_1", "Cast", 1, {"to": "INT32"}, [a], {"expected": [a.astype(np.int32)]}
    yield "Cast_1_half", "Cast", 1, {"to": "FLOAT16"}, [a], {"expected": [a.astype(np.float16)]}
    yield "Reshape_1", "Reshape", 1, {"shape": [0, -1]}, [x], {"expected": [x.reshape(2, 12)]}
    inputs = [a, np.array([3], np.float32), np.array([1], np.float32)]
    yield "Tile_1", "Tile", 1, {}, inputs, {"expected": [np.tile(a, (1, 3))]}
    y = np.pad(a, ((1, 0), (0, 2)), constant_values=2)
    yield "Pad_1", "Pad", 1, {"paddings": [1, 0, 0, 2], "value": 2.0}, [a], {"expected": [y]}
    yield "Split_1", "Split", 1, {"axis": 1, "split": [1, 2]}, [a], {"outputs": 2, "expected": [a[:, :1], a[:, 1:]]}
    sizes = np.array([2, 1], np.float32)
    yield "Split_1_input", "Split", 1, {"axis": 1}, [a, sizes], {"outputs": 2, "expected": [a[:, :2], a[:, 2:]]}
    yield "Concat_1", "Concat", 1, {}, [a, b], {"expected": [np.concatenate([a, b], 1)]}
    for opset in (1, 6):
        inputs = [a, floats(3, 2), floats(2)]
        y = inputs[0] @ inputs[1] * np.float32(0.5) + inputs[2]
        yield f"Gemm_{opset}", "Gemm", opset, {"broadcast": 1, "alpha": 0.5}, inputs, {"expected": [y]}
