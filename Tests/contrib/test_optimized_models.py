"""Runs models as ONNX Runtime's optimizers write them through maas, and compares with ONNX Runtime itself."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.transformers import optimizer

import maas
import contrib_networks as networks

RTOL, ATOL = 1e-3, 1e-4

# What the files must contain, so that no change of an optimizer empties a test.
BY_SESSION = {
    "bert": {"BiasGelu", "FusedMatMul", "SkipLayerNormalization"},
    "gpt": {"FastGelu", "FusedMatMul", "SkipLayerNormalization"},
    "vit": {"FusedConv", "FusedGemm", "FusedMatMul", "Gelu", "SkipLayerNormalization"},
    "llama": {"FusedMatMul", "QuickGelu", "SimplifiedLayerNormalization"},
}
BY_TOOL = {
    "bert": {"Attention", "BiasGelu", "SkipLayerNormalization"},
    "gpt": {"FastGelu", "SkipLayerNormalization"},
    "vit": {"Attention", "BiasGelu", "SkipLayerNormalization"},
    "llama": {"SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization"},
}
TYPES = {"bert": "bert", "gpt": "bert", "vit": "vit", "llama": "bert"}


def session(model, path=None, level=onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = level
    if path:
        options.optimized_model_filepath = path
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def by_session(model, name, folder):
    path = str(folder / "optimized.onnx")
    session(model, path, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
    return onnx.load(path)


def by_tool(model, name, folder):
    path = str(folder / "plain.onnx")
    onnx.save(model, path)
    made = optimizer.optimize_model(
        path, model_type=TYPES[name], num_heads=networks.HEADS, hidden_size=networks.WIDTH, opt_level=0)
    return made.model


def check_operators(model, expected):
    found = {node.op_type for node in model.graph.node}
    assert expected <= found, f"the file has no {sorted(expected - found)}, but {sorted(found)}"


def check(found, expected):
    assert len(found) == len(expected)
    for own, other in zip(found, expected):
        assert own.shape == other.shape and own.dtype == other.dtype
        np.testing.assert_allclose(own, other, RTOL, ATOL)


@pytest.mark.parametrize("name", BY_SESSION)
@pytest.mark.parametrize("optimize, operators", [(by_session, BY_SESSION), (by_tool, BY_TOOL)], ids=["session", "tool"])
def test_network(name, optimize, operators, tmp_path):
    model, feeds = getattr(networks, name)()
    optimized = optimize(model, name, tmp_path)
    check_operators(optimized, operators[name])
    types = {value.name: value.type.tensor_type.elem_type for value in optimized.graph.input}
    own = {n: a.astype(onnx.helper.tensor_dtype_to_np_dtype(types[n])) for n, a in feeds.items()}
    found = maas.Session(optimized.SerializeToString()).run(None, own)
    check(found, session(optimized).run(None, own))
    check(found, session(model).run(None, feeds))


@pytest.mark.parametrize("name", BY_SESSION)
def test_network_as_exported(name):
    """What maas's own rules make of the nodes."""
    model, feeds = getattr(networks, name)()
    check(maas.Session(model.SerializeToString()).run(None, feeds), session(model).run(None, feeds))


def decode(run, steps, feeds):
    """The outputs of every step, of which all but the first are the next one's past."""
    pasts, results = [n for n in feeds if n.startswith("past")], []
    for inputs in steps:
        results.append(run(None, {**feeds, **inputs}))
        feeds = {**feeds, **dict(zip(pasts, results[-1][1:]))}
    return results


@pytest.mark.parametrize("name, batch, dtype",
    [("generator", 1, np.int64), ("gpt_with_past", networks.BATCH, np.int32)])
def test_text(name, batch, dtype):
    model, feeds = getattr(networks, name)()
    random, total, steps = np.random.default_rng(7), 0, []
    for length in (4, 1, 1, 3, 1):
        total += length
        words = random.integers(0, networks.WORDS, (batch, length))
        steps.append({"input_ids": words, "attention_mask": np.ones((batch, total), dtype)})
    found = decode(maas.Session(model.SerializeToString()).run, steps, feeds)
    for own, other in zip(found, decode(session(model).run, steps, feeds)):
        check(own, other)


def test_texts_in_a_cache_of_fixed_size():
    """The cache has room for all from the start; the second text is shorter than the first one."""
    model, feeds = networks.generator()
    feeds |= {n: np.zeros((2, 2, 12, 16), np.float32) for n in feeds if n.startswith("past")}
    random, steps = np.random.default_rng(8), []
    lengths = [np.array([4, 2]) + i for i in range(3)]
    for own in lengths:
        words = random.integers(0, networks.WORDS, (2, 1 if steps else own[0]))
        steps.append({"input_ids": words, "attention_mask": (np.arange(own[0]) < own[:, None]).astype(np.int64)})
    found = decode(maas.Session(model.SerializeToString()).run, steps, feeds)
    expected = decode(session(model).run, steps, feeds)
    for own, other, inputs, counts in zip(found, expected, steps, lengths):
        for i, count in enumerate(counts):
            # What is behind a text's own words is nobody's business.
            check([own[0][i, :count]], [other[0][i, :count]])
            check([a[i, :, :count] for a in own[1:]], [b[i, :, :count] for b in other[1:]])
