"""Cases of quantization and of products of integers. See make-cases.py."""
import ml_dtypes
import numpy as np

from type_cases import FLOAT8, SMALL, every, floats, ints, number_of, random, small, weights


def cases():
    for group in (quantize, dequantize, dynamic, products, convolutions):
        yield from group()


def quantized(name):
    return small(name) if name in SMALL else np.dtype(name)


QUANTIZED = {"uint8": 10, "int8": 10, "uint16": 21, "int16": 21, "uint4": 21, "int4": 21, "uint2": 25, "int2": 25}


def zeros(name, *shape):
    dtype = quantized(name)
    info = ml_dtypes.iinfo(dtype)
    low, high = max(int(info.min), -100), min(int(info.max), 100)
    return random.integers(low // 2, high // 2 + 1, shape).astype(np.int32).astype(dtype)


def quantize():
    for name, opset in QUANTIZED.items():
        x, scale = floats(3, 5, 2) * 30, np.array(0.75, np.float32)
        yield f"quantize_{name}", "QuantizeLinear", opset, {}, [x, scale, zeros(name)], {}
        scale = np.abs(floats(5)) + 0.1
        yield f"quantize_{name}_axis", "QuantizeLinear", max(opset, 13), {}, [x, scale, zeros(name, 5)], {}
        for axis, block in ((1, 2), (0, 3), (-1, 2), (1, 5)):
            shape = list(x.shape)
            shape[axis] = -(-shape[axis] // block)
            inputs = [x, np.abs(floats(*shape)) + 0.1, zeros(name, *shape)]
            attributes = {"axis": axis, "block_size": block}
            yield f"quantize_{name}_block_{axis}_{block}", "QuantizeLinear", max(opset, 21), attributes, inputs, {}
    ties = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 254.5, 255.5, 1e9, -1e9, np.inf, -np.inf], np.float32)
    for name, zero in (("uint8", 1), ("uint8", 0), ("int8", -3), ("int16", 5)):
        info = np.iinfo(name)
        y = np.clip(np.rint(ties) + zero, info.min, info.max).astype(name)
        inputs = [ties, np.array(1, np.float32), np.array(zero, name)]
        yield f"quantize_ties_{name}_{zero}", "QuantizeLinear", 21, {}, inputs, {"expected": [y]}
    x = floats(2, 6)
    yield "quantize_default", "QuantizeLinear", 13, {}, [np.abs(x), np.array(0.02, np.float32)], {}
    yield "quantize_output_dtype", "QuantizeLinear", 21, {"output_dtype": 3}, [x, np.array(0.02, np.float32)], {}
    yield ("quantize_int32", "QuantizeLinear", 10, {},
        [ints(np.int8, 4).astype(np.int32), np.array(0.5, np.float32), np.array(3, np.uint8)], {})
    for dtype in (np.float16, small("bfloat16")):
        name = np.dtype(dtype).name
        inputs = [x.astype(dtype), np.array(0.03, dtype), np.array(2, np.int8)]
        y = np.clip(np.rint((inputs[0] / inputs[1]).astype(np.float32)) + 2, -128, 127).astype(np.int8)
        yield f"quantize_{name}", "QuantizeLinear", 23, {}, inputs, {"expected": [y]}
        y = np.clip(np.rint(x / np.float32(inputs[1])) + 2, -128, 127).astype(np.int8)
        more = {"expected": [y]}
        yield f"quantize_{name}_precision", "QuantizeLinear", 23, {"precision": 1}, [x] + inputs[1:], more
    # NaN has no part in the range.
    for i, x_nan in enumerate(([1, np.nan, -1], [np.nan], [2, 3, np.nan], [np.nan, np.inf], [1, 2] * 20 + [np.nan])):
        yield (f"dynamic_quantize_nan_{i}", "DynamicQuantizeLinear", 11, {}, [np.array(x_nan, np.float32)],
            {"outputs": 3})
    for name in FLOAT8 | {"float4_e2m1fn": 23}:
        opset = 23 if name in SMALL and name.startswith("float4") else 19
        inputs = [floats(3, 4) * 300, np.array([0.5, 2, 1, 0.7], np.float32), np.zeros(4, small(name))]
        yield f"quantize_{name}", "QuantizeLinear", opset, {}, inputs, {}
    power = np.array([0.5, 2, 4], small("float8_e8m0fnu"))
    y = np.clip(np.rint(x[:, :3] / power.astype(np.float32)), -128, 127).astype(np.int8)
    yield "quantize_power", "QuantizeLinear", 24, {"output_dtype": 3}, [x[:, :3], power], {"expected": [y]}


def dequantize():
    for name, opset in QUANTIZED.items():
        x = ints(quantized(name), 3, 5, 2)
        yield f"dequantize_{name}", "DequantizeLinear", opset, {}, [x, np.array(0.75, np.float32), zeros(name)], {}
        inputs = [x, np.abs(floats(5)), zeros(name, 5)]
        yield f"dequantize_{name}_axis", "DequantizeLinear", max(opset, 13), {}, inputs, {}
        yield f"dequantize_{name}_no_zero", "DequantizeLinear", max(opset, 13), {}, inputs[:2], {}
        for axis, block in ((1, 2), (0, 3), (-1, 2)):
            shape = list(x.shape)
            shape[axis] = -(-shape[axis] // block)
            inputs = [x, np.abs(floats(*shape)) + 0.1, zeros(name, *shape)]
            attributes = {"axis": axis, "block_size": block}
            yield f"dequantize_{name}_block_{axis}_{block}", "DequantizeLinear", max(opset, 21), attributes, inputs, {}
    x = ints(np.int16, 4).astype(np.int32)
    yield "dequantize_int32", "DequantizeLinear", 10, {}, [x, np.array(0.01, np.float32)], {}
    for name in FLOAT8 | {"float4_e2m1fn": 23}:
        opset = 23 if name.startswith("float4") else 19
        inputs = [every(name)[:8], np.array(0.3, np.float32), np.array(0, small(name))]
        y = inputs[0].astype(np.float32) * np.float32(0.3)
        yield f"dequantize_{name}", "DequantizeLinear", opset, {}, inputs, {"expected": [y]}
    x = ints(np.int8, 6)
    for dtype in (np.float16, small("bfloat16")):
        name = np.dtype(dtype).name
        y = (x.astype(np.float32) * np.array(0.03, dtype).astype(np.float32)).astype(dtype)
        yield f"dequantize_to_{name}", "DequantizeLinear", 23, {}, [x, np.array(0.03, dtype)], {"expected": [y]}
        y = (x.astype(np.float32) * np.float32(0.03)).astype(dtype)
        attributes = {"output_dtype": number_of(dtype)}
        inputs = [x, np.array(0.03, np.float32)]
        yield f"dequantize_type_{name}", "DequantizeLinear", 23, attributes, inputs, {"expected": [y]}
    power = np.array([0.5], small("float8_e8m0fnu"))
    more = {"expected": [x.astype(np.float32) * np.float32(0.5)]}
    yield "dequantize_power", "DequantizeLinear", 24, {"output_dtype": 1}, [x, power], more


def dynamic():
    for i, x in enumerate((floats(3, 4), np.abs(floats(5)), -np.abs(floats(2, 2)), np.zeros(3, np.float32))):
        yield f"dynamic_quantize_{i}", "DynamicQuantizeLinear", 11, {}, [x], {"outputs": 3}


def products():
    for a_type in (np.uint8, np.int8):
        for b_type in (np.uint8, np.int8):
            name = f"{a_type.__name__}_{b_type.__name__}"
            a, b = ints(a_type, 5, 7), ints(b_type, 7, 19)
            a_zero, b_zero = np.array(3, a_type), np.array(5, b_type)
            y = (a.astype(np.int32) - 3) @ (b.astype(np.int32) - 5)
            yield f"matmul_integer_{name}", "MatMulInteger", 10, {}, [a, b, a_zero, b_zero], {"expected": [y]}
            rows, columns = ints(a_type, 5), ints(b_type, 19)
            y = (a.astype(np.int32) - rows.astype(np.int32)[:, None]) @ (b.astype(np.int32) - columns.astype(np.int32))
            yield f"matmul_integer_{name}_each", "MatMulInteger", 10, {}, [a, b, rows, columns], {"expected": [y]}
    for shapes in (((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 2)),
                   ((1, 70), (70, 40)), ((9, 2), (2, 33)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
                   ((70, 3), (3, 70))):  # fmt: skip
        a, b = ints(np.uint8, *shapes[0]), ints(np.int8, *shapes[1])
        name = "_".join("x".join(map(str, s)) for s in shapes)
        y = np.asarray(np.matmul(a.astype(np.int32), b.astype(np.int32)))
        yield f"matmul_integer_{name}", "MatMulInteger", 10, {}, [a, b], {"expected": [y]}
    one = np.array(0.02, np.float32)
    for dtype in (np.uint8, np.int8):
        a, b = ints(dtype, 2, 5, 7), weights(ints(dtype, 7, 6))
        zero = np.array(4, dtype)
        inputs = [a, one, zero, b, one, zero, np.array(0.9, np.float32), np.array(7, dtype)]
        yield f"qlinear_matmul_{dtype.__name__}", "QLinearMatMul", 10, {}, inputs, {}
        inputs = [a[0], one, zero, b, np.abs(floats(6)) / 99, ints(dtype, 6), np.array(0.9, np.float32), zero]
        yield (f"qlinear_matmul_{dtype.__name__}_columns", "QLinearMatMul", 10, {}, inputs,
            {"expected": [by_columns(inputs)]})
    f8 = small("float8_e4m3fn")
    a, b, scale = floats(3, 4).astype(f8), floats(4, 2).astype(f8), np.array(0.5, np.float32)
    y = (a.astype(np.float32) @ b.astype(np.float32) * np.float32(0.5)).astype(f8)
    inputs = [a, scale, np.zeros((), f8), b, scale, np.zeros((), f8), scale, np.zeros((), f8)]
    yield "qlinear_matmul_float8", "QLinearMatMul", 21, {}, inputs, {"expected": [y]}


def by_columns(inputs):
    """QLinearMatMul by its formula."""
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = [v.astype(np.float64) for v in inputs]
    info = np.iinfo(inputs[7].dtype)
    exact = (a - a_zero) @ (b - b_zero) * (a_scale * b_scale / y_scale)
    return np.clip(np.rint(exact) + y_zero, info.min, info.max).astype(inputs[7].dtype)


def convolutions():
    for name, x_shape, w_shape, attributes in (
        ("plain", (2, 3, 5, 6), (4, 3, 3, 3), {}), ("pads", (1, 3, 5, 6), (2, 3, 3, 2), {"pads": [1, 0, 2, 1]}),
        ("strides", (1, 2, 7, 6), (2, 2, 3, 2), {"strides": [2, 3], "dilations": [2, 1], "pads": [1, 1, 1, 1]}),
        ("groups", (2, 4, 5, 5), (6, 2, 3, 3), {"group": 2}),
        ("depthwise", (1, 4, 5, 5), (4, 1, 3, 3), {"group": 4, "pads": [1] * 4}),
        ("pointwise", (2, 5, 3, 4), (7, 5, 1, 1), {}),
        ("same", (1, 2, 5, 6), (2, 2, 2, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ):  # fmt: skip
        x, w = ints(np.uint8, *x_shape), ints(np.uint8, *w_shape)
        zeros = [np.array(120, np.uint8), np.array(7, np.uint8)]
        yield f"conv_integer_{name}", "ConvInteger", 10, attributes, [x, w] + zeros, {}
        w, filters = weights(ints(np.int8, *w_shape)), w_shape[0]
        inputs = [
            x, np.array(0.02, np.float32), zeros[0], w, (np.abs(floats(filters)) / 99).astype(np.float32),
            np.zeros(filters, np.int8), np.array(0.8, np.float32), np.array(99, np.uint8),
            ints(np.int16, filters).astype(np.int32),
        ]  # fmt: skip
        yield f"qlinear_conv_{name}", "QLinearConv", 10, attributes, inputs, {}
        inputs[4], inputs[5] = np.array(0.01, np.float32), np.array(0, np.int8)
        yield f"qlinear_conv_{name}_one_scale", "QLinearConv", 10, attributes, inputs[:8], {}
    x, w = ints(np.uint8, 2, 3, 9), ints(np.uint8, 4, 3, 3)
    yield "conv_integer_1d", "ConvInteger", 10, {"pads": [1, 2]}, [x, w], {}
