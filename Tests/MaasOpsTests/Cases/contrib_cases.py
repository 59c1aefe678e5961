"""Cases of the operators of com.microsoft that ONNX Runtime's optimizer writes. See make-cases.py.

Expected values are ONNX Runtime's; NumPy's where it has no kernel for the CPU.
"""
import math

import numpy as np

random = np.random.default_rng(29)
MS = {"domain": "com.microsoft"}
CLOSE = {"tolerance": (1e-4, 1e-5)}


def floats(*shape, dtype=np.float32, low=-1, high=1):
    return random.uniform(low, high, shape).astype(dtype)


def int32(*values):
    return np.array(values, np.int32)


def cases():
    for group in (products, activations, normalisations, embeddings, rotary):
        for name, op, attributes, inputs, more in group():
            yield f"ms_{name}", op, 1, attributes, inputs, {**MS, **CLOSE, **more}
    for group in (attention, multi_head, grouped, hidden):
        for name, op, attributes, inputs, more in group():
            yield f"ms_{name}", op, 1, attributes, inputs, {**MS, "tolerance": (1e-4, 1e-5), **more}
    yield from simplified()


def products():
    op = "FusedMatMul"
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            x = floats(*((2, 1, 4, 3) if a else (2, 1, 3, 4)), dtype=dtype)
            y = floats(*((2, 5, 4) if b else (2, 4, 5)), dtype=dtype)
            yield f"matmul_{name}_{a}{b}", op, {"transA": a, "transB": b, "alpha": 0.7}, [x, y], {}
    yield "matmul_flat", op, {"transB": 1}, [floats(2, 3, 4), floats(5, 4)], {}
    yield "matmul_vectors", op, {"transA": 1}, [floats(4), floats(4, 5)], {}
    yield "matmul_vector", op, {"transB": 1}, [floats(3, 4), floats(4)], {}
    for a in (0, 1):
        x, y = floats(*((5, 2, 3, 4) if a else (4, 2, 3, 5))), floats(2, 3, 5, 6)
        yield f"matmul_batch_a{a}", op, {"transBatchA": 1, "transA": a}, [x, y], {}
        x, y = floats(2, 3, 4, 5), floats(*((6, 2, 3, 5) if a else (5, 2, 3, 6)))
        yield f"matmul_batch_b{a}", op, {"transBatchB": 1, "transB": a}, [x, y], {}
    parameters = {
        "Relu": (), "Sigmoid": (), "Tanh": (), "Softplus": (), "Softsign": (), "LeakyRelu": (0.2,), "Elu": (0.7,),
        "Celu": (0.6,), "ThresholdedRelu": (0.1,), "HardSigmoid": (0.3, 0.4), "Selu": (1.5, 1.1),
    }
    for name, values in parameters.items():
        names = ("alpha", "gamma") if name == "Selu" else ("alpha", "beta")
        attributes = {f"activation_{n}": v for n, v in zip(names, values)}
        yield (f"gemm_{name}", "FusedGemm", {"activation": name, **attributes}, [floats(2, 3), floats(3, 4), floats(4)],
            {})
    attributes = {"activation": "Relu", "transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}
    yield "gemm_transposed", "FusedGemm", attributes, [floats(3, 2), floats(4, 3), floats(2, 1)], {}
    x, w, b = floats(1, 4, 5, 5), floats(4, 2, 3, 3), floats(4)
    window = {"group": 2, "pads": [1, 1, 1, 1], "strides": [2, 2], "kernel_shape": [3, 3]}
    for name, values in (("Relu", []), ("Sigmoid", []), ("Tanh", []), ("HardSwish", []), ("LeakyRelu", [0.2]),
                         ("Clip", [-0.2, 0.5]), ("HardSigmoid", [0.3, 0.4])):
        attributes = {"activation": name, **({"activation_params": values} if values else {}), **window}
        yield f"conv_{name}", "FusedConv", attributes, [x, w, b], {}
    yield "conv_residual", "FusedConv", {"activation": "Relu", **window}, [x, w, b, floats(1, 4, 3, 3)], {}
    yield "conv_residual_only", "FusedConv", {"activation": "Relu", **window}, [x, w, None, floats(1, 4, 3, 3)], {}


def gelu(x):
    return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def activations():
    x, bias = floats(2, 3, 10, low=-4, high=4), floats(10)
    yield "gelu", "Gelu", {}, [x], {}
    yield "bias_gelu", "BiasGelu", {}, [x, bias], {}
    yield "fast_gelu", "FastGelu", {}, [x], {}
    yield "fast_gelu_bias", "FastGelu", {}, [x, bias], {}
    for alpha in (None, 2.0, -1.0):
        yield f"quick_gelu_{alpha}", "QuickGelu", {"alpha": alpha} if alpha else {}, [x], {}
    half = x.astype(np.float16)
    wide = half.astype(np.float64) + bias.astype(np.float16)
    more = {"expected": [gelu(wide).astype(np.float16)], "tolerance": (2e-3, 2e-3)}
    yield "bias_gelu_half", "BiasGelu", {}, [half, bias.astype(np.float16)], more
    skip = floats(2, 3, 10)
    yield "bias_add", "BiasAdd", {}, [x, bias, skip], {"expected": [x + bias + skip]}
    for axis, shape, inner in ((3, (2, 1, 1, 4), 1), (-1, (1, 3, 2, 4), 0), (2, (1, 1, 2, 4), 0)):
        data, mask = floats(2, 3, 2, 4), floats(*shape)
        sums = (data + mask).astype(np.float64)
        parts = sums.reshape(2, 3, -1) if axis == 2 else sums
        e = np.exp(parts - parts.max(-1, keepdims=True))
        y = (e / e.sum(-1, keepdims=True)).reshape(data.shape).astype(np.float32)
        yield (f"bias_softmax_{axis}", "BiasSoftmax", {"axis": axis, "is_inner_broadcast": inner}, [data, mask],
            {"expected": [y]})


def normalisations():
    op = "SkipLayerNormalization"
    for dtype, close in ((np.float32, (1e-4, 1e-5)), (np.float16, (4e-3, 4e-3))):
        name, more = np.dtype(dtype).name, {"tolerance": close}
        x, skip = floats(2, 3, 8, dtype=dtype), floats(2, 3, 8, dtype=dtype)
        scale, shift, bias = (floats(8, dtype=dtype) for _ in range(3))
        yield f"skip_{name}", op, {"epsilon": 1e-5}, [x, skip, scale, shift, bias], more
        yield f"skip_no_shift_{name}", op, {}, [x, skip, scale], more
        sums = {"names": ["y", "", "", "sum"], **more}
        yield f"skip_sum_{name}", op, {"epsilon": 1e-3}, [x, skip[:1], scale, shift], sums
        yield f"skip_sum_bias_{name}", op, {"epsilon": 1e-3}, [x, skip[0], scale, None, bias], sums
        simple = "SkipSimplifiedLayerNormalization"
        yield f"skip_rms_{name}", simple, {"epsilon": 1e-5}, [x, skip, scale], more
        yield f"skip_rms_bias_{name}", simple, {}, [x, skip, scale, bias], sums
        yield f"skip_rms_flat_{name}", simple, {}, [x[0], skip[0], scale], sums
    wide = x.astype(np.float64) + skip
    mean, inverse = wide.mean(-1, keepdims=True), 1 / np.sqrt(wide.var(-1, keepdims=True) + 1e-12)
    y = (wide - mean) * inverse * scale
    expected = [y.astype(np.float16), mean.astype(np.float32), inverse.astype(np.float32)]
    yield "skip_statistics", op, {}, [x, skip, scale], {"expected": expected, "outputs": 3, "tolerance": (4e-3, 4e-3)}


def simplified():
    for domain in ("", "com.microsoft"):
        for axis, shape in ((-1, (6,)), (1, (4, 6)), (1, (6,))):
            x, scale = floats(2, 4, 6), floats(*shape)
            axes = tuple(range(axis % 3, 3))
            inverse = 1 / np.sqrt((x.astype(np.float64) ** 2).mean(axes, keepdims=True) + 1e-3)
            more = {"outputs": 2, "tolerance": (1e-4, 1e-5), "domain": domain}
            if domain:
                more["expected"] = [(x * inverse * scale).astype(np.float32), inverse.astype(np.float32)]
            name = f"simplified_{domain or 'onnx'}_{axis}_{len(shape)}"
            yield (name, "SimplifiedLayerNormalization", 1 if domain else 13, {"axis": axis, "epsilon": 1e-3},
                [x, scale], more)


def embeddings():
    op = "EmbedLayerNormalization"
    ids, segments, mask = int32([1, 2, 0], [3, 1, 1]), int32([0, 1, 0], [1, 1, 0]), int32([1, 1, 0], [1, 2, 1])
    words, positions, kinds = floats(5, 8), floats(6, 8), floats(2, 8)
    scale, shift = floats(8), floats(8)
    weights = [words, positions, kinds, scale, shift]
    yield "embed", op, {"epsilon": 1e-5}, [ids, segments, *weights, mask], {"outputs": 3}
    yield "embed_no_mask", op, {}, [ids, segments, *weights], {"outputs": 2}
    yield "embed_no_index", op, {"mask_index_type": 0}, [ids, segments, *weights], {}
    yield "embed_words", op, {}, [ids, None, words, positions, None, scale, shift], {"outputs": 3}
    yield "embed_positions", op, {}, [ids, segments, *weights, mask, int32([3, 1, 2])], {"outputs": 3}
    each = int32([3, 1, 2], [0, 0, 5])
    yield "embed_each_position", op, {}, [ids, segments, *weights, None, each], {"outputs": 3}


def rotary():
    op, ids = "RotaryEmbedding", np.array([[0, 1, 2], [4, 0, 3]])
    for interleaved in (0, 1):
        for dtype, close in ((np.float32, (1e-5, 1e-6)), (np.float16, (2e-3, 2e-3))):
            x, cosines, sines = floats(2, 3, 12, dtype=dtype), floats(6, 3, dtype=dtype), floats(6, 3, dtype=dtype)
            attributes, more = {"interleaved": interleaved}, {"tolerance": close}
            name = f"{interleaved}_{np.dtype(dtype).name}"
            yield f"rotary_{name}", op, {"num_heads": 2, **attributes}, [x, ids, cosines, sines], more
            yield f"rotary_heads_found_{name}", op, attributes, [x, np.array([2]), cosines, sines], more
            short = [cosines[:, :2], sines[:, :2]]
            partly = {"num_heads": 2, "rotary_embedding_dim": 4, "scale": 2.0, **attributes}
            yield f"rotary_part_{name}", op, partly, [x, ids, *short], more
            x = floats(2, 2, 3, 6, dtype=dtype)
            yield f"rotary_4d_{name}", op, attributes, [x, ids, cosines, sines], more
    wide = [floats(1, 2, 80), np.array([3]), floats(6, 20), floats(6, 20)]
    for interleaved in (0, 1):
        yield f"rotary_wide_{interleaved}", op, {"num_heads": 2, "interleaved": interleaved}, wide, {}


def attention():
    op = "Attention"
    x, w, b = floats(2, 3, 6), floats(6, 24), floats(24)
    heads = {"num_heads": 2}
    yield "attention", op, heads, [x, w, b], {}
    yield "attention_causal", op, {"unidirectional": 1, "scale": 0.3, **heads}, [x, w, b], {}
    masks = {
        "ends": int32(2, 3), "ends_starts": int32(2, 3, 0, 1), "ends_more": int32(2, 3, 0, 1, 2, 3, 3, 3),
        "keys": int32([1, 1, 0], [0, 1, 1]), "dummy": int32([0], [0]), "dummy_one": int32([1]).reshape(1, 1),
        "each": int32([[1, 1, 0], [0, 1, 1], [1, 0, 0]], [[0, 0, 2], [1, -1, 1], [2, -1, 0]]),
    }
    for name, mask in masks.items():
        for causal in (0, 1):
            attributes = {"unidirectional": causal, **heads}
            yield f"attention_{name}_{causal}", op, attributes, [x, w, b, mask], {}
    yield "attention_filter", op, {"mask_filter_value": -2.0, **heads}, [x, w, b, masks["keys"]], {}
    for n, h in ((2, 2), (1, 1)):
        bias = floats(n, h, 3, 3)
        yield f"attention_bias_{n}", op, heads, [x, w, b, None, None, bias], {}
        yield f"attention_bias_mask_{n}", op, heads, [x, w, b, masks["ends"], None, bias], {}
    sizes = {"qkv_hidden_sizes": [8, 8, 4], **heads}
    yield "attention_sizes", op, sizes, [x, floats(6, 20), floats(20), masks["keys"]], {}
    past = floats(2, 2, 2, 2, 4)
    yield "attention_present", op, heads, [x, w, b], {"outputs": 2}
    for causal in (0, 1):
        attributes = {"unidirectional": causal, **heads}
        yield f"attention_past_{causal}", op, attributes, [x, w, b, None, past], {"outputs": 2}
        mask = int32([1, 1, 1, 0, 1], [0, 1, 1, 1, 1])
        yield f"attention_past_mask_{causal}", op, attributes, [x, w, b, mask, past], {"outputs": 2}
        yield f"attention_past_word_{causal}", op, attributes, [x[:, :1], w, b, None, past], {"outputs": 2}


def multi_head():
    op, heads = "MultiHeadAttention", {"num_heads": 2}
    q, k, v, wide = floats(2, 3, 8), floats(2, 5, 8), floats(2, 5, 8), floats(2, 5, 12)
    bias, wide_bias = floats(24), floats(28)
    yield "mha", op, heads, [q, k, v], {}
    yield "mha_wide", op, heads, [q, k, wide], {}
    yield "mha_bias", op, {"scale": 0.3, **heads}, [q, k, wide, wide_bias], {}
    # As many queries as keys: ONNX Runtime hides nothing from the last query, whatever its place.
    square = floats(2, 5, 8)
    yield "mha_causal", op, {"unidirectional": 1, **heads}, [square, k, v, bias], {}
    yield "mha_causal_word", op, {"unidirectional": 1, **heads}, [q[:, :1], k, v], {}
    masks = {
        "ends": int32(4, 2), "ends_more": int32(4, 5, 0, 0, 1, 2, 3, 4),
        "keys": int32([1, 1, 0, 1, 1], [0, 1, 1, 1, 0]), "each": random.integers(0, 2, (2, 3, 5)).astype(np.int32),
    }
    masks["each"][:, :, 1] = 1
    for name, mask in masks.items():
        yield f"mha_{name}", op, heads, [q, k, v, bias, mask], {}
        if name == "each":
            mask = np.concatenate([mask, mask[:, :2]], 1)
        attributes = {"unidirectional": 1, "mask_filter_value": -3.0, **heads}
        yield f"mha_{name}_causal", op, attributes, [square, k, v, None, mask], {}
    for n, h in ((2, 2), (1, 2), (2, 1), (1, 1)):
        added = floats(n, h, 3, 5)
        yield f"mha_added_{n}{h}", op, heads, [q, k, v, None, None, added], {}
        yield f"mha_added_{n}{h}_mask", op, heads, [q, k, v, None, masks["keys"], added], {}
    past = [floats(2, 2, 2, 4), floats(2, 2, 2, 4)]
    own = [floats(2, 3, 8), floats(2, 3, 8)]
    for causal in (0, 1):
        attributes = {"unidirectional": causal, **heads}
        yield f"mha_present_{causal}", op, attributes, [q, *own], {"outputs": 3}
        yield f"mha_past_{causal}", op, attributes, [q, *own, bias, None, None, *past], {"outputs": 3}
        mask = int32([1, 1, 0, 1, 1], [0, 1, 1, 1, 1])
        inputs = [q, *own, None, mask, floats(1, 1, 3, 5), *past]
        yield f"mha_past_mask_{causal}", op, attributes, inputs, {"outputs": 3}
    cross = [floats(2, 2, 5, 4), floats(2, 2, 5, 4)]
    yield "mha_cross", op, heads, [q, *cross], {}
    yield "mha_cross_mask", op, heads, [q, *cross, None, masks["keys"]], {"outputs": 3}
    yield "mha_scores", op, heads, [q, *own, None, int32(2, 3)], {"outputs": 4, "dtype": 1}
    for name, parts in (("qkv", 3), ("kv", 2)):
        packed = floats(2, 3, 2, parts, 4)
        first = packed[:, :, :, 0].reshape(2, 3, 8) if parts == 3 else q
        split = [packed[:, :, :, i].reshape(2, 3, 8) for i in range(parts - 2, parts)]
        y = whole(op, heads, [first, *split])
        inputs = [packed, None, None] if parts == 3 else [q, packed, None]
        yield f"mha_packed_{name}", op, heads, inputs, {"expected": y}
        y = whole(op, heads, [first, *split, bias])
        yield f"mha_packed_{name}_bias", op, heads, [*inputs, bias], {"expected": y}


def whole(op, attributes, inputs):
    """What ONNX Runtime gives for the same in a form that its CPU provider has."""
    import onnxruntime
    from onnx import helper

    names = [f"x{i}" for i in range(len(inputs))]
    node = helper.make_node(op, names, ["y"], domain="com.microsoft", **attributes)
    infos = [helper.make_tensor_value_info(n, 1, v.shape) for n, v in zip(names, inputs)]
    graph = helper.make_graph([node], "whole", infos, [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, dict(zip(names, inputs)))


def hidden():
    """Rows that see nothing, and queries of which the last sees everything whatever its place."""
    own, heads = np.random.default_rng(7), {"num_heads": 2}
    x, w, b = (own.standard_normal(shape).astype(np.float32) for shape in ((2, 3, 6), (6, 24), (24,)))
    added = np.zeros((1, 1, 3, 3), np.float32)
    added[0, 0, 1], added[0, 0, 2, 1] = -np.inf, -np.inf
    for outputs in (1, 2):
        yield f"attention_hidden_{outputs}", "Attention", heads, [x, w, b, None, None, added], {"outputs": outputs}
    filtered = {"mask_filter_value": -np.inf, **heads}
    yield "attention_hidden_filter", "Attention", filtered, [x, w, b, int32([0, 0, 0], [0, 1, 1])], {}
    q, k = (own.standard_normal(shape).astype(np.float32) for shape in ((2, 3, 8), (2, 3, 8)))
    yield "mha_hidden", "MultiHeadAttention", heads, [q, k, k, None, None, added], {}
    k = own.standard_normal((2, 12, 8)).astype(np.float32)
    yield "mha_causal_last", "MultiHeadAttention", {"unidirectional": 1, **heads}, [q, k, k], {}
    q = own.standard_normal((2, 11, 8)).astype(np.float32)
    yield "mha_causal_last_of_many", "MultiHeadAttention", {"unidirectional": 1, **heads}, [q, k, k], {}


def grouped():
    op, heads = "GroupQueryAttention", {"num_heads": 4, "kv_num_heads": 2}
    q, k, v = floats(2, 3, 64), floats(2, 3, 32), floats(2, 3, 32)
    plain = [q, k, v, None, None, int32(2, 2), int32(3)]
    three, nothing = {"outputs": 3}, [None] * 3
    yield "gqa", op, heads, plain, three
    yield "gqa_scale", op, {"scale": 0.1, **heads}, plain, {}
    yield "gqa_packed", op, heads, [np.concatenate([q, k, v], -1), None, None, *plain[3:]], three
    yield "gqa_padded", op, heads, [*plain[:5], int32(2, 1), plain[6]], three
    for size in (1, 2, 3):
        yield f"gqa_window_{size}", op, {"local_window_size": size, **heads}, plain, three
    for n, h in ((2, 4), (1, 1)):
        bias = floats(n, h, 3, 3)
        yield f"gqa_bias_{n}", op, {"softcap": 0.5, **heads}, [*plain, *nothing, bias], three
    sinks = floats(4, low=-2, high=4)
    yield "gqa_smooth", op, {"smooth_softmax": 1, **heads}, plain, three
    yield "gqa_sinks", op, {"softcap": 0.5, **heads}, [*plain, *nothing, None, sinks], three
    yield "gqa_all_seen", op, {"causal": 0, **heads}, plain, three
    for stage in (1, 2):
        attributes = {"qk_output": stage, "softcap": 0.5, **heads}
        yield f"gqa_scores_{stage}", op, attributes, plain, {"outputs": 4}
    yield "gqa_scores_sinks", op, {"qk_output": 2, **heads}, [*plain, *nothing, None, sinks], {"outputs": 4}

    # The rows of a cache that are not in use hold 0 in both libraries' results if they did so before.
    word, total = [floats(2, 1, 64), floats(2, 1, 32), floats(2, 1, 32)], int32(5)
    cache = [floats(2, 2, 6, 16), floats(2, 2, 6, 16)]
    for part in cache:
        part[0, :, 4:], part[1, :, 2:] = 0, 0
    token = [*word, *cache, int32(4, 2), total]
    yield "gqa_word", op, heads, token, three
    yield "gqa_word_all_seen", op, {"causal": 0, **heads}, token, three
    yield "gqa_word_scores", op, {"qk_output": 2, **heads}, token, {"outputs": 4}
    yield "gqa_word_window", op, {"local_window_size": 2, "smooth_softmax": 1, **heads}, token, three
    yield "gqa_word_bias", op, heads, [*token, *nothing, floats(1, 4, 1, 5)], three
    yield "gqa_grown", op, heads, [*word, floats(2, 2, 4, 16), floats(2, 2, 4, 16), int32(4, 4), total], three
    blank = [np.zeros_like(part) for part in cache]
    yield "gqa_prompt_in_cache", op, heads, [*plain[:3], *blank, *plain[5:]], three
    one = [part[:1] for part in plain[:3]]
    later = [floats(1, 2, 4, 16), floats(1, 2, 4, 16)]
    yield "gqa_chunk", op, heads, [*one, *later, int32(6), int32(7)], three
    yield "gqa_chunk_window", op, {"local_window_size": 3, **heads}, [*one, *later, int32(6), int32(7)], three

    cosines, sines = floats(9, 8), floats(9, 8)
    for interleaved in (0, 1):
        rotary = {"do_rotary": 1, "rotary_interleaved": interleaved, **heads}
        yield f"gqa_rotary_{interleaved}", op, rotary, [*plain, cosines, sines], three
        packed = [np.concatenate([q, k, v], -1), None, None, *plain[3:], cosines, sines]
        yield f"gqa_rotary_packed_{interleaved}", op, rotary, packed, three
        yield f"gqa_rotary_word_{interleaved}", op, rotary, [*token, cosines, sines], three
        ids = np.array([[1, 3, 2], [4, 0, 5]])
        yield f"gqa_rotary_ids_{interleaved}", op, rotary, [*plain, cosines, sines, ids], three
        ids = np.array([[1], [4]])
        yield f"gqa_rotary_word_ids_{interleaved}", op, rotary, [*token, cosines, sines, ids], three
    rotary = {"do_rotary": 1, **heads}
    yield "gqa_rotary_none", op, heads, [*plain, cosines, sines], three
    counts = [None] * 7 + [int32(3, 3)]
    room = [floats(2, 2, 8, 16), floats(2, 2, 8, 16)]
    for part in room:
        part[0, :, 2:], part[1, :, 1:] = 0, 0
    yield "gqa_counts", op, rotary, [*plain[:3], *room, int32(4, 3), int32(8), cosines, sines, *counts], three
    half = [part.astype(np.float16) if part is not None and part.dtype == np.float32 else part for part in plain]
    angles = [cosines.astype(np.float16), sines.astype(np.float16)]
    yield "gqa_half", op, rotary, [*half, *angles], {"outputs": 3, "tolerance": (4e-3, 4e-3)}
