"""Cases of normalisations, losses, recurrence, attention and update rules. See make-cases.py."""
import numpy as np

random = np.random.default_rng(11)
DTYPES = (np.float32, np.float64, np.float16)


def floats(*shape, dtype=np.float32, low=-2, high=2):
    return random.uniform(low, high, shape).astype(dtype)


def cases():
    for group in (normalisations, batch_normalisation, losses, recurrent, rotary, stateful, updates):
        yield from group()
    for group in (attention, masks):
        for case in group():
            case[-1].setdefault("reference", True)
            yield case


def normalised(x, axes, epsilon):
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def normalisations():
    for dtype in DTYPES:
        name, close = np.dtype(dtype).name, {"tolerance": (4e-3, 4e-3)} if dtype == np.float16 else {}
        x, scale, bias = floats(2, 4, 3, 2, dtype=dtype), floats(4, dtype=dtype), floats(4, dtype=dtype)
        y = normalised(x, (2, 3), 1e-3) * scale.reshape(4, 1, 1) + bias.reshape(4, 1, 1)
        more = {"expected": [y.astype(dtype)], **close}
        for opset in (1, 6, 22):
            yield f"instance_{name}_{opset}", "InstanceNormalization", opset, {"epsilon": 1e-3}, [x, scale, bias], more
        grouped = normalised(x.reshape(2, 2, 2, 3, 2), (2, 3, 4), 1e-5).reshape(x.shape)
        y = grouped * scale.reshape(4, 1, 1) + bias.reshape(4, 1, 1)
        attributes = {"num_groups": 2}
        more = {"expected": [y.astype(dtype)], **close}
        yield f"group_{name}_21", "GroupNormalization", 21, attributes, [x, scale, bias], more
        y = grouped * scale[:2].repeat(2).reshape(4, 1, 1) + bias[:2].repeat(2).reshape(4, 1, 1)
        more = {"expected": [y.astype(dtype)], **close}
        yield f"group_{name}_18", "GroupNormalization", 18, attributes, [x, scale[:2], bias[:2]], more
        for axis in (-1, 2):
            y = x / np.sqrt((x.astype(np.float64) ** 2).mean(tuple(range(axis % 4, 4)), keepdims=True) + 1e-5)
            weights = floats(*((2,) if axis == -1 else (3, 2)), dtype=dtype)
            more = {"expected": [(y * weights).astype(dtype)], **close}
            yield f"rms_{name}_{axis}", "RMSNormalization", 23, {"axis": axis}, [x, weights], more
        for p, axis in ((1, 0), (2, -1), (2, 1)):
            x[0, :, 0, 0], x[1, 1] = 0, 0
            norm = np.linalg.norm(x.astype(np.float64), p, axis, keepdims=True)
            y = np.divide(x, norm, out=np.zeros(x.shape), where=norm != 0)
            more = {"expected": [y.astype(dtype)], **close}
            yield f"lp_{name}_{p}_{axis}", "LpNormalization", 22, {"p": p, "axis": axis}, [x], more
        for axes in ([0, 2, 3], [1], [-1, 0]):
            x = floats(2, 4, 3, 2, dtype=dtype)
            wide = x.astype(np.float64)
            y = (wide - wide.mean(tuple(axes), keepdims=True)) / (wide.std(tuple(axes), keepdims=True) + 1e-9)
            more = {"expected": [y.astype(dtype)], **close}
            yield f"mvn_{name}_{axes}", "MeanVarianceNormalization", 13, {"axes": axes}, [x], more
        for size, shape in ((3, (2, 5, 2, 2)), (2, (1, 4, 3)), (7, (1, 3, 2, 2)), (1, (2, 3))):
            x = floats(*shape, dtype=dtype)
            squares = np.zeros(shape)
            for c in range(shape[1]):
                window = x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1].astype(np.float64)
                squares[:, c] = (window**2).sum(1)
            y = x / (1.5 + 0.3 / size * squares) ** 0.6
            attributes = {"size": size, "alpha": 0.3, "beta": 0.6, "bias": 1.5}
            yield (f"lrn_{name}_{size}", "LRN", 13, attributes, [x],
                {"expected": [y.astype(dtype)], "tolerance": (4e-3, 4e-3) if close else (1e-6, 1e-6)})
    yield "lrn_1", "LRN", 1, {"size": 3}, [floats(1, 4, 2, 2)], {}
    yield "mvn_9", "MeanVarianceNormalization", 9, {}, [floats(2, 3, 2, 2)], {}
    x, weights = floats(2, 4, dtype=np.float16), floats(4)
    y = (x / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + 1e-5)).astype(np.float32) * weights
    yield "rms_mixed", "RMSNormalization", 23, {}, [x, weights], {"expected": [y]}


def batch_normalisation():
    """Training, from the formulas of the schema; the variance is that of the population."""
    for opset, outputs in ((1, 5), (6, 1), (7, 5), (9, 3), (14, 3), (15, 3)):
        for dtype in (np.float32, np.float64):
            x, means, variances = floats(3, 2, 4, dtype=dtype), floats(2, dtype=dtype), floats(2, dtype=dtype, low=1)
            scale, bias = floats(2, dtype=dtype), floats(2, dtype=dtype)
            mean, variance = x.mean((0, 2)), x.var((0, 2))
            y = normalised(x, (0, 2), 1e-3) * scale.reshape(2, 1) + bias.reshape(2, 1)
            momentum = float(np.float32(0.8))
            running = [momentum * means + (1 - momentum) * mean, momentum * variances + (1 - momentum) * variance]
            expected = [v.astype(dtype) for v in ([y] + running + [mean, variance])[:outputs]]
            attributes = {"epsilon": 1e-3, "momentum": 0.8, **({"training_mode": 1} if opset > 9 else {})}
            more = {"outputs": outputs, "expected": expected, "tolerance": (1e-5, 1e-5)}
            name = f"batch_norm_training_{opset}_{np.dtype(dtype).name}"
            yield name, "BatchNormalization", opset, attributes, [x, scale, bias, means, variances], more
    x = floats(3, 2, 2)
    inputs = [x, floats(2, 2), floats(2, 2), floats(2, 2), floats(2, 2, low=0.5)]
    y = (x - inputs[3]) / np.sqrt(inputs[4] + 1e-5) * inputs[1] + inputs[2]
    yield "batch_norm_elements", "BatchNormalization", 7, {"spatial": 0}, inputs, {"expected": [y]}
    yield "batch_norm_is_test", "BatchNormalization", 6, {"spatial": 0, "is_test": 1}, inputs, {"expected": [y]}


def losses():
    for dtype in DTYPES:
        for reduction in ("none", "sum", "mean"):
            for shape in ((3, 5), (2, 4, 3), (2, 3, 2, 2)):
                for index in (np.int32, np.int64):
                    x = floats(*shape, dtype=dtype)
                    target = random.integers(0, shape[1], (shape[0],) + shape[2:]).astype(index)
                    weights = floats(shape[1], dtype=dtype, low=0.5)
                    more = {"tolerance": (5e-3, 5e-3)} if dtype == np.float16 else {}
                    name = f"{np.dtype(dtype).name}_{reduction}_{len(shape)}_{np.dtype(index).name}"
                    if len(shape) == 2 and index == np.int64:
                        target[0] = -7
                        attributes = {"reduction": reduction, "ignore_index": -7}
                    else:
                        attributes = {"reduction": reduction}
                    inputs = [x, target] + ([weights] if len(shape) < 4 else [])
                    if index == np.int32 and len(shape) != 3:
                        continue
                    yield f"nll_{name}", "NegativeLogLikelihoodLoss", 13, attributes, inputs, more
                    yield f"sce_{name}", "SoftmaxCrossEntropyLoss", 13, attributes, inputs, {"outputs": 2, **more}


def recurrent():
    for op, gates in (("RNN", 1), ("GRU", 3)):
        def weights(directions, steps, batch, size, hidden, dtype=np.float32, gates=gates):
            return [
                floats(steps, batch, size, dtype=dtype), floats(directions, gates * hidden, size, dtype=dtype),
                floats(directions, gates * hidden, hidden, dtype=dtype),
                floats(directions, 2 * gates * hidden, dtype=dtype), None, None,
            ]  # fmt: skip

        close = {"outputs": 2, "tolerance": (1e-4, 1e-5)}
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            attributes = {"hidden_size": 3, "direction": direction}
            inputs = weights(count, 4, 2, 5, 3)
            yield f"{op}_{direction}", op, 14, attributes, inputs, close
            inputs = inputs[:4] + [np.array([2, 4], np.int32), floats(count, 2, 3)]
            yield f"{op}_{direction}_lengths", op, 14, attributes, inputs, close
            wide = weights(count, 3, 2, 4, 3, np.float64)[:5] + [floats(count, 2, 3, dtype=np.float64)]
            if op == "GRU" or direction != "bidirectional":
                yield f"{op}_{direction}_double", op, 14, attributes, wide, {"outputs": 2}
            if op == "GRU":
                attributes = {"linear_before_reset": 1, **attributes}
                yield f"{op}_{direction}_linear", op, 7, attributes, inputs, close
                yield f"{op}_{direction}_linear_double", op, 14, attributes, wide, {"outputs": 2}
            batch_first = [inputs[0].swapaxes(0, 1).copy()] + inputs[1:4]
            yield f"{op}_{direction}_layout", op, 14, {**attributes, "layout": 1}, batch_first, close
        names = ["HardSigmoid", "Softsign"][: 1 if op == "RNN" else 2]
        attributes = {"hidden_size": 4, "activations": names, "clip": 0.7}
        yield f"{op}_activations", op, 7, attributes, weights(1, 3, 2, 3, 4), close
        names = ["ScaledTanh"] if op == "RNN" else ["Sigmoid", "ScaledTanh"]
        attributes = {"hidden_size": 4, "activations": names, "activation_alpha": [0.5], "activation_beta": [0.75]}
        yield f"{op}_scaled", op, 7, attributes, weights(1, 3, 2, 3, 4), close
        yield f"{op}_blocks", op, 7, {"hidden_size": 2}, weights(1, 3, 37, 2, 2), close
        # So many gates that they are computed for a few steps at a time.
        inputs = weights(2, 5, 128, 3, 128)
        inputs[2] *= np.float32(0.1)
        yield f"{op}_stretches", op, 14, {"hidden_size": 128, "direction": "bidirectional"}, inputs, close
        narrow = weights(1, 3, 2, 3, 4, np.float16)
        yield f"{op}_f16", op, 14, {"hidden_size": 4}, narrow, {"outputs": 2, "tolerance": (5e-3, 5e-3)}
    attributes = {"hidden_size": 2, "activations": ["Tanh", "Tanh"]}
    inputs = [floats(3, 2, 2), floats(1, 2, 2), floats(1, 2, 2)]
    yield "RNN_both_defaults", "RNN", 7, attributes, inputs, {"outputs": 2}
    wide = [floats(3, 2, 2, dtype=np.float64), floats(1, 12, 2, dtype=np.float64), floats(1, 12, 3, dtype=np.float64)]
    wide += [floats(1, 24, dtype=np.float64), None, floats(1, 2, 3, dtype=np.float64),
        floats(1, 2, 3, dtype=np.float64)]
    wide += [floats(1, 9, dtype=np.float64)]
    yield "lstm_double", "LSTM", 14, {"hidden_size": 3}, wide, {"outputs": 2}
    yield ("lstm_1", "LSTM", 7, {"hidden_size": 3}, [v if v is None else v.astype(np.float32) for v in wide],
        {"outputs": 3})


def attention():
    q4, k4, v4 = (1, 4, 3, 4), (1, 2, 5, 4), (1, 2, 5, 3)
    q3, k3, v3 = (1, 3, 16), (1, 5, 8), (1, 5, 6)
    heads = {"q_num_heads": 4, "kv_num_heads": 2}
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        four = [floats(*s, dtype=dtype) for s in (q4, k4, v4)]
        three = [floats(*s, dtype=dtype) for s in (q3, k3, v3)]
        for causal in (0, 1):
            yield f"attention_4d_{name}_{causal}", "Attention", 24, {"is_causal": causal}, four, {}
            yield f"attention_3d_{name}_{causal}", "Attention", 24, {"is_causal": causal, **heads}, three, {}
        attributes = {"scale": 0.3, "softcap": 1.5}
        # onnx.reference takes the root of the scale in float.
        yield f"attention_cap_{name}", "Attention", 24, attributes, four, {"tolerance": (1e-6, 1e-6)}
        past = [floats(1, 2, 2, 4, dtype=dtype), floats(1, 2, 2, 3, dtype=dtype)]
        for mode in range(4):
            attributes = {"is_causal": 1, "qk_matmul_output_mode": mode, **({"softcap": 2.0} if mode else {})}
            inputs = four + [floats(3, 7, dtype=dtype)] + past
            yield f"attention_past_{name}_{mode}", "Attention", 24, attributes, inputs, {"outputs": 4}
        yield f"attention_3d_past_{name}", "Attention", 23, heads, three + [None] + past, {"outputs": 3}
        yield f"attention_step_{name}", "Attention", 24, {}, [four[0][:, :, :1].copy()] + four[1:], {}
    # More keys than a tile and more rows than a block.
    four = [floats(*s) for s in ((1, 1, 70, 2), (1, 1, 270, 2), (1, 1, 270, 1))]
    yield "attention_tiles", "Attention", 24, {"is_causal": 1}, four, {}
    many = [floats(*s) for s in ((1, 12, 70, 1), (1, 6, 270, 1), (1, 6, 270, 1))]
    yield "attention_tiles_of_heads", "Attention", 24, {"is_causal": 1}, many, {}
    many = [x.transpose(0, 2, 1, 3).reshape(1, x.shape[2], -1) for x in many]
    counts = {"q_num_heads": 12, "kv_num_heads": 6}
    yield "attention_tiles_of_heads_3d", "Attention", 24, counts, many, {}
    attributes = {"left_window_size": 20, "right_window_size": 3}
    yield "attention_tiles_window", "Attention", 25, attributes, four, {}
    narrow = [floats(*s, dtype=np.float16) for s in (q4, k4, v4)]
    yield "attention_f16", "Attention", 24, {}, narrow, {"tolerance": (5e-3, 5e-3)}
    for dtype, code in ((np.float32, 1), (np.float64, 11)):
        inputs = [floats(1, 4, 2, 3, dtype=dtype), floats(1, 2, 3, 3, dtype=dtype), floats(1, 2, 3, 2, dtype=dtype)]
        attributes = {"scale": 0.4, "softmax_precision": code}
        more = {"domain": "ai.onnx.preview", "tolerance": (1e-6, 1e-6)}
        yield f"flex_{np.dtype(dtype).name}", "FlexAttention", 1, attributes, inputs, more


def masks():
    base = [floats(2, 2, 3, 4), floats(2, 2, 4, 4), floats(2, 2, 4, 3)]
    for shape in ((3, 4), (2, 3, 4), (1, 1, 3, 4), (2, 1, 1, 4), (3, 2), (4,)):
        name = "x".join(map(str, shape))
        for kind in (bool, np.float32):
            mask = random.random(shape) < 0.7 if kind is bool else floats(*shape)
            # onnx.reference takes the number of queries from the mask.
            for causal in (0, 1) if shape[-2:-1] == (3,) else (0,):
                attributes = {"is_causal": causal}
                inputs = base + [mask]
                yield f"attention_mask_{kind.__name__}_{name}_{causal}", "Attention", 24, attributes, inputs, {}
    wide = [v.astype(np.float64) for v in base]
    mask = np.array([[True, False, True, True], [False] * 4, [True] * 4])
    yield "attention_mask_nothing_double", "Attention", 24, {}, wide + [mask], {}
    yield "attention_mask_nothing", "Attention", 24, {"qk_matmul_output_mode": 3}, base + [mask], {"outputs": 4}
    for causal in (0, 1):
        inputs = base + [None, None, None, np.array([2, 4], np.int64)]
        yield f"attention_lengths_{causal}", "Attention", 24, {"is_causal": causal}, inputs, {}
        attributes = {"is_causal": causal, "left_window_size": 1, "right_window_size": 1}
        yield f"attention_window_{causal}", "Attention", 25, attributes, base, {}


def rotary():
    ids = np.array([[3, 0, 2]], np.int64)
    for interleaved in (0, 1):
        for width in (0, 4):
            attributes = {"interleaved": interleaved, "rotary_embedding_dim": width}
            pairs = (width or 6) // 2
            x, caches = floats(1, 2, 3, 6), [floats(5, pairs), floats(5, pairs)]
            name = f"rotary_{interleaved}_{width}"
            yield name, "RotaryEmbedding", 23, attributes, [x] + caches + [ids], {}
            per_place = [floats(1, 3, pairs), floats(1, 3, pairs)]
            yield f"{name}_places", "RotaryEmbedding", 23, attributes, [x] + per_place, {}
            inputs = [x.reshape(1, 3, 12)] + caches + [ids]
            yield f"{name}_3d", "RotaryEmbedding", 23, {"num_heads": 2, **attributes}, inputs, {}
    inputs = [floats(1, 2, 3, 4, dtype=np.float16), floats(5, 2, dtype=np.float16), floats(5, 2, dtype=np.float16), ids]
    yield "rotary_f16", "RotaryEmbedding", 23, {}, inputs, {"tolerance": (5e-3, 5e-3)}


def stateful():
    both = {"outputs": 2}
    for rule in ("linear", "gated", "delta", "gated_delta"):
        for wide_decay, past in ((False, True), (True, False)):
            inputs = [floats(2, 3, 8), floats(2, 3, 4), floats(2, 3, 6), None, None, None]
            if past:
                inputs[3] = floats(2, 2, 2, 3)
            if "gated" in rule:
                inputs[4] = -np.abs(floats(2, 3, 4 if wide_decay else 2))
            if "delta" in rule:
                inputs[5] = floats(2, 3, 1 if wide_decay else 2, low=0, high=1)
            attributes = {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": rule}
            yield f"linear_attention_{rule}_{past}", "LinearAttention", 27, attributes, inputs, both
    inputs = [floats(1, 2, 2), floats(1, 2, 2), floats(1, 2, 40)]
    attributes = {"q_num_heads": 1, "kv_num_heads": 1, "update_rule": "linear", "scale": 0.7}
    yield "linear_attention_blocks", "LinearAttention", 27, attributes, inputs, both
    for activation in ("none", "silu"):
        for length, past in ((5, True), (2, False), (1, True)):
            inputs = [floats(2, 3, length), floats(3, 1, 4), floats(3), floats(2, 3, 3) if past else None]
            name = f"causal_conv_{activation}_{length}"
            yield name, "CausalConvWithState", 27, {"activation": activation}, inputs, both


def updates():
    domain = {"domain": "ai.onnx.preview.training"}
    for dtype in (np.float32, np.float64):
        for time in (0, 3):
            start = [np.array(0.1, np.float32), np.array(time, np.int64)]
            shapes = ((3,), (2, 2))
            tensors = [floats(*shape, dtype=dtype) for _ in range(2) for shape in shapes]
            first, second = ([np.abs(floats(*shape, dtype=dtype)) for shape in shapes] for _ in range(2))
            name = f"{np.dtype(dtype).name}_{time}"
            common = {"norm_coefficient": 0.01}
            attributes = {**common, "decay_factor": 0.1, "epsilon": 1e-5}
            close = {"tolerance": (1e-5, 1e-6), **domain}
            yield f"adagrad_{name}", "Adagrad", 1, attributes, start + tensors + first, {"outputs": 4, **close}
            for mode in ("standard", "nesterov"):
                attributes = {**common, "alpha": 0.9, "beta": 0.8, "mode": mode}
                inputs = start + tensors + first
                yield f"momentum_{mode}_{name}", "Momentum", 1, attributes, inputs, {"outputs": 4, **close}
            if dtype == np.float32:
                attributes = {**common, "alpha": 0.8, "beta": 0.99, "norm_coefficient_post": 0.02}
                inputs = start + tensors + first + second
                yield f"adam_{name}", "Adam", 1, attributes, inputs, {"outputs": 6, **close}
