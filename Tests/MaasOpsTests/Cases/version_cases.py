"""A case for every version in ONNX's schema history; old ones with what their attributes meant. See make-cases.py.

A row is an operator, its first and last version, attributes, inputs and options. Where ONNX Runtime does not read the
old form, the option `means` has the same in a newer one: (opset, attributes, inputs).
"""
import collections

import ml_dtypes
import numpy as np
import onnx
from onnx import helper
from onnx.numpy_helper import to_float8e8m0

from extra_cases import floats, i64, ints

NEWEST = 99
RUNTIMES_FIRST = 7  # The first opset that ONNX Runtime reads.
HISTORY = collections.defaultdict(dict)
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        HISTORY[schema.name][schema.since_version] = schema
REMOVED = {("Scatter", 11), ("Upsample", 10)}  # No model can have them.
CONSUMED = "consumed_inputs"  # What opset 1 says of memory: no value depends on it.


def cases():
    groups = unary, legacy_broadcast, operators, reductions, attributes_now_inputs, normalizations, pools, convolutions
    rows = [row for group in (*groups, recurrent, selection, drawn, casts, quantization, images, attention)
        for row in group()]
    for i, (op, first, last, attributes, inputs, *options) in enumerate(rows):
        for version in sorted(HISTORY[op]):
            schema = HISTORY[op][version]
            if first <= version <= last and (op, version) not in REMOVED:
                given = attributes | ({CONSUMED: [0]} if CONSUMED in schema.attributes else {})
                means = {"means": (max(version, RUNTIMES_FIRST), attributes, inputs)}
                yield f"version_{op}_{version}_{i}", op, version, given, inputs, means | (options[0] if options else {})


def unary():
    x, positive = floats(2, 3, 4), np.abs(floats(2, 3, 4)) + 0.1
    plain = "Abs Ceil Exp Floor Neg Reciprocal Relu Sigmoid Tanh Erf Sign Softplus Softsign"
    for op in [*plain.split(), "Identity", "Transpose", "Shape", "Size"]:
        yield op, 1, NEWEST, {}, [x]
    for op in "Log", "Sqrt":
        yield op, 1, NEWEST, {}, [positive]
    for op in "Elu Selu HardSigmoid LeakyRelu ThresholdedRelu Celu".split():
        yield op, 1, NEWEST, {}, [x]
        yield op, 1, NEWEST, {"alpha": 0.3} | ({"gamma": 1.2} if op == "Selu" else {}), [x]
    yield "HardSigmoid", 1, NEWEST, {"beta": 0.4}, [x]
    yield "IsNaN", 9, NEWEST, {}, [np.array([1, np.nan, np.inf], np.float32)]
    for op in "Softmax", "LogSoftmax", "Hardmax":
        for axis in 0, 1, 2:
            yield op, 1, NEWEST, {"axis": axis}, [x]
    yield "Flatten", 1, NEWEST, {}, [x]
    yield "Flatten", 1, NEWEST, {"axis": 2}, [x]
    yield "Transpose", 1, NEWEST, {"perm": [2, 0, 1]}, [x]
    yield "Shape", 15, NEWEST, {"start": 1, "end": -1}, [x]


def legacy_broadcast():
    """Before opset 7 the second operand is repeated when asked, its first axis at `axis`, or its last at the last."""
    a, b = np.abs(floats(2, 3, 4, 5)) + 0.5, np.abs(floats(3, 4)) + 0.5
    number = {op: (a, b) for op in "Add Sub Mul Div Pow Greater Less".split()}
    number["Equal"] = ints(0, 3, 2, 3, 4, 5, dtype=np.int32), ints(0, 3, 3, 4, dtype=np.int32)
    number |= {op: (a > 1.5, b > 1.5) for op in "And Or Xor".split()}
    for op, (x, y) in number.items():
        for axis, axes in ((1, (0, 3)), (0, (2, 3))):
            part = y if axis else x[:, :, 0, 0]
            whole = np.expand_dims(part, axes)
            yield op, 1, 6, {"broadcast": 1, "axis": axis}, [x, part], {"means": (13, {}, [x, whole])}
        yield op, 1, 6, {"broadcast": 1}, [x, x[0, 0]], {"means": (13, {}, [x, x[0, 0]])}
        yield op, 1, 6, {"broadcast": 1}, [x, x[0, 0, 0, 0]], {"means": (13, {}, [x, x[0, 0, 0, 0]])}
        yield op, 1, 6, {}, [x, x[::-1].copy()], {"means": (13, {}, [x, x[::-1].copy()])}
        yield op, 7, NEWEST, {}, [x, y[:, :, None]]
    p, q, r = floats(4, 3), floats(5, 4), floats(5)
    scaled = {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1}
    p3 = p[:, :3]
    yield "Gemm", 1, 6, scaled | {"broadcast": 1}, [p3, q, r], {"means": (13, scaled, [p3, q, r])}
    yield "Gemm", 1, 6, {}, [p3.T.copy(), q.T.copy(), floats(3, 5)], {}
    yield "Gemm", 7, NEWEST, scaled, [p3, q, r]
    x, slope = floats(2, 3, 4), floats(3)
    yield "PRelu", 1, 6, {}, [x, slope], {"means": (16, {}, [x, slope[:, None]])}
    yield "PRelu", 1, 6, {}, [x, slope[:1]], {"means": (16, {}, [x, slope[:1]])}
    yield "PRelu", 7, NEWEST, {}, [x, slope[:, None]]


def operators():
    x, y, z = floats(2, 3, 4), floats(2, 3, 4), floats(2, 2, 4)
    for op in "Sum", "Mean", "Max", "Min":
        yield op, 1, NEWEST, {}, [x, y, -x / 2]
        yield op, 8, NEWEST, {}, [x, y[0]]
    for op in "GreaterOrEqual", "LessOrEqual":
        yield op, 12, NEWEST, {}, [x, y[1]]
    a, b = ints(-9, 9, 3, 4), ints(1, 5, 4)
    yield "Equal", 1, 6, {}, [a.astype(np.int32), a.astype(np.int32)], {"means": (13, {}, [a, a])}
    yield "Mod", 10, NEWEST, {}, [a, b]
    yield "Mod", 10, NEWEST, {"fmod": 1}, [x, y]
    yield "MatMul", 1, NEWEST, {}, [x, floats(4, 5)]
    yield "Concat", 1, NEWEST, {"axis": 1}, [x, z]
    yield "Concat", 1, 1, {}, [x, z], {"means": (13, {"axis": 1}, [x, z])}
    for kind, number in (("INT32", 6), ("DOUBLE", 11), ("BOOL", 9), ("FLOAT16", 10)):
        yield "Cast", 1, 1, {"to": kind}, [x], {"means": (13, {"to": number}, [x])}
        yield "Cast", 6, NEWEST, {"to": number}, [x]
    yield "Cast", 19, NEWEST, {"to": 17, "saturate": 0}, [x], {"reference": True}
    yield "CastLike", 15, NEWEST, {}, [x, np.zeros(1, np.int32)]
    blocks = floats(1, 8, 2, 2)
    yield "DepthToSpace", 1, NEWEST, {"blocksize": 2}, [blocks]
    yield "DepthToSpace", 11, NEWEST, {"blocksize": 2, "mode": "CRD"}, [blocks]
    yield "SpaceToDepth", 1, NEWEST, {"blocksize": 2}, [floats(1, 2, 4, 2)]
    value = helper.make_tensor("v", 6, [1], [7])
    for values in {}, {"value": value}:
        yield "ConstantOfShape", 9, NEWEST, values, [i64(2, 3)]
    yield "CumSum", 11, NEWEST, {"reverse": 1, "exclusive": 1}, [x, np.array(1, np.int32)]


def reductions():
    x = np.abs(floats(2, 3, 4)) + 0.1
    for op in "Sum Mean Max Min Prod L1 L2 SumSquare LogSum LogSumExp".split():
        last = 12 if op == "Sum" else 17
        for attributes in {}, {"axes": [0, 2]}, {"axes": [1], "keepdims": 0}:
            yield f"Reduce{op}", 1, last, attributes, [x]
        yield f"Reduce{op}", 11, last, {"axes": [-1]}, [x]
        yield f"Reduce{op}", last + 1, NEWEST, {"keepdims": 0}, [x, i64(-1, 0)]
        yield f"Reduce{op}", last + 1, NEWEST, {"noop_with_empty_axes": 1}, [x, i64()], {"reference": True}
    for op in "ArgMax", "ArgMin":
        yield op, 1, NEWEST, {"axis": 1, "keepdims": 0}, [x]
        yield op, 1, NEWEST, {}, [x]
        yield op, 11, NEWEST, {"axis": -1}, [x]
        yield op, 12, NEWEST, {"axis": 1, "select_last_index": 1}, [np.ones((2, 3), np.float32)]


def attributes_now_inputs():
    x, bound = floats(2, 3, 4), np.float32(0.5)
    yield "Clip", 1, 6, {"min": -0.5, "max": 0.5}, [x], {"means": (13, {}, [x, -bound, bound])}
    yield "Clip", 1, 6, {}, [x], {"means": (13, {}, [x])}
    yield "Clip", 11, NEWEST, {}, [x, -bound, bound]
    yield "Clip", 12, NEWEST, {}, [ints(-9, 9, 5), np.int64(-2), None]
    pads = [0, 1, 0, 0, 0, 2]
    for mode in "constant", "reflect", "edge":
        for version, name in ((1, "paddings"), (2, "pads")):
            means = {"means": (13, {"mode": mode}, [x, i64(*pads), np.float32(1.5)])}
            yield "Pad", version, version, {name: pads, "mode": mode, "value": 1.5}, [x], means
        yield "Pad", 11, NEWEST, {"mode": mode}, [x, i64(*pads), np.float32(1.5)]
    yield "Pad", 19, NEWEST, {"mode": "wrap"}, [x, i64(1, 0), None, i64(1)]
    yield "Reshape", 1, 1, {"shape": [0, -1]}, [x], {"means": (13, {}, [x, i64(0, -1)])}
    yield "Reshape", 5, NEWEST, {}, [x, i64(0, -1)]
    yield "Reshape", 14, NEWEST, {"allowzero": 1}, [floats(0, 3), i64(3, 0)]
    yield "Slice", 1, 1, {"starts": [0, 1], "ends": [-1, 99]}, [x]
    yield "Slice", 1, 1, {"starts": [-2], "ends": [4], "axes": [1]}, [x]
    yield "Slice", 10, NEWEST, {}, [x, i64(3, 0), i64(-9, 2), i64(2, 1), i64(-2, 1)]
    halves = {"means": (13, {"axis": 2}, [x, i64(1, 3)]), "outputs": 2}
    yield "Split", 1, 1, {"axis": 2}, [x, np.array([1, 3], np.float32)], halves
    yield "Split", 1, 11, {"axis": 2, "split": [1, 3]}, [x], halves
    yield "Split", 1, 11, {"axis": 2}, [x], {"means": (13, {"axis": 2}, [x]), "outputs": 2}
    yield "Split", 13, NEWEST, {"axis": 2}, [x, i64(1, 3)], {"outputs": 2}
    for op, shape, axes in (("Squeeze", (1, 3, 1), (0, 2)), ("Unsqueeze", (3,), (0, 2))):
        y = floats(*shape)
        yield op, 1, 11, {"axes": list(axes)}, [y], {"means": (13, {}, [y, i64(*axes)])}
        yield op, 13, NEWEST, {}, [y, i64(*axes)]
    for axis in 0, 1, -1:
        top = {"outputs": 2, "means": (11, {"axis": axis}, [x, i64(2)])}
        yield "TopK", 1, 1, {"axis": axis, "k": 2}, [x], top
        yield "TopK", 10, NEWEST, {"axis": axis}, [x, i64(2)], {"outputs": 2}
    yield "TopK", 11, NEWEST, {"largest": 0, "axis": 1}, [x, i64(2)], {"outputs": 2}
    tiles = np.array([2], np.float32), np.array([1], np.float32)
    yield "Tile", 1, 1, {}, [x, *tiles], {"means": (13, {}, [x, i64(1, 2, 1)])}
    yield "Tile", 6, NEWEST, {}, [x, i64(1, 2, 3)]
    image, scales = floats(1, 2, 2, 3), np.array([1, 1, 2, 1.5], np.float32)
    for mode, linear in (("nearest", "nearest"), ("bilinear", "linear")):
        means = {"means": (9, {"mode": linear}, [image, scales])}
        yield "Upsample", 1, 1, {"mode": mode, "height_scale": 2.0, "width_scale": 1.5}, [image], means
        yield "Upsample", 7, 7, {"mode": linear, "scales": [1.0, 1.0, 2.0, 1.5]}, [image], means
        yield "Upsample", 9, 9, {"mode": linear}, [image, scales]
        yield "Resize", 10, 10, {"mode": linear}, [image, scales]
        yield "Resize", 10, 10, {"mode": linear}, [image, np.array([1, 1, 0.5, 0.7], np.float32)]
        yield "Resize", 11, NEWEST, {"mode": linear}, [image, np.zeros(0, np.float32), scales]
    yield "Dropout", 1, 6, {"is_test": 1, "ratio": 0.4}, [x], {"means": (7, {}, [x])}
    yield "Dropout", 7, 10, {"ratio": 0.4}, [x]
    yield "Dropout", 12, NEWEST, {}, [x, np.float32(0.4)]


def normalizations():
    x, parts = floats(2, 3, 4), [floats(3), floats(3), floats(3), np.abs(floats(3)) + 0.5]
    means = {"means": (9, {"epsilon": 0.01}, [x, *parts])}
    yield "BatchNormalization", 1, 6, {"epsilon": 0.01, "is_test": 1}, [x, *parts], means
    yield "BatchNormalization", 7, NEWEST, {"epsilon": 0.01, "momentum": 0.8}, [x, *parts]
    whole = [floats(3, 4), floats(3, 4), floats(3, 4), np.abs(floats(3, 4)) + 0.5]
    scale, bias, mean, variance = whole
    y = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * scale + bias
    yield "BatchNormalization", 1, 6, {"is_test": 1, "spatial": 0}, [x, *whole], {"expected": [y]}
    yield "BatchNormalization", 7, 7, {"spatial": 0}, [x, *whole], {"expected": [y]}
    yield "InstanceNormalization", 1, NEWEST, {"epsilon": 0.01}, [x, *parts[:2]]
    stash = {"epsilon": 0.01, "stash_type": 1}
    yield "LayerNormalization", 17, NEWEST, stash | {"axis": 1}, [x, floats(3, 4), floats(3, 4)]
    yield "RMSNormalization", 23, NEWEST, stash | {"axis": 1}, [x, floats(3, 4)]
    y, ends = floats(2, 4, 3), floats(4)
    groups = {"num_groups": 2, "epsilon": 0.01}
    means = {"means": (21, groups, [y, np.repeat(ends[:2], 2), np.repeat(ends[2:], 2)])}
    yield "GroupNormalization", 18, 18, groups, [y, ends[:2], ends[2:]], means
    yield "GroupNormalization", 21, NEWEST, stash | {"num_groups": 2}, [y, ends, ends[::-1].copy()]
    yield "LRN", 1, NEWEST, {"size": 3, "alpha": 0.1, "beta": 0.6, "bias": 1.5}, [floats(1, 5, 2, 2)]
    for p in 1, 2:
        yield "LpNormalization", 1, NEWEST, {"axis": 1, "p": p}, [x]
    yield "MeanVarianceNormalization", 9, NEWEST, {"axes": [0, 2]}, [x]


def pools():
    x = floats(1, 2, 5, 6)
    window = {"kernel_shape": [2, 3], "strides": [2, 1]}
    for op in "AveragePool", "MaxPool", "LpPool":
        p = {"p": 2} if op == "LpPool" else {}
        for attributes in ({"pads": [1, 0, 0, 1]}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"},
                {"auto_pad": "VALID"}):
            means = {"means": (11, window | attributes | p, [x])}
            if op == "LpPool":
                yield op, 1, 1, window | attributes | {"p": 2.0}, [x], means
            yield op, 2 if p else 1, NEWEST, window | attributes | p, [x], means
    yield "AveragePool", 7, NEWEST, window | {"pads": [1, 1, 0, 1], "count_include_pad": 1}, [x]
    yield "AveragePool", 10, NEWEST, window | {"ceil_mode": 1}, [x]
    yield "MaxPool", 8, NEWEST, window | {"storage_order": 1}, [x], {"outputs": 2}
    yield "MaxPool", 8, NEWEST, window, [x], {"outputs": 2}
    yield "MaxPool", 10, NEWEST, window | {"dilations": [2, 2], "ceil_mode": 1}, [x]
    yield "LpPool", 18, NEWEST, window | {"ceil_mode": 1, "p": 2, "dilations": [1, 2]}, [x]
    yield "GlobalLpPool", 1, 1, {"p": 3.0}, [x], {"means": (2, {"p": 3}, [x])}
    yield "GlobalLpPool", 2, NEWEST, {"p": 3}, [x], {"means": (2, {"p": 3}, [x])}
    for op in "GlobalAveragePool", "GlobalMaxPool":
        yield op, 1, NEWEST, {}, [x]


def convolutions():
    x, w, bias = floats(1, 4, 6, 5), floats(6, 2, 3, 2), floats(6)
    spaced = {"pads": [1, 0, 2, 1], "dilations": [2, 1]}
    for attributes in (*({"auto_pad": pad} for pad in ("SAME_UPPER", "SAME_LOWER", "VALID")), spaced):
        strides = {"group": 2, "kernel_shape": [3, 2]}
        yield "Conv", 1, NEWEST, strides | attributes, [x, w, bias]
        yield "ConvTranspose", 1, NEWEST, strides | attributes | {"strides": [2, 1]}, [x, floats(4, 3, 3, 2), bias]
    shaped = {"group": 2, "strides": [2, 2]}
    sized = {"output_shape": [12, 10]}
    for attributes in {"output_padding": [1, 0]}, sized, sized | {"auto_pad": "SAME_LOWER"}:
        yield "ConvTranspose", 1, NEWEST, shaped | attributes, [x, floats(4, 3, 3, 2), bias]


def recurrent():
    """Opset 1 has an attribute that says whether the sequence is an output."""
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        inputs = [floats(3, 2, 4), floats(2, gates * 5, 4), floats(2, gates * 5, 5), floats(2, 2 * gates * 5)]
        whole = {"hidden_size": 5, "direction": "bidirectional"}
        means = {"outputs": 2, "means": (7, whole, inputs)}
        yield op, 1, 6, whole | {"output_sequence": 1}, inputs, means
        yield op, 7, NEWEST, whole, inputs, {"outputs": 2}
        names = ["Affine", "LeakyRelu", "HardSigmoid"][: {"RNN": 1, "GRU": 2, "LSTM": 3}[op]] * 2
        special = whole | {"activations": names, "clip": 0.8}
        special |= {f"activation_{name}": [value] * len(names) for name, value in (("alpha", 0.7), ("beta", 0.1))}
        special |= {"input_forget": 1} if op == "LSTM" else {}
        lengths = [*inputs, np.array([3, 1], np.int32), floats(2, 2, 5)]
        yield op, 1, NEWEST, special, lengths, {"outputs": 2}
        one = [floats(2, 3, 4), *(w[:1] for w in inputs[1:])]
        yield op, 14, NEWEST, {"hidden_size": 5, "layout": 1}, one, {"outputs": 2, "reference": True}
    reset = whole | {"hidden_size": 5, "linear_before_reset": 1}
    inputs = [floats(3, 2, 4), floats(2, 15, 4), floats(2, 15, 5), floats(2, 30)]
    yield "GRU", 3, 3, reset | {"output_sequence": 1}, inputs, {"outputs": 2, "means": (7, reset, inputs)}
    yield "GRU", 7, NEWEST, reset, inputs, {"outputs": 2}


def selection():
    x = floats(3, 4)
    indices, updates = ints(0, 3, 2, 4), floats(2, 4)
    yield "Gather", 1, NEWEST, {"axis": 1}, [x, ints(0, 4, 2, 2)]
    yield "Gather", 11, NEWEST, {"axis": -1}, [x, ints(-4, 0, 2)]
    yield "GatherElements", 11, NEWEST, {"axis": 0}, [x, indices - 3]
    yield "GatherND", 11, NEWEST, {}, [x, i64(1, 2)[None]]
    yield "GatherND", 12, NEWEST, {"batch_dims": 1}, [x, ints(0, 4, 3, 1)]
    rows = np.stack([np.roll(np.arange(3), i)[:2] for i in range(4)], 1)
    yield "Scatter", 9, 9, {"axis": 0}, [x, rows, updates]
    yield "ScatterElements", 11, NEWEST, {"axis": 0}, [x, rows, updates]
    for reduction, version in (("add", 16), ("mul", 16), ("max", 18), ("min", 18)):
        yield "ScatterElements", version, NEWEST, {"axis": 0, "reduction": reduction}, [x, indices, updates]
        yield "ScatterND", version, NEWEST, {"reduction": reduction}, [x, i64(1, 1)[:, None], updates]
    yield "ScatterND", 11, NEWEST, {}, [x, i64(2, 0)[:, None], updates]
    hot = np.array([0, 1], np.float32)
    for axis in 0, -1:
        yield "OneHot", 9, NEWEST, {"axis": axis}, [i64(0, 2, 1), np.int64(4), hot]
    yield "OneHot", 11, NEWEST, {}, [i64(-1, 2), np.int64(4), hot]
    scores, labels = floats(3, 4), ints(0, 4, 3)
    for reduction in "none", "sum", "mean":
        for op in "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss":
            yield op, 12, NEWEST, {"reduction": reduction, "ignore_index": 1}, [scores, labels, np.abs(floats(4)) + 0.1]
    yield "Compress", 9, NEWEST, {"axis": 1}, [x, np.array([True, False, True])]
    yield "Expand", 8, NEWEST, {}, [floats(3, 1), i64(2, 1, 4)]


def drawn():
    """With a seed random numbers are those of NumPy's RandomState."""
    x, seed = np.zeros((3, 4), np.float32), {"seed": 5.0, "dtype": 11}
    for op, method, names in (("RandomNormal", "randn", ("mean", "scale")), ("RandomUniform", "rand", ("low", "high"))):
        y = getattr(np.random.RandomState(5), method)(3, 4)
        y = y * 2 + 0.5 if method == "randn" else 0.5 + y * 1.5
        moments = seed | dict(zip(names, (0.5, 2.0)))
        yield op, 1, NEWEST, moments | {"shape": [3, 4]}, [], {"expected": [y]}
        yield f"{op}Like", 1, NEWEST, moments, [x], {"expected": [y]}
    chance = np.array([0, 1, 0.5, 0.2, 0.9], np.float32)
    flips = np.random.RandomState(5).binomial(1, chance)
    yield "Bernoulli", 15, NEWEST, seed, [chance], {"expected": [flips.astype(np.float64)]}
    certain = np.log(np.array([[1e-30, 1, 1e-30], [1, 1e-30, 1e-30]], np.float32))
    drawn = {"sample_size": 3, "seed": 2.0, "dtype": 7}
    yield "Multinomial", 7, NEWEST, drawn, [certain], {"expected": [np.array([[1] * 3, [0] * 3])]}


def casts():
    x, wide = floats(5), np.array([0.3, 1.0, 700.0, 1e9, -1e9], np.float32)
    for saturate in 0, 1:
        for number, kind in ((17, ml_dtypes.float8_e4m3fn), (19, ml_dtypes.float8_e5m2)):
            reference = {"reference": True}
            yield "Cast", 19, NEWEST, {"to": number, "saturate": saturate}, [wide], reference
            yield "CastLike", 19, NEWEST, {"saturate": saturate}, [wide, np.zeros(1, kind)], reference
    for mode in "up", "down", "nearest":
        powers = np.abs(x) + 0.1
        yield "Cast", 24, NEWEST, {"to": 24, "round_mode": mode}, [powers], {"reference": True}
        target = np.ones(1, ml_dtypes.float8_e8m0fnu)
        expected = to_float8e8m0(powers, True, mode).view(ml_dtypes.float8_e8m0fnu)
        yield "CastLike", 24, NEWEST, {"round_mode": mode}, [powers, target], {"expected": [expected]}
    for value, step in ((np.float16, 0.1), (np.float32, 0.25)):
        ends = [value(7.3), value(60), value(step)]
        yield "Range", 27, NEWEST, {"stash_type": 1}, ends, {"reference": True}
    yield "Range", 11, NEWEST, {}, ends


def quantization():
    x, scale = floats(3, 4), np.array([0.01, 0.02, 0.03, 0.04], np.float32)
    rows, zero = np.stack([scale[:3], scale[1:]], 1), np.array([3, 1, 0, 9], np.uint8)
    one, number = np.float32(0.02), np.array(7, np.int8)
    whole = ints(0, 255, 3, 4, dtype=np.uint8)
    for op, data in (("QuantizeLinear", x), ("DequantizeLinear", whole)):
        zero_of_one = number if op == "QuantizeLinear" else np.uint8(7)
        yield op, 10, NEWEST, {}, [data, one, zero_of_one]
        yield op, 13, NEWEST, {"axis": -1}, [data, scale, zero]
        yield op, 13, NEWEST, {"axis": 0}, [data, scale[:3], zero[:3]]
        blocks = [data, rows, np.zeros_like(rows, np.uint8)]
        yield op, 21, NEWEST, {"axis": 1, "block_size": 2}, blocks
    for saturate in 0, 1:
        inputs = [x * 2000, np.float32(1), np.zeros((), ml_dtypes.float8_e4m3fn)]
        yield "QuantizeLinear", 19, NEWEST, {"saturate": saturate}, inputs, {"reference": True}
    yield "QuantizeLinear", 21, NEWEST, {"output_dtype": 3}, [x, one]
    means = {"means": (21, {"output_dtype": 3}, [x, one])}
    yield "QuantizeLinear", 23, NEWEST, {"output_dtype": 3, "precision": 1}, [x, one], means
    half = {"expected": [(whole * 0.25).astype(np.float16)]}
    yield "DequantizeLinear", 23, NEWEST, {"output_dtype": 10}, [whole, np.float32(0.25)], half
    image, kernel = ints(0, 9, 1, 2, 4, 5, dtype=np.uint8), ints(0, 9, 3, 2, 2, 2, dtype=np.uint8)
    shape, small = {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1]}, np.uint8(2)
    yield "ConvInteger", 10, NEWEST, shape, [image, kernel, small, small]
    parts = [image, one, small, kernel, one, small, np.float32(0.1), small]
    yield "QLinearConv", 10, NEWEST, shape, parts


def images():
    x, empty = floats(1, 1, 4, 5), np.zeros(0, np.float32)
    # Lengths are whole: ONNX Runtime and the suite differ on corners aligned to parts of a pixel.
    scales, roi = np.array([1, 1, 1.5, 0.8], np.float32), np.array([0, 0, 0.2, -0.1, 1, 1, 0.8, 1.2], np.float32)
    for mode in "asymmetric", "align_corners", "half_pixel", "pytorch_half_pixel":
        cubic = {"mode": "cubic", "coordinate_transformation_mode": mode, "cubic_coeff_a": -0.5, "exclude_outside": 1}
        yield "Resize", 11, NEWEST, cubic, [x, empty, scales]
        for nearest in "floor", "ceil", "round_prefer_floor", "round_prefer_ceil":
            attributes = {"nearest_mode": nearest, "coordinate_transformation_mode": mode}
            yield "Resize", 11, NEWEST, attributes, [x, empty, scales]
    crop = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0}
    yield "Resize", 11, NEWEST, crop, [x, roi, empty, i64(1, 1, 3, 4)]
    grid = np.clip(floats(1, 3, 2, 2), -1.2, 1.2)
    for corners in 0, 1:
        yield "GridSample", 16, NEWEST, {"align_corners": corners, "padding_mode": "border"}, [x, grid]
    rois, first = np.array([[0, 0, 7, 5], [2, 1, 8, 8]], np.float32), i64(0, 0)
    aligned = {"spatial_scale": 0.5, "output_height": 2, "output_width": 2, "sampling_ratio": 2}
    yield "RoiAlign", 10, 10, aligned, [x, rois, first]
    for mode in "half_pixel", "output_half_pixel":
        given = aligned | {"coordinate_transformation_mode": mode}
        yield "RoiAlign", 16, NEWEST, given, [x, rois, first], {"means": (16, given, [x, rois, first])}
    numbered = np.concatenate([np.zeros((2, 1), np.float32), rois], 1)
    pooled = {"pooled_shape": [2, 2], "spatial_scale": 0.5}
    yield "MaxRoiPool", 1, NEWEST, pooled, [x, numbered], {"means": (1, pooled, [x, numbered])}
    unpool = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}
    values, places = floats(1, 1, 2, 2), i64(1, 3, 5, 7).reshape(1, 1, 2, 2)
    yield "MaxUnpool", 9, NEWEST, unpool, [values, places], {"means": (11, unpool, [values, places])}
    boxes, scores = np.abs(floats(1, 6, 4)) + 0.2, np.abs(floats(1, 2, 6))
    for centre in 0, 1:
        limits = [i64(3), np.array([0.3], np.float32), np.array([0.1], np.float32)]
        yield "NonMaxSuppression", 10, NEWEST, {"center_point_box": centre}, [boxes, scores, *limits]
    shape = {"kernel_shape": [2, 2], "strides": [2, 1], "dilations": [1, 2], "group": 2, "pads": [1, 0, 0, 0]}
    image, kernel, offset = floats(1, 4, 4, 5), floats(4, 2, 2, 2), floats(1, 8, 2, 3) * 0.3
    yield "DeformConv", 19, NEWEST, shape, [image, kernel, offset, floats(4)], {"reference": True}


def attention():
    q, k, v = floats(1, 2, 3, 4), floats(1, 2, 5, 4), floats(1, 2, 5, 4)
    yield "Attention", 23, NEWEST, {"scale": 0.3, "softmax_precision": 1}, [q, k, v], {"reference": True}
    parts = [floats(1, 5, 4), floats(1, 5, 4), floats(1, 5, 6)]
    rule = {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear", "scale": 0.7}
    yield "LinearAttention", 27, NEWEST, rule | {"chunk_size": 2}, parts, {"outputs": 2}
