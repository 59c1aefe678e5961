"""Cases of the element types that most operators do not compute with. See make-cases.py."""
import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.numpy_helper import to_float8e8m0

random = np.random.default_rng(11)
FLOAT8 = {"float8_e4m3fn": 17, "float8_e4m3fnuz": 18, "float8_e5m2": 19, "float8_e5m2fnuz": 20}
SMALL_INTEGERS = {"uint4": 21, "int4": 22, "uint2": 25, "int2": 26}
SMALL = FLOAT8 | {"float4_e2m1fn": 23, "float8_e8m0fnu": 24} | SMALL_INTEGERS
NUMBERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()


def small(name):
    return np.dtype(getattr(ml_dtypes, name))


def every(name):
    """Every number of a small type."""
    bits = ml_dtypes.iinfo(small(name)).bits if name in SMALL_INTEGERS else ml_dtypes.finfo(small(name)).bits
    codes = np.arange(2**bits, dtype=np.uint8)
    if name not in SMALL_INTEGERS:
        return codes.view(small(name))
    info = ml_dtypes.iinfo(small(name))
    return np.arange(int(info.min), int(info.max) + 1, dtype=np.int8).astype(small(name))


def number_of(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def floats(*shape):
    return random.uniform(-3, 3, shape).astype(np.float32)


def weights(w):
    """Of seven bits where they are int8: where a CPU has no instruction for dot products of bytes, ONNX Runtime adds
    two products of uint8 and int8 in 16 bits, which greater weights make saturate."""
    return w >> 1 if w.dtype == np.int8 else w


def ints(dtype, *shape):
    info = ml_dtypes.iinfo(dtype)
    return random.integers(int(info.min), int(info.max) + 1, shape).astype(np.int32).astype(dtype)


def i64(*values):
    return np.array(values, np.int64)


def cases():
    for group in (widening, narrowing, between, powers, texts, string_movement, small_movement, complex_movement, bits,
            tests):
        yield from group()


def widening():
    for name in SMALL:
        x = every(name)
        for target in ("float32", "float64", "float16", "bfloat16"):
            dtype = small(target) if target == "bfloat16" else np.dtype(target)
            with np.errstate(over="ignore"):
                y = x.astype(np.float32).astype(dtype)
            yield f"cast_{name}_{target}", "Cast", 25, {"to": number_of(dtype)}, [x], {"expected": [y]}
        for target in ("int8", "int32", "int64", "uint8", "bool"):
            whole = x.astype(np.float32)
            low = 0 if target == "uint8" else -120
            keep = x[np.isfinite(whole) & (whole >= low) & (whole < 120)]
            y = keep.astype(np.float32).astype(target)
            yield f"cast_{name}_{target}", "Cast", 25, {"to": number_of(target)}, [keep], {"expected": [y]}


def once(x):
    """Doubles as floats whose last bit says that something was cut off, for ml_dtypes rounds them first to float."""
    if x.dtype != np.float64:
        return x
    with np.errstate(over="ignore"):
        y = x.astype(np.float32)
        y = np.where(np.abs(y) > np.abs(x), np.nextafter(y, np.float32(0)), y)
        bits = y.view(np.uint32) | ((y != x) & ~np.isnan(x))
    return bits.astype(np.uint32).view(np.float32)


def narrowing():
    """Numbers around all those of a type, ties among them, and beyond its ends."""
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-30, -1e-30])
    for name, number in (FLOAT8 | {"float4_e2m1fn": 23}).items():
        dtype = small(name)
        finite = every(name).astype(np.float64)
        finite = np.unique(finite[np.isfinite(finite)])
        ties = (finite[1:] + finite[:-1]) / 2
        beyond = finite[-1] + (finite[-1] - finite[-2]) * np.array([0.49, 0.5, 0.51])
        x = np.concatenate([special, finite, ties, ties * (1 + 2.0**-30), ties * (1 - 2.0**-30), beyond, -beyond])
        limits = float(ml_dtypes.finfo(dtype).min), float(ml_dtypes.finfo(dtype).max)
        for source in (np.float32, np.float64, np.float16):
            with np.errstate(over="ignore"):
                given = x.astype(source)
            y = np.clip(once(given), *limits).astype(dtype)
            yield f"cast_{source.__name__}_{name}", "Cast", 23, {"to": number}, [given], {"expected": [y]}
            with np.errstate(over="ignore", invalid="ignore"):
                y = once(given).astype(dtype)
            attributes = {"to": number, "saturate": 0}
            yield f"cast_{source.__name__}_{name}_open", "Cast", 23, attributes, [given], {"expected": [y]}
        x = np.array([0, 1, 2, 3, 5, 7, 11], np.int64)
        for source in ("int64", "uint8", "int16", "bool"):
            given = x.astype(source)
            expected = np.clip(given.astype(np.float32), *limits).astype(dtype)
            yield f"cast_{source}_{name}", "Cast", 23, {"to": number}, [given], {"expected": [expected]}
    for name, number in SMALL_INTEGERS.items():
        x = np.array([0, 1, 2, 3, 5, 7, 8, 15, 16, 100, -1, -2, -8, -9], np.int64)
        for source in NUMBERS:
            given = x if source[0] != "u" else x[x >= 0]
            given = given.astype(source)
            y = given.astype(np.int64).astype(small(name))
            yield f"cast_{source}_{name}", "Cast", 25, {"to": number}, [given], {"expected": [y]}
        x = np.array([0.4, 0.9, 1.5, -0.9, -1.5], np.float32)
        y = x.astype(np.int64).astype(small(name))
        yield f"cast_fractions_{name}", "Cast", 25, {"to": number}, [x], {"expected": [y]}
        yield f"castlike_{name}", "CastLike", 25, {}, [x, np.zeros(3, small(name))], {"expected": [y]}


def between():
    for source in ("float8_e4m3fn", "float8_e5m2fnuz", "float4_e2m1fn"):
        x = every(source)
        for target in FLOAT8:
            if target != source:
                limits = float(ml_dtypes.finfo(small(target)).min), float(ml_dtypes.finfo(small(target)).max)
                y = np.clip(x.astype(np.float32), *limits).astype(small(target))
                yield f"cast_{source}_{target}", "Cast", 23, {"to": FLOAT8[target]}, [x], {"expected": [y]}
    for source in ("int4", "uint4", "int2", "uint2"):
        x = every(source)
        for target in SMALL_INTEGERS:
            if target != source:
                y = x.astype(np.int64).astype(small(target))
                yield f"cast_{source}_{target}", "Cast", 25, {"to": SMALL_INTEGERS[target]}, [x], {"expected": [y]}
        yield f"cast_{source}_same", "Cast", 25, {"to": number_of(x.dtype)}, [x], {"expected": [x]}


def powers():
    x = np.array([0.124, 0.25, 0.3, 0.5, 0.75, 1.1, 1.5, 2, 3, 2.0**-126, 1.7e38, 3e38], np.float32)
    for mode in ("up", "down", "nearest"):
        y = to_float8e8m0(x, True, mode)
        attributes = {"to": 24, "round_mode": mode}
        yield f"cast_power_{mode}", "Cast", 24, attributes, [x], {"expected": [y]}
        yield f"cast_power_{mode}_double", "Cast", 24, attributes, [x.astype(np.float64)], {"expected": [y]}
    # The table in the operator's documentation.
    codes = np.array([0, 255, 254], np.uint8).view(small("float8_e8m0fnu"))
    yield "cast_power_ends", "Cast", 24, {"to": 24}, [np.array([0, np.nan, np.inf], np.float32)], {"expected": [codes]}
    attributes = {"to": 24, "round_mode": "nearest", "saturate": 0}
    x = np.array([0, np.nan, np.inf, 3.3e38, 1e-40, 4], np.float32)
    codes = np.array([255, 255, 255, 255, 255, 129], np.uint8).view(small("float8_e8m0fnu"))
    yield "cast_power_open", "Cast", 24, attributes, [x], {"expected": [codes]}


def strings(array):
    return np.array(array, dtype=str).astype(object)


def texts():
    wild = [0, -0.0, 1, -1.5, 0.1, 1e5, 999999, 1e6, 12345678, 1e15, 1e16, 1.5e-4, 9.9e-5, 1e-7, 3.4e38, 1e-45, np.nan]
    wild += [np.inf, -np.inf, 0.47892547, 2.0**-44, 1 / 3, 16777216, 123456.789, 5e-324, 1.7976931348623157e308]
    for dtype in (np.float64, np.float32, np.float16):
        with np.errstate(over="ignore"):
            x = np.array(wild).astype(dtype)
        y = x.astype(str).astype(object)
        yield f"cast_{dtype.__name__}_string", "Cast", 13, {"to": 8}, [x], {"expected": [y]}
    halves = np.arange(0, 65536, 97, dtype=np.uint16).view(np.float16)
    yield "cast_halves_string", "Cast", 13, {"to": 8}, [halves], {"expected": [halves.astype(str).astype(object)]}
    for dtype in NUMBERS[:8]:
        x = np.array([0, 1, 42, np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
        yield f"cast_{dtype}_string", "Cast", 13, {"to": 8}, [x], {"expected": [x.astype(str).astype(object)]}
    x = np.array([[True], [False]])
    yield "cast_bool_string", "Cast", 13, {"to": 8}, [x], {"expected": [x.astype(str).astype(object)]}
    same = np.array(["a", "", "β"], object)
    yield "cast_string_string", "Cast", 13, {"to": 8}, [same], {"expected": [same]}
    yield "castlike_string", "CastLike", 19, {}, [i64(3, -4), same], {"expected": [strings(["3", "-4"])]}
    for name in ("int4", "uint2"):
        x = every(name)
        y = strings([str(int(v)) for v in x])
        yield f"cast_{name}_string", "Cast", 25, {"to": 8}, [x], {"expected": [y]}
    numbers = ["3.14", "1000", "1e-5", "1E8", "-0", " 7 ", "+2.5", "5e-324", "0.1", "1e400", "123456789.123456789"]
    special = ["INF", "+inf", "-INF", "NaN", "Infinity"]
    x = strings(numbers + special)
    exact = np.array([float(v) for v in x])
    for dtype in (np.float64, np.float32, np.float16, small("bfloat16")):
        with np.errstate(over="ignore"):
            y = exact.astype(dtype)
        name = np.dtype(dtype).name
        yield f"cast_string_{name}", "Cast", 13, {"to": number_of(dtype)}, [x], {"expected": [y]}
    for dtype in NUMBERS[:8]:
        info = np.iinfo(dtype)
        values = [0, 1, int(info.min), int(info.max), 17]
        y = np.array(values, dtype)
        yield f"cast_string_{dtype}", "Cast", 13, {"to": number_of(dtype)}, [strings(values)], {"expected": [y]}
    x = strings(["True", "False", "1", "0", "2.5"])
    yield "cast_string_bool", "Cast", 13, {"to": 9}, [x], {"expected": [np.array([1, 0, 1, 0, 1], bool)]}
    y = np.array([1.5, -448, 0.0625], small("float8_e4m3fn"))
    yield "cast_string_float8", "Cast", 23, {"to": 17}, [strings(["1.5", "-1e9", "0.0625"])], {"expected": [y]}
    yield ("cast_string_int4", "Cast", 23, {"to": 22}, [strings(["7", "-8"])],
        {"expected": [np.array([7, -8], small("int4"))]})


def movement(x, value, suffix, all_of_them=True):
    """Operators that move the elements of `x`, of shape (3, 4), and what NumPy makes of it."""
    def case(op, opset, attributes, inputs, *expected):
        more = {"expected": list(expected), "outputs": len(expected)}
        return f"{op.lower()}_{suffix}", op, opset, attributes, inputs, more

    yield case("Transpose", 25, {}, [x], x.T)
    yield case("Reshape", 25, {}, [x, i64(2, -1)], x.reshape(2, 6))
    yield case("Flatten", 25, {"axis": 0}, [x], x.reshape(1, 12))
    yield case("Identity", 25, {}, [x], x)
    yield case("Squeeze", 25, {}, [x[:1], i64(0)], x[0])
    yield case("Unsqueeze", 25, {}, [x, i64(1)], x[:, None])
    padded = np.full((4, 7), value, x.dtype)
    padded[1:, 1:5] = x
    yield case("Pad", 25, {}, [x, i64(1, 1, 0, 2), np.array(value, x.dtype)], padded)
    yield case("Pad", 25, {"mode": "edge"}, [x[:, :3], i64(0, 1, 0, 0)], x[:, [0, 0, 1, 2]])
    yield case("Pad", 25, {"mode": "reflect"}, [x, i64(1, 0, 0, 0)], x[[1, 0, 1, 2]])
    yield case("Slice", 13, {}, [x, i64(2, 1), i64(-9, 4), i64(0, 1), i64(-1, 2)], x[::-1, 1::2])
    yield case("Concat", 13, {"axis": 1}, [x, x[:, :1]], np.concatenate([x, x[:, :1]], 1))
    yield case("Split", 13, {"axis": 1}, [x, i64(1, 3)], x[:, :1], x[:, 1:])
    yield case("Gather", 13, {"axis": 1}, [x, i64(3, -4, 1)], x[:, [3, 0, 1]])
    yield case("Expand", 13, {}, [x[:, None], i64(2, 1)], np.broadcast_to(x[:, None], (3, 2, 4)))
    if all_of_them:
        yield case("Tile", 13, {}, [x, i64(2, 1)], np.tile(x, (2, 1)))
        indices = i64(0, 3, 1, 2).reshape(1, 4)
        yield case("GatherElements", 13, {"axis": 1}, [x[:1], indices], np.take_along_axis(x[:1], indices, 1))
        condition = np.array([True, False, False, True])
        yield case("Where", 16, {}, [condition, x, x[:1]], np.where(condition, x, x[:1]))


def string_movement():
    words = np.array(["", "a", "the", "Zürich", "日本", "x" * 40, "b\tc", "0", "é", "-", "last", "q"], object)
    x = words.reshape(3, 4)
    yield from movement(x, "fill", "string")
    yield ("pad_string_default", "Pad", 13, {}, [x[0], i64(1, 0)],
        {"expected": [np.concatenate([[""], x[0]]).astype(object)]})
    other = np.array([["a", "a", "", "Zürich"]], object)
    yield "equal_strings", "Equal", 19, {}, [x, other], {"expected": [x == other]}
    yield "equal_strings_scalar", "Equal", 19, {}, [x, np.array("é", object)], {"expected": [x == "é"]}
    for op, y in (("Shape", i64(3, 4)), ("Size", np.array(12, np.int64))):
        yield f"{op}_string", op, 21, {}, [x], {"expected": [y]}


def small_movement():
    for name in ("int4", "uint4", "float4_e2m1fn", "uint2", "int2", "float8_e5m2", "float8_e8m0fnu"):
        x = np.resize(every(name)[:97], (3, 4)) if name != "float8_e5m2" else np.resize(every(name)[60:90], (3, 4))
        yield from movement(x, x[0, 1], name, all_of_them=name.startswith("float8"))
        for op, y in (("Shape", i64(3, 4)), ("Size", np.array(12, np.int64))):
            yield f"{op}_{name}", op, 25, {}, [x], {"expected": [y]}
        value = numpy_helper.from_array(x[0, 1:2])
        more = {"expected": [np.full((3, 5), x[0, 1], x.dtype)]}
        yield f"constant_of_shape_{name}", "ConstantOfShape", 25, {"value": value}, [i64(3, 5)], more


def complex_movement():
    for dtype in (np.complex64, np.complex128):
        x = (floats(3, 4) + 1j * floats(3, 4)).astype(dtype)
        yield from movement(x, 2 - 1j, dtype.__name__)


def bits():
    x = np.array([[1.5, -0.0, np.inf], [3e-45, 7, -2]], np.float32)
    for dtype in (np.int32, np.uint32):
        yield f"bitcast_{dtype.__name__}", "BitCast", 26, {"to": number_of(dtype)}, [x], {"expected": [x.view(dtype)]}
    x = ints(np.int16, 2, 3)
    for dtype in (np.float16, small("bfloat16"), np.uint16):
        name = np.dtype(dtype).name
        yield f"bitcast_i16_{name}", "BitCast", 26, {"to": number_of(dtype)}, [x], {"expected": [x.view(dtype)]}
    x = ints(np.int64, 3)
    yield "bitcast_complex", "BitCast", 26, {"to": TensorProto.COMPLEX64}, [x], {"expected": [x.view(np.complex64)]}
    x = every("int4")
    y = (x.astype(np.int8) & 15).astype(np.uint8).astype(small("uint4"))
    yield "bitcast_int4", "BitCast", 26, {"to": 21}, [x], {"expected": [y]}
    x = np.arange(256, dtype=np.uint8)
    yield "bitcast_float8", "BitCast", 26, {"to": 17}, [x], {"expected": [x.view(small("float8_e4m3fn"))]}


def tests():
    for name in FLOAT8:
        x = every(name)
        yield f"isnan_{name}", "IsNaN", 20, {}, [x], {"expected": [np.isnan(x.astype(np.float32))]}
        yield f"isinf_{name}", "IsInf", 20, {}, [x], {"expected": [np.isinf(x.astype(np.float32))]}
