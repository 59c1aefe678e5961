"""Cases of ONNX Runtime's own operators on quantized tensors (domain com.microsoft). See make-cases.py."""
import itertools

import ml_dtypes
import numpy as np

from type_cases import floats, random, small, weights

MICROSOFT = {"domain": "com.microsoft"}
BYTES = (np.uint8, np.int8)


def cases():
    for group in (lookups, binary, pools, softmax, products, scales, blocks, gathered, recurrent, attention):
        yield from group()


def f32(value):
    return np.array(value, np.float32)


def bytes_of(dtype, *shape):
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max + 1, shape).astype(dtype)


def zero(dtype, offset=0):
    return np.array((117 if dtype is np.uint8 else -11) + offset, dtype)


def lookups():
    for dtype in BYTES:
        name, x = np.dtype(dtype).name, np.arange(256).astype(np.uint8).view(dtype).reshape(4, 64)
        parameters = [f32(0.05), zero(dtype), f32(1 / 256), zero(dtype, -100)]
        yield f"qlinear_sigmoid_{name}", "QLinearSigmoid", 1, {}, [x] + parameters, MICROSOFT
        yield (f"qlinear_sigmoid_{name}_no_zero", "QLinearSigmoid", 1, {}, [x, f32(0.05), None, f32(1 / 256), None],
            MICROSOFT)
        parameters = [f32(0.1), zero(dtype), f32(0.07), zero(dtype, 5)]
        for alpha in ({}, {"alpha": 0.3}):
            yield f"qlinear_leaky_relu_{name}_{len(alpha)}", "QLinearLeakyRelu", 1, alpha, [x] + parameters, MICROSOFT
        tensors = [bytes_of(dtype, 2, 3, 4), f32(0.1), zero(dtype), bytes_of(dtype, 2, 1, 4), f32(0.2), zero(dtype, 3)]
        same = [bytes_of(dtype, 2, 2, 4), f32(0.13), zero(dtype, 1)]
        for axis in (1, -2):
            inputs = [f32(0.13), zero(dtype, 1)] + tensors + same
            yield f"qlinear_concat_{name}_{axis}", "QLinearConcat", 1, {"axis": axis}, inputs, MICROSOFT
        yield (f"qlinear_concat_{name}_one", "QLinearConcat", 1, {"axis": 0}, [f32(0.1), zero(dtype, 1)] + tensors[:3],
            MICROSOFT)
        for shapes in (((2, 3), (2, 3), (2, 3)), ((2, 1), (3,), (1,)), ((1,), (4, 2), (1, 2))):
            condition, a, b = shapes
            inputs = [random.integers(0, 2, condition).astype(bool), bytes_of(dtype, *a), f32(0.1), zero(dtype)]
            inputs += [bytes_of(dtype, *b), f32(0.2), zero(dtype, 2), f32(0.15), zero(dtype, 4)]
            yield f"qlinear_where_{name}_{len(a)}{len(b)}", "QLinearWhere", 1, {}, inputs, MICROSOFT


def binary():
    shapes = (((3, 40), (3, 40)), ((2, 1, 5), (3, 1)), ((1,), (70,)), ((2, 3), ()), ((4, 300), (300,)))
    for (a, b), dtype, op in itertools.product(shapes, BYTES, ("Add", "Mul")):
        name = f"qlinear_{op.lower()}_{np.dtype(dtype).name}_{'x'.join(map(str, a))}_{'x'.join(map(str, b))}"
        inputs = [bytes_of(dtype, *a), f32(0.11), zero(dtype), bytes_of(dtype, *b), f32(0.07), zero(dtype, 9)]
        factor = 0.13 if op == "Add" else 1.7
        yield name, f"QLinear{op}", 1, {}, inputs + [f32(factor), zero(dtype, -5)], MICROSOFT
    for dtype, op in itertools.product(BYTES, ("Add", "Mul")):
        x, y = bytes_of(dtype, 5, 7), bytes_of(dtype, 5, 7)
        nought = np.array(0, dtype)
        inputs = [x, f32(0.25), nought, y, f32(0.5), nought, f32(0.5)]
        yield f"qlinear_{op.lower()}_{np.dtype(dtype).name}_halves", f"QLinear{op}", 1, {}, inputs, MICROSOFT


def pools():
    windows = (
        ("plain", {"kernel_shape": [2, 2]}),
        ("strides", {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1]}),
        ("include", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
        ("ceil", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ("upper", {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    )  # fmt: skip
    for dtype in BYTES:
        name = np.dtype(dtype).name
        parameters = [f32(0.1), zero(dtype), f32(0.07), zero(dtype, 4)]
        for (window, attributes), last in itertools.product(windows, (0, 1)):
            x = bytes_of(dtype, 2, 5, 6, 3) if last else bytes_of(dtype, 2, 3, 5, 6)
            more = attributes | {"channels_last": last}
            yield f"qlinear_average_{name}_{window}_{last}", "QLinearAveragePool", 1, more, [x] + parameters, MICROSOFT
        x = bytes_of(dtype, 1, 2, 9)
        yield f"qlinear_average_{name}_1d", "QLinearAveragePool", 1, {"kernel_shape": [3]}, [x] + parameters, MICROSOFT
        same = [bytes_of(dtype, 1, 2, 6, 6), f32(0.5), zero(dtype), f32(0.5), zero(dtype)]
        yield f"qlinear_average_{name}_halves", "QLinearAveragePool", 1, {"kernel_shape": [2, 2]}, same, MICROSOFT
        for last in (0, 1):
            x = bytes_of(dtype, 2, 7, 7, 5)
            yield (f"qlinear_global_{name}_{last}", "QLinearGlobalAveragePool", 1, {"channels_last": last},
                [x] + parameters, MICROSOFT)
        x, y_scale = bytes_of(dtype, 2, 3, 4), 0.05
        for axes, keep in (([1], 1), ([0, -1], 0), ([0, 1, 2], 1)):
            sums = (x.astype(np.float32) - np.float32(zero(dtype))).sum(tuple(axes), keepdims=bool(keep))
            mean = sums * (f32(0.1) / (f32(y_scale) * f32(x.size // sums.size)))
            info = np.iinfo(dtype)
            y = np.clip(np.rint(mean) + int(zero(dtype, 4)), info.min, info.max).astype(dtype)
            attributes = {"axes": axes, "keepdims": keep}
            inputs = [x, f32(0.1), zero(dtype), f32(y_scale), zero(dtype, 4)]
            yield (f"qlinear_mean_{name}_{len(axes)}", "QLinearReduceMean", 1, attributes, inputs,
                MICROSOFT | {"expected": [y]})
        x = bytes_of(dtype, 1, 6, 7, 3)
        attributes = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]}
        yield f"nhwc_max_pool_{name}", "NhwcMaxPool", 1, attributes, [x], MICROSOFT


def softmax():
    # A probability of 1 in int8: ONNX Runtime's 128 wraps to -128, maas holds 127.
    for dtype, opset, axis in itertools.product(BYTES, (12, 13), (1, -1)):
        x = bytes_of(dtype, 2, 3, 9)
        inputs = [x, f32(0.02), zero(dtype), f32(1 / 256), np.array(0 if dtype is np.uint8 else -128, dtype)]
        name = f"qlinear_softmax_{np.dtype(dtype).name}_{opset}_{axis}"
        yield name, "QLinearSoftmax", 1, {"opset": opset, "axis": axis}, inputs, MICROSOFT


def products():
    for (a_type, b_type), trans in itertools.product(((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)),
            (0, 1)):
        name = f"{np.dtype(a_type).name}_{np.dtype(b_type).name}_{trans}"
        a, b = bytes_of(a_type, 3, 7), weights(bytes_of(b_type, *((5, 7) if trans else (7, 5))))
        head = [a, f32(0.02), zero(a_type), b]
        c = random.integers(-5000, 5000, 5).astype(np.int32)
        for columns in (0, 1):
            scale = (np.abs(floats(5)) * 0.01 + 0.01) if columns else f32(0.03)
            zeros = bytes_of(b_type, 5) if columns else zero(b_type)
            inputs = head + [scale, zeros]
            attributes = {"transB": trans}
            kind = f"{name}_{columns}"
            yield f"qgemm_{kind}_float", "QGemm", 1, attributes, inputs + [c], MICROSOFT
            tail = [f32(0.4), zero(a_type)]
            yield f"qgemm_{kind}", "QGemm", 1, attributes | {"alpha": 0.7}, inputs + [c] + tail, MICROSOFT
            yield f"qgemm_{kind}_plain", "QGemm", 1, attributes, inputs + [None] + tail, MICROSOFT
    inputs = [bytes_of(np.uint8, 7, 3), f32(0.02), zero(np.uint8), bytes_of(np.uint8, 7, 4), f32(0.03), zero(np.uint8)]
    c = random.integers(-5000, 5000, (3, 1)).astype(np.int32)
    yield "qgemm_trans_a", "QGemm", 1, {"transA": 1}, inputs + [c, f32(0.2), zero(np.uint8)], MICROSOFT
    for a_type, b_type in ((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)):
        name = f"{np.dtype(a_type).name}_{np.dtype(b_type).name}"
        a, b = bytes_of(a_type, 2, 3, 6), weights(bytes_of(b_type, 6, 5))
        columns = [np.abs(floats(5)) + 0.01, bytes_of(b_type, 5)]
        for kind, (scale, zeros) in (("columns", columns), ("one", [f32(0.1), zero(b_type)]),
                ("no_zero", [f32(0.1), None])):
            inputs = [a, b, f32(0.2), scale, zero(a_type), zeros, floats(5)]
            yield f"matmul_to_float_{name}_{kind}", "MatMulIntegerToFloat", 1, {}, inputs, MICROSOFT
        b = weights(bytes_of(b_type, 2, 6, 5))
        inputs = [a, b, f32(0.2), f32(0.1), None, None]
        yield f"matmul_to_float_{name}_batch", "MatMulIntegerToFloat", 1, {}, inputs, MICROSOFT
    for b_type in BYTES:
        name, b = np.dtype(b_type).name, weights(bytes_of(b_type, 6, 5))
        columns = "columns", np.abs(floats(5)) + 0.01, bytes_of(b_type, 5)
        for kind, scale, zeros in (columns, ("one", f32(0.1), zero(b_type))):
            inputs = [floats(2, 3, 6), b, scale, zeros, floats(5)]
            yield f"dynamic_matmul_{name}_{kind}", "DynamicQuantizeMatMul", 1, {}, inputs, MICROSOFT
        yield f"dynamic_matmul_{name}_plain", "DynamicQuantizeMatMul", 1, {}, [floats(3, 6), b, f32(0.1)], MICROSOFT
    for dtype in BYTES:
        x, w = bytes_of(dtype, 1, 5, 6, 4), weights(bytes_of(np.int8, 3, 4, 3, 2))
        inputs = [x, f32(0.05), zero(dtype), w, f32(0.02), np.array(0, np.int8), f32(0.3), zero(dtype)]
        bias = random.integers(-3000, 3000, 3).astype(np.int32)
        attributes = {"channels_last": 1, "pads": [1, 0, 1, 1], "strides": [2, 1]}
        yield f"qlinear_conv_last_{np.dtype(dtype).name}", "QLinearConv", 1, attributes, inputs + [bias], MICROSOFT


def scales():
    x = floats(3, 4) * 40
    for name in ("uint8", "int8", "uint16", "int16"):
        dtype = np.dtype(name)
        yield f"ms_quantize_{name}", "QuantizeLinear", 1, {}, [x, f32(0.5), np.array(3, dtype)], MICROSOFT
        inputs = [x, np.abs(floats(4)) + 0.1, random.integers(0, 9, 4).astype(dtype)]
        yield f"ms_quantize_{name}_axis", "QuantizeLinear", 1, {"axis": 1}, inputs, MICROSOFT
        inputs = [bytes_of(dtype.type, 3, 4), f32(0.5), np.array(3, dtype)]
        yield f"ms_dequantize_{name}", "DequantizeLinear", 1, {}, inputs, MICROSOFT
        inputs = [bytes_of(dtype.type, 3, 4), np.abs(floats(3)) + 0.1, random.integers(0, 9, 3).astype(dtype)]
        yield f"ms_dequantize_{name}_axis", "DequantizeLinear", 1, {"axis": 0}, inputs, MICROSOFT
    for name in ("int4", "uint4"):
        dtype = small(name)
        info = ml_dtypes.iinfo(dtype)
        y = np.clip(np.rint(x / 7) + 2, int(info.min), int(info.max)).astype(np.int32).astype(dtype)
        more = MICROSOFT | {"expected": [y]}
        yield f"ms_quantize_{name}", "QuantizeLinear", 1, {}, [x, f32(7), np.array(2, dtype)], more
        more = MICROSOFT | {"expected": [(y.astype(np.float32) - 2) * 7]}
        yield f"ms_dequantize_{name}", "DequantizeLinear", 1, {}, [y, f32(7), np.array(2, dtype)], more


def codes(bits, n, count):
    """Random codes [n, count] and their bytes, the first code in the lowest bits."""
    numbers = random.integers(0, 1 << bits, (n, count))
    padded = np.pad(numbers, ((0, 0), (0, -count % (8 // bits)))).reshape(n, -1, 8 // bits)
    return numbers, (padded << (np.arange(8 // bits) * bits)).sum(-1).astype(np.uint8)


def blocks():
    for bits, (n, k, block), rows in itertools.product((2, 4, 8), ((5, 40, 16), (35, 64, 32), (3, 16, 16)),
            (1, 2, 4, 9)):
        kb = -(-k // block)
        numbers, data = codes(bits, n, kb * block)
        data, scale = data.reshape(n, kb, -1), np.abs(floats(n, kb)) + 0.1
        a, bias = floats(2, rows, k) if rows == 2 else floats(rows, k), floats(n)
        zeros, packed = codes(bits, n, kb)
        wide = floats(n, kb) + 4
        attributes = {"N": n, "K": k, "bits": bits, "block_size": block}
        for kind, own, offset, more in (
            ("none", None, 1 << (bits - 1), [None, bias]), ("packed", packed, zeros[:, :, None], [None, bias]),
            ("float", wide, wide[:, :, None], []),
        ):  # fmt: skip
            b = ((numbers.reshape(n, kb, block) - offset) * scale[:, :, None]).reshape(n, -1)[:, :k]
            y = (a.astype(np.float64) @ b.T).astype(np.float32) + (bias if more else 0)
            # Sums of floats are as exact as their terms are large.
            close = 1e-4 + 1e-6 * float((np.abs(a) @ np.abs(b.T)).max())
            options = MICROSOFT | {"tolerance": (1e-4, close), "expected": [y.astype(np.float32)]}
            yield (f"nbits_{bits}_{n}x{k}x{block}_{rows}_{kind}", "MatMulNBits", 1, attributes,
                [a, data, scale, own] + more, options)
    # What ONNX Runtime has kernels for, from there.
    for level, dtype in itertools.product((0, 1), (np.float32, np.float16)):
        numbers, data = codes(4, 20, 64)
        scale, zeros = np.abs(floats(20, 2)).astype(dtype) + dtype(0.1), codes(4, 20, 2)[1]
        attributes = {"N": 20, "K": 64, "bits": 4, "block_size": 32, "accuracy_level": level}
        close = (5e-3, 2e-2) if dtype is np.float16 else (1e-4, 1e-4)
        inputs = [floats(3, 64).astype(dtype), data.reshape(20, 2, 16), scale, zeros]
        options = MICROSOFT | {"tolerance": close}
        yield f"nbits_level_{level}_{np.dtype(dtype).name}", "MatMulNBits", 1, attributes, inputs, options
    for kind, zeros in (("none", None), ("packed", codes(4, 6, 3)[1]), ("float", floats(6, 3) + 7)):
        groups = random.permutation(np.arange(48) // 16).astype(np.int32)
        attributes = {"N": 6, "K": 48, "bits": 4, "block_size": 16}
        numbers, data = codes(4, 6, 48)
        inputs = [floats(2, 48), data.reshape(6, 3, 8), np.abs(floats(6, 3)) + 0.1, zeros, groups, floats(6)]
        # ONNX Runtime takes the group of place i of every 8 from the block's first ones; the schema says element by
        # element.
        scale = inputs[2][:, groups]
        offset = 8 if zeros is None else (unpacked(zeros, 3)[:, groups] if zeros.dtype == np.uint8
            else zeros[:, groups])
        y = inputs[0].astype(np.float64) @ ((numbers - offset) * scale).T + inputs[5]
        options = MICROSOFT | {"tolerance": (1e-4, 1e-4), "expected": [y.astype(np.float32)]}
        yield f"nbits_groups_{kind}", "MatMulNBits", 1, attributes, inputs, options
    # An infinite element makes the sums of its row infinite, however many rows there are.
    own = np.random.default_rng(3)
    for bits, rows in itertools.product((2, 4, 8), (1, 3, 4, 5)):
        numbers, more = own.integers(0, 1 << bits, (2, 6, 32))
        a = own.uniform(-1, 1, (rows, 64)).astype(np.float32)
        a[0, 3], a[rows - 1, 40] = np.inf, -np.inf
        numbers[numbers == 1 << (bits - 1)] = 0
        more[more == 1 << (bits - 1)] = 0
        both = np.concatenate([numbers, more], 1)
        data = sum(both.reshape(6, -1, 8 // bits)[:, :, i] << (bits * i) for i in range(8 // bits)).astype(np.uint8)
        scale = own.uniform(0.1, 1, (6, 2)).astype(np.float32)
        y = a.astype(np.float64) @ ((both - (1 << (bits - 1))) * scale.repeat(32, 1)).T
        attributes = {"N": 6, "K": 64, "bits": bits, "block_size": 32}
        inputs = [a, data.reshape(6, 2, -1), scale]
        options = MICROSOFT | {"tolerance": (1e-4, 1e-3), "expected": [y.astype(np.float32)]}
        yield f"nbits_infinite_{bits}_{rows}", "MatMulNBits", 1, attributes, inputs, options


def unpacked(data, count):
    return np.stack([data & 15, data >> 4], -1).reshape(len(data), -1)[:, :count].astype(np.float64)


def gathered():
    indices = np.array([[2, 0], [-1, 4]], np.int64)
    for bits, zeros in itertools.product((4, 8), (False, True)):
        numbers, data = codes(bits, 5, 48)
        scale = np.abs(floats(5, 3)) + 0.1
        inputs = [data, indices, scale] + ([codes(bits, 5, 3)[1]] if zeros else [])
        attributes = {"bits": bits, "block_size": 16, "quantize_axis": 1, "gather_axis": 0}
        yield f"gather_blocks_{bits}_{zeros}", "GatherBlockQuantized", 1, attributes, inputs, MICROSOFT
    for name, gather, quantize in itertools.product(("int4", "uint4"), (0, 1, 2), (0, 1, 2)):
        dtype = small(name)
        shape = [3, 3, 3]
        shape[quantize] = 37
        low = 0 if name == "uint4" else -8
        x = random.integers(low, low + 16, shape).astype(np.int32)
        shape[quantize] = 3
        scale, zeros = np.abs(floats(*shape)) + 0.1, random.integers(low, low + 16, shape).astype(np.int32)
        wide = (np.repeat(v, 16, quantize).take(range(37), quantize) for v in (scale, zeros))
        scales, offsets = wide
        own = np.array([2, 0, -1], np.int32)
        y = np.take(((x - offsets) * scales).astype(np.float32), own, gather)
        inputs = [x.astype(dtype), own, scale, zeros.astype(dtype)]
        attributes = {"block_size": 16, "quantize_axis": quantize, "gather_axis": gather}
        options = MICROSOFT | {"expected": [y]}
        yield f"gather_blocks_{name}_{gather}_{quantize}", "GatherBlockQuantized", 1, attributes, inputs, options
    x = floats(4, 32).astype(small("float8_e4m3fn"))
    for block, shape in ((0, (1, 1)), (16, (4, 2))):
        scale = np.abs(floats(*shape)) + 0.1
        y = (x.astype(np.float32) * np.repeat(scale, 32 // shape[1], 1))[[1, 3, 0]]
        y[2:] = 0
        attributes, options = {"block_size": block}, MICROSOFT | {"expected": [y]}
        inputs = [x, np.array([1, 3, 9], np.int64), scale]
        yield f"gather_blocks_float8_{block}", "GatherBlockQuantized", 1, attributes, inputs, options


def recurrent():
    for direction, count, columns in (("forward", 1, 0), ("reverse", 1, 1), ("bidirectional", 2, 1)):
        w, r = weights(bytes_of(np.int8, count, 5, 12)), weights(bytes_of(np.int8, count, 3, 12))
        inputs = [floats(4, 2, 5), w, r, floats(count, 24)]
        inputs += [None, floats(count, 2, 3), floats(count, 2, 3), None]
        for _ in range(2):
            shape = (count, 12) if columns else (count,)
            inputs += [np.abs(floats(*shape)) * 0.004 + 0.002, np.zeros(shape, np.int8)]
        options = MICROSOFT | {"outputs": 3, "tolerance": (0, 0.02)}
        yield (f"dynamic_lstm_{direction}", "DynamicQuantizeLSTM", 1, {"hidden_size": 3, "direction": direction},
            inputs, options)


def attention():
    batch, time, heads, size, past = 2, 3, 2, 4, 2
    masks = {
        "none": None, "lengths": np.array([2, 3], np.int32), "ends": np.array([2, 3, 0, 1], np.int32),
        "places": np.array([[1, 1, 0], [1, 0, 1]], np.int32),
        "rows": random.integers(0, 2, (batch, time, time)).astype(np.int32),
    }  # fmt: skip
    masks["rows"][:, :, 1] = 1
    for dtype, (kind, mask), columns in itertools.product(BYTES, masks.items(), (False, True)):
        scale = np.abs(floats(24)) * 0.01 + 0.01 if columns else f32(0.02)
        zeros = np.zeros(24, dtype) if columns else zero(dtype)
        x, w = bytes_of(np.uint8, batch, time, 6), weights(bytes_of(dtype, 6, 24))
        inputs = [x, w, floats(24), f32(0.01), scale, mask, zero(np.uint8), zeros]
        name = f"qattention_{np.dtype(dtype).name}_{kind}_{columns}"
        yield name, "QAttention", 1, {"num_heads": heads}, inputs, MICROSOFT
    before, options = floats(2, batch, heads, past, size), MICROSOFT | {"outputs": 2}
    for causal, mask in ((0, None), (1, None), (1, np.array([[1, 1, 1, 0, 1], [0, 1, 1, 1, 1]], np.int32))):
        inputs[5] = mask
        attributes = {"num_heads": heads, "unidirectional": causal, "scale": 0.4}
        yield f"qattention_past_{causal}_{mask is not None}", "QAttention", 1, attributes, inputs + [before], options
