"""Cases beyond ONNX's node tests: older opsets, more element types, corners. See make-cases.py."""
import math

import ml_dtypes
import numpy as np


verbose = False
random = np.random.default_rng(7)


def floats(*shape, dtype=np.float32):
    return random.uniform(-2, 2, shape).astype(dtype)


def ints(low, high, *shape, dtype=np.int64):
    return random.integers(low, high, shape).astype(dtype)


def i64(*values):
    return np.array(values, np.int64)


# Their expected values are rounded to a few digits.
ROUNDED = dict.fromkeys(
    ("test_averagepool_2d_ceil_last_window_starts_on_pad", "test_gridsample_bicubic", "test_roialign_aligned_false",
     "test_roialign_aligned_true"), (1e-3, 1e-4)
)  # fmt: skip


def skips(name):
    """ONNX's node tests that need what maas does not have, or whose random numbers have no seed."""
    return any(part in name for part in ("_expanded", "_image_decoder_", "optional_", "bernoulli"))


def cases():
    for group in (axes, softmax, movement, arithmetic, unary, casts, products, convolutions, pools, recurrent, other):
        yield from group()


def axes():
    x = floats(1, 3, 1, 2)
    for opset in (8, 11):
        yield f"squeeze_{opset}", "Squeeze", opset, {"axes": [0, 2]}, [x], {}
        yield f"unsqueeze_{opset}", "Unsqueeze", opset, {"axes": [0, 3]}, [floats(2, 3)], {}
    yield "squeeze_all", "Squeeze", 13, {}, [x], {}
    for op in "Sum Mean Max Min Prod L1 L2 SumSquare LogSumExp".split():
        x = floats(2, 3, 4)
        yield f"reduce_{op}_attribute", f"Reduce{op}", 11, {"axes": [-1, 0], "keepdims": 0}, [x], {}
        yield f"reduce_{op}_all", f"Reduce{op}", 11, {}, [x], {}
        yield f"reduce_{op}_double", f"Reduce{op}", 11, {"axes": [1]}, [x.astype(np.float64)], {}
        yield f"reduce_{op}_f16", f"Reduce{op}", 18, {}, [x.astype(np.float16), i64(1)], {}
    for op in "Sum Mean Max Min Prod".split():
        for dtype in (np.int32, np.int64):
            x = ints(-9, 9, 3, 4, 2, dtype=dtype)
            yield f"reduce_{op}_{dtype.__name__}", f"Reduce{op}", 11, {"axes": [0, 2]}, [x], {}
    x = np.exp(floats(2, 3))
    yield "reduce_LogSum_attribute", "ReduceLogSum", 11, {"axes": [1]}, [x], {}
    for dtype in (np.float32, np.float64):
        x, y = np.array([[1, np.nan], [np.nan, 2], [3, 2]], dtype), np.array([[np.nan], [np.nan], [3]], dtype)
        yield f"reduce_nan_{np.dtype(dtype).name}", "ReduceMax", 11, {"axes": [1]}, [x], {"expected": [y]}
    for op, kept in (("Sum", 0), ("Prod", 1), ("SumSquare", 0)):
        empty = floats(2, 0, 4)
        yield (f"reduce_{op}_empty_axis", f"Reduce{op}", 18, {}, [empty, i64(1)],
            {"expected": [np.full((2, 1, 4), kept, np.float32)]})
    yield "reduce_noop", "ReduceSum", 13, {"noop_with_empty_axes": 1}, [x, np.zeros(0, np.int64)], {}


def softmax():
    for op in ("Softmax", "LogSoftmax"):
        for opset, axis in ((11, 1), (11, 0), (11, -1), (13, 0), (13, 1)):
            yield f"{op}_{opset}_{axis}", op, opset, {"axis": axis}, [floats(2, 3, 4)], {}
        yield f"{op}_default_9", op, 9, {}, [floats(2, 3, 4)], {}
        yield f"{op}_double", op, 13, {"axis": 1}, [floats(2, 3, 4, dtype=np.float64)], {}
        yield f"{op}_f16", op, 13, {}, [floats(2, 3, dtype=np.float16)], {}
    yield "softmax_large", "Softmax", 13, {}, [np.array([[1e4, 1e4 + 1, -1e4]], np.float32)], {}


def movement():
    x = floats(4, 5, 6)
    yield "slice_9", "Slice", 9, {"axes": [0, 2], "starts": [1, -4], "ends": [3, 2**31 - 1]}, [x], {}
    yield "slice_9_all", "Slice", 9, {"starts": [1, 1, -1], "ends": [-1, 9, 6]}, [x], {}
    inputs = [x, i64(-1, 10), i64(-100, 1), i64(1, 2), i64(-2, -3)]
    yield "slice_negative_steps", "Slice", 13, {}, inputs, {}
    yield "slice_empty", "Slice", 10, {}, [x, i64(3), i64(2), i64(1)], {}
    yield "slice_i32", "Slice", 10, {}, [x] + [np.array([v], np.int32) for v in (0, 4, 2, 2)], {}
    for dtype in (np.int8, np.float16, np.int64, bool):
        x = ints(0, 2, 3, 4, dtype=dtype)
        yield f"transpose_{dtype.__name__}", "Transpose", 13, {}, [x], {}
        yield f"concat_{dtype.__name__}", "Concat", 13, {"axis": -1}, [x, x[:, :1], x[:, 2:]], {}
    yield "concat_empty", "Concat", 8, {"axis": 0}, [floats(2, 3), floats(0, 3), floats(1, 3)], {}
    for opset, attributes in ((8, {"axis": 1, "split": [1, 2, 1]}), (11, {"axis": -1, "split": [1, 2, 1]})):
        yield f"split_{opset}", "Split", opset, attributes, [floats(2, 4)], {"outputs": 3}
    yield "split_equal_11", "Split", 11, {}, [floats(4, 2)], {"outputs": 2}
    for mode in ("constant", "reflect", "edge"):
        attributes = {"mode": mode, "pads": [0, 1, 2, 1, 0, 1]}
        yield f"pad_8_{mode}", "Pad", 8, attributes, [floats(2, 3, 4)], {}
        yield f"pad_13_{mode}", "Pad", 13, {"mode": mode}, [floats(2, 3, 4), i64(1, 0, 1, 0, 2, 3)], {}
    yield "pad_negative", "Pad", 13, {}, [floats(4, 5), i64(-1, 2, 1, -2), np.array(3, np.float32)], {}
    yield "pad_value_8", "Pad", 8, {"pads": [1, 1], "value": 1.5}, [floats(3)], {}
    yield "pad_i64", "Pad", 13, {}, [ints(0, 9, 3), i64(1, 2), np.array(-7, np.int64)], {}
    yield "gather_i32_negative", "Gather", 9, {"axis": 1}, [floats(2, 4, 3), np.array([[-1, 0], [2, -4]], np.int32)], {}
    yield "gather_bool", "Gather", 13, {}, [np.array([True, False, True]), np.array(1, np.int64)], {}
    indices = np.array([[0, -1, 1], [1, 1, -2]], np.int32)
    yield "gather_elements_i32", "GatherElements", 13, {}, [floats(2, 3), indices], {}
    yield "expand_bool", "Expand", 8, {}, [np.array([[True], [False]]), i64(3, 2, 4)], {}
    yield "tile_i32", "Tile", 13, {}, [ints(0, 9, 2, 3, dtype=np.int32), i64(2, 3)], {}
    yield "tile_zero", "Tile", 13, {}, [floats(2, 3), i64(0, 1)], {}
    condition = np.array([[True], [False]])
    for dtype in (np.uint8, np.float16, np.float64, bool):
        inputs = [condition, ints(0, 2, 2, 3, dtype=dtype), ints(0, 2, 3, dtype=dtype)]
        yield f"where_{dtype.__name__}", "Where", 16, {}, inputs, {}
    yield "flatten_negative", "Flatten", 11, {"axis": -1}, [floats(2, 3, 4)], {}
    yield "reshape_8", "Reshape", 8, {}, [floats(2, 3, 4), i64(0, -1)], {}
    yield "dropout_8", "Dropout", 8, {"ratio": 0.5}, [floats(3)], {"outputs": 2}


NUMBERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()


def arithmetic():
    for op in "Add Sub Mul Div".split():
        for dtype in NUMBERS:
            a, b = ints(1, 12, 2, 3, dtype=dtype), ints(1, 5, 3, dtype=dtype)
            yield f"{op}_{dtype}", op, 14, {}, [a, b], {}
    a, b = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    yield "div_truncates", "Div", 14, {}, [a, b], {"expected": [np.array([3, -3, -3, 3], np.int32)]}
    lowest = np.array([-(2**31)], np.int32)
    yield "div_lowest", "Div", 14, {}, [lowest, np.array([-1], np.int32)], {"expected": [lowest]}
    yield ("add_wraps", "Add", 14, {}, [lowest, np.array([-1], np.int32)],
        {"expected": [np.array([2**31 - 1], np.int32)]})
    yield "add_middle", "Add", 7, {}, [floats(2, 3, 4, 2), floats(3, 1, 2)], {}
    yield "add_scalar", "Add", 7, {}, [np.array(2, np.float32), floats(3, 4)], {}
    for op in "Equal Less Greater LessOrEqual GreaterOrEqual".split():
        for dtype in ("float32", "float64", "int32", "int64"):
            opset = 16 if op.endswith("Equal") and op != "Equal" else 13
            yield f"{op}_{dtype}", op, opset, {}, [ints(0, 3, 3, 4, dtype=dtype), ints(0, 3, 4, dtype=dtype)], {}
    yield "equal_bool", "Equal", 11, {}, [np.array([True, False]), np.array([[True], [False]])], {}
    nan = np.array([np.nan, 1], np.float32)
    for op in ("Max", "Min"):
        yield f"{op}_three", op, 13, {}, [floats(2, 1), floats(3), floats(1)], {}
        yield f"{op}_nan", op, 13, {}, [nan, nan[::-1].copy()], {}
        yield f"{op}_int64", op, 13, {}, [ints(-5, 5, 4), ints(-5, 5, 4)], {}
    for op in ("Sum", "Mean"):
        yield f"{op}_three", op, 13, {}, [floats(2, 1), floats(3), floats(1)], {}
        yield f"{op}_double", op, 13, {}, [floats(3, dtype=np.float64) for _ in range(3)], {}
    a, b = np.array([-7, 7, -7, 7, 0], np.int64), np.array([3, -3, -3, 3, 2], np.int64)
    yield "mod_signs", "Mod", 13, {}, [a, b], {}
    yield "fmod_signs", "Mod", 13, {"fmod": 1}, [a, b], {}
    yield "fmod_float", "Mod", 13, {"fmod": 1}, [a.astype(np.float32), b.astype(np.float32)], {}
    base = np.array([1, 2, 3, 4], np.float32)
    for dtype in (np.float32, np.int32, np.int64, np.float64):
        yield f"pow_f32_{dtype.__name__}", "Pow", 13, {}, [base, np.array([2], dtype)], {}
    yield "pow_i64_f32", "Pow", 13, {}, [base.astype(np.int64), np.array([2, 0.5, 3, 1.5], np.float32)], {}
    yield "pow_i32", "Pow", 13, {}, [np.array([-2, 3, 0], np.int32), np.array([3, 2, 0], np.int32)], {}
    yield "prelu_channels", "PRelu", 9, {}, [floats(2, 3, 4), floats(3, 1)], {}
    yield "prelu_double", "PRelu", 9, {}, [floats(2, 3, dtype=np.float64), floats(3, dtype=np.float64)], {}


UNARY = {
    "Abs": 13, "Acos": 7, "Acosh": 9, "Asin": 7, "Asinh": 9, "Atan": 7, "Atanh": 9, "Ceil": 13, "Celu": 12, "Cos": 7,
    "Cosh": 9, "Elu": 6, "Erf": 13, "Exp": 13, "Floor": 13, "Gelu": 20, "HardSigmoid": 6, "HardSwish": 14,
    "LeakyRelu": 16, "Log": 13, "Mish": 18, "Neg": 13, "Reciprocal": 13, "Relu": 14, "Round": 11, "Selu": 6,
    "Sigmoid": 13, "Sign": 13, "Sin": 7, "Sinh": 9, "Softplus": 1, "Softsign": 1, "Sqrt": 13, "Tan": 7, "Tanh": 13,
    "ThresholdedRelu": 10,
}  # fmt: skip


def unary():
    domains = {"Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.9, 0.9), "Acosh": (1, 5), "Log": (0.1, 9), "Sqrt": (0, 9)}
    for op, opset in UNARY.items():
        opset = max(opset, 7)
        low, high = domains.get(op, (-4, 4))
        for dtype in (np.float32, np.float64, np.float16):
            if dtype != np.float32 and op in ("Celu", "Selu", "Elu", "ThresholdedRelu", "HardSigmoid", "Gelu", "Mish"):
                if dtype == np.float16 or op in ("Gelu", "Mish"):
                    continue
            x = np.linspace(low, high, 19).astype(dtype)
            more = {}
            if dtype == np.float64 and op == "Erf":
                more["expected"] = [np.array([math.erf(v) for v in x])]
            if dtype == np.float64 and op == "HardSwish":
                more["expected"] = [x * np.clip(x / 6 + 0.5, 0, 1)]
            yield f"{op}_{np.dtype(dtype).name}", op, opset, {}, [x], more
    for op, dtypes in {"Abs": NUMBERS[:8], "Neg": NUMBERS[:4], "Sign": NUMBERS[:8], "Relu": NUMBERS[:4]}.items():
        for dtype in dtypes:
            x = np.array([0, 1, 5, 100] if dtype[0] == "u" else [0, 1, -5, 100, -100]).astype(dtype)
            yield f"{op}_{dtype}", op, UNARY[op], {}, [x], {}
    x = np.linspace(-3, 3, 13).astype(np.float32)
    yield "clip_8", "Clip", 8, {"min": -1.0, "max": 2.0}, [x], {}
    yield "clip_8_open", "Clip", 8, {"max": 0.5}, [x], {}
    yield "clip_max_only", "Clip", 13, {}, [x, None, np.array(1, np.float32)], {}
    for dtype in (np.int32, np.int64, np.uint8, np.float64):
        bounds = [np.array(2, dtype), np.array(6, dtype)]
        yield f"clip_{np.dtype(dtype).name}", "Clip", 13, {}, [np.arange(9).astype(dtype)] + bounds, {}
    special = np.array([np.inf, -np.inf, np.nan, 1], np.float32)
    for positive, negative in ((1, 1), (0, 1), (1, 0), (0, 0)):
        attributes = {"detect_positive": positive, "detect_negative": negative}
        yield f"isinf_{positive}{negative}", "IsInf", 10, attributes, [special], {}
    yield "isnan_double", "IsNaN", 13, {}, [special.astype(np.float64)], {}


def casts():
    types = dict.fromkeys(NUMBERS + ["bool"])
    codes = dict(zip(NUMBERS, (3, 5, 6, 7, 2, 4, 12, 13, 10, 1, 11))) | {"bool": 9}
    dtypes = {name: np.dtype(name) for name in types} | {"bfloat16": np.dtype(ml_dtypes.bfloat16)}
    codes["bfloat16"] = 16
    for source, a in dtypes.items():
        values = [0, 1, 2, 100] + ([-3, -100] if a.kind in "if" or source == "bfloat16" else [])
        values += [0.5, 1.75, 33.3] if a.kind == "f" or source == "bfloat16" else []
        x = np.array(values).astype(a)
        for target, b in dtypes.items():
            # What C leaves open is left out.
            keep = x if b.kind != "u" else x[x.astype(np.float64) >= 0]
            y = keep.astype(np.float64).astype(b) if b.kind != "b" else keep != 0
            yield f"cast_{source}_{target}", "Cast", 13, {"to": codes[target]}, [keep], {"expected": [y]}
    halves = np.array([65504, 65519.9, 65520, 6e-8, 2e-8, 3e-8, 6.1e-5, -1e-7, 2049, 2051, np.inf, -0.0], np.float32)
    yield "cast_half_rounding", "Cast", 13, {"to": 10}, [halves], {"expected": [halves.astype(np.float16)]}
    back = np.arange(0, 65536, 331, dtype=np.uint16).view(np.float16)
    yield "cast_half_back", "Cast", 13, {"to": 1}, [back], {"expected": [back.astype(np.float32)]}
    bfloats = np.array([1, 1.00390625, 1.01171875, 3.4e38, 1e-40, np.inf, -3.3], np.float32)
    y = bfloats.astype(ml_dtypes.bfloat16)
    yield "cast_bfloat_rounding", "Cast", 13, {"to": 16}, [bfloats], {"expected": [y]}
    yield "castlike_f32_i64", "CastLike", 15, {}, [np.array([1.5, -2.5], np.float32), np.array(1, np.int64)], {}
    yield "cast_not_a_bool", "Cast", 13, {"to": 9}, [np.array([np.nan, 0, -0.0, 0.1], np.float32)], {}
    wild = np.array([np.nan, np.inf, -np.inf, 1e10, -1e10, 1e20], np.float32)
    yield "cast_wild_i32", "Cast", 13, {"to": 6}, [wild], {}
    yield "cast_wild_i64", "Cast", 13, {"to": 7}, [wild], {}


def products():
    for a, b in (
        ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 2, 3), (3,)), ((3,), (2, 3, 4)), ((2, 3), (3, 4)),
        ((2, 1, 3, 4), (3, 4, 2)), ((5, 2, 3), (3, 4)), ((2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
        ((1, 33), (33, 20)), ((7, 5), (5, 17)),
    ):  # fmt: skip
        name = "_".join("x".join(map(str, s)) for s in (a, b))
        yield f"matmul_{name}", "MatMul", 13, {}, [floats(*a), floats(*b)], {}
    for dtype in (np.float64, np.int32, np.int64, np.uint32, np.float16):
        a, b = ints(0, 9, 2, 3, 4, dtype=dtype), ints(0, 9, 4, 2, dtype=dtype)
        yield f"matmul_{np.dtype(dtype).name}", "MatMul", 13, {}, [a, b], {}
    for i, c in enumerate(((), (5,), (1,), (4, 1), (1, 5), (4, 5))):
        yield f"gemm_bias_{i}", "Gemm", 13, {"alpha": 0.5, "beta": 2.0}, [floats(4, 3), floats(3, 5), floats(*c)], {}
    for ta, tb in ((0, 1), (1, 0), (1, 1)):
        inputs = [floats(*((3, 4) if ta else (4, 3))), floats(*((5, 3) if tb else (3, 5))), floats(5)]
        yield f"gemm_{ta}{tb}", "Gemm", 9, {"transA": ta, "transB": tb}, inputs, {}
        wide = [x.astype(np.float64) for x in inputs]
        yield f"gemm_double_{ta}{tb}", "Gemm", 13, {"transA": ta, "transB": tb, "alpha": 0.5}, wide, {}
    for name, a, b in (("rows", (70, 40), (40, 50)), ("batch", (2, 1, 9, 33), (3, 33, 26)),
            ("vector", (33,), (33, 70))):
        wide = [x.astype(np.float64) for x in (floats(*a), floats(*b))]
        yield f"matmul_double_{name}", "MatMul", 13, {}, wide, {}


def convolutions():
    x = floats(1, 4, 5, 6)
    for name, w, attributes in (
        ("plain", (3, 4, 3, 3), {}), ("pads", (2, 4, 3, 3), {"pads": [1, 0, 2, 1]}), ("pointwise", (5, 4, 1, 1), {}),
        ("strides", (2, 4, 3, 2), {"strides": [2, 3], "pads": [1, 1, 1, 1]}), ("groups", (4, 2, 3, 3), {"group": 2}),
        ("dilations", (2, 4, 2, 2), {"dilations": [2, 3]}), ("depthwise", (4, 1, 3, 3), {"group": 4, "pads": [1] * 4}),
        ("multiplier", (8, 1, 3, 3), {"group": 4}),
        ("upper", (2, 4, 2, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("lower", (2, 4, 2, 4), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ("valid", (2, 4, 3, 3), {"auto_pad": "VALID"}),
    ):  # fmt: skip
        yield f"conv_{name}", "Conv", 8, attributes, [x, floats(*w), floats(w[0])], {}
    yield "conv_1d", "Conv", 11, {"pads": [1, 2], "strides": [2]}, [floats(2, 3, 9), floats(4, 3, 3)], {}
    yield "conv_3d", "Conv", 11, {"pads": [1] * 6}, [floats(1, 2, 3, 4, 3), floats(2, 2, 2, 3, 2), floats(2)], {}
    wide = [v.astype(np.float64) for v in (floats(1, 4, 5, 5), floats(4, 2, 3, 3), floats(4))]
    yield "conv_double", "Conv", 11, {"group": 2, "pads": [1, 0, 1, 2], "strides": [1, 2]}, wide, {}
    narrow = [v.astype(np.float16) for v in (floats(1, 2, 5, 5), floats(2, 2, 3, 3))]
    yield "conv_f16", "Conv", 11, {}, narrow, {"tolerance": (5e-3, 5e-3)}
    for opset in (8, 9, 15):
        inputs = [floats(2, 3, 4), floats(3), floats(3), floats(3), np.abs(floats(3))]
        yield f"batch_norm_{opset}", "BatchNormalization", opset, {"epsilon": 1e-3}, inputs, {}
    wide = [v.astype(np.float64) for v in inputs]
    yield "batch_norm_double", "BatchNormalization", 15, {}, wide, {}
    for dtype in (np.float64, np.float16):
        inputs = [floats(2, 3, 4, dtype=dtype), floats(4, dtype=dtype), floats(4, dtype=dtype)]
        yield f"layer_norm_{np.dtype(dtype).name}", "LayerNormalization", 17, {}, inputs, {}
    inputs = [floats(2, 3, 4), floats(4), floats(3, 1)]
    yield "layer_norm_spread", "LayerNormalization", 17, {"axis": 1}, inputs, {}


def pools():
    x = floats(1, 2, 5, 6)
    for name, attributes in (
        ("pads", {"pads": [1, 0, 1, 1]}), ("strides", {"strides": [2, 3]}), ("upper", {"auto_pad": "SAME_UPPER"}),
        ("lower", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}), ("valid", {"auto_pad": "VALID"}),
    ):  # fmt: skip
        attributes = {"kernel_shape": [3, 2], **attributes}
        yield f"maxpool_{name}", "MaxPool", 8, attributes, [x], {"outputs": 2}
        yield f"averagepool_{name}", "AveragePool", 8, attributes, [x], {}
        yield f"averagepool_{name}_double", "AveragePool", 11, attributes, [x.astype(np.float64)], {}
        yield f"maxpool_{name}_double", "MaxPool", 12, attributes, [x.astype(np.float64)], {}
    attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    yield "averagepool_include", "AveragePool", 7, attributes, [x], {}
    yield "averagepool_include_double", "AveragePool", 11, attributes, [x.astype(np.float64)], {}
    yield "maxpool_ceil", "MaxPool", 10, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, [x], {}
    yield "maxpool_1d", "MaxPool", 8, {"kernel_shape": [2]}, [floats(2, 3, 5)], {}
    attributes = {"kernel_shape": [2, 2], "dilations": [2, 3], "storage_order": 1}
    yield "maxpool_column_major", "MaxPool", 12, attributes, [x], {"outputs": 2}
    for dtype in (np.int8, np.uint8):
        x8 = ints(0, 100, 1, 1, 4, 4, dtype=dtype)
        yield f"maxpool_{dtype.__name__}", "MaxPool", 12, {"kernel_shape": [2, 2]}, [x8], {}
    yield "global_average_double", "GlobalAveragePool", 1, {}, [floats(2, 3, 2, 2, dtype=np.float64)], {}
    yield "global_max_3d", "GlobalMaxPool", 1, {}, [floats(2, 3, 2, 2, 2)], {}


def recurrent():
    def lstm(directions, steps, batch, inputs, hidden):
        return [
            floats(steps, batch, inputs), floats(directions, 4 * hidden, inputs),
            floats(directions, 4 * hidden, hidden),
            floats(directions, 8 * hidden), None, None, None, None,
        ]  # fmt: skip

    close = {"outputs": 3, "tolerance": (1e-4, 1e-5)}
    for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        attributes = {"hidden_size": 3, "direction": direction}
        inputs = lstm(count, 4, 2, 5, 3)
        yield f"lstm_{direction}", "LSTM", 14, attributes, inputs, close
        inputs = lstm(count, 4, 2, 5, 3)
        inputs[4:] = [np.array([2, 4], np.int32), floats(count, 2, 3), floats(count, 2, 3), floats(count, 9)]
        yield f"lstm_{direction}_everything", "LSTM", 14, attributes, inputs, close
    yield "lstm_blocks", "LSTM", 7, {"hidden_size": 2}, lstm(1, 3, 37, 2, 2), close
    # So many gates that they are computed for a few steps at a time.
    for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        inputs = lstm(count, 5, 256 // count, 3, 128)
        inputs[2] *= np.float32(0.1)
        inputs[4] = np.arange(256 // count, dtype=np.int32) % 5 + 1
        yield f"lstm_{direction}_stretches", "LSTM", 14, {"hidden_size": 128, "direction": direction}, inputs, close
    inputs = lstm(1, 3, 2, 2, 4)
    yield "lstm_clip", "LSTM", 14, {"hidden_size": 4, "clip": 0.5, "input_forget": 0}, inputs, close
    attributes = {"hidden_size": 4, "activations": ["HardSigmoid", "Relu", "Softsign"]}
    yield "lstm_activations", "LSTM", 14, attributes, inputs, close


def other():
    for op in ("ArgMax", "ArgMin"):
        for dtype in (np.float32, np.float64, np.int32):
            x = ints(0, 3, 3, 4, 2, dtype=dtype)
            yield f"{op}_{np.dtype(dtype).name}", op, 12, {"axis": 1}, [x], {}
            yield (f"{op}_{np.dtype(dtype).name}_last", op, 12, {"axis": -2, "select_last_index": 1, "keepdims": 0},
                [x], {})
    for dtype, parts in ((np.float64, (0, 1, 0.1)), (np.int16, (10, 0, -3)), (np.int32, (3, 3, 1)),
            (np.int64, (5, 2, 1))):
        yield f"range_{np.dtype(dtype).name}_{parts[0]}", "Range", 11, {}, [np.array(p, dtype) for p in parts], {}
