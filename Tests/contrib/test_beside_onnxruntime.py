"""Inputs at the edge of what an operator takes: it answers as ONNX Runtime or NumPy does."""
import re
import subprocess
import sys

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

ILL_FORMED = [
    b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xff",
    b"\xf5\x80\x80\x80", b"\xc3", b"a\xe0\x80\x80", b"\xc3\xa9", b"\xe0\x80", b"\xe2\x84\xaa",
]  # fmt: skip
SCRIPTS = """Adlam Arabic Armenian Bengali Bopomofo Braille Cherokee Common Coptic Cyrillic Devanagari Ethiopic Georgian
Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Inherited Kannada Katakana Khmer Lao Latin Malayalam Mongolian
Myanmar Old_Italic Oriya Runic Sinhala Syriac Tamil Telugu Thaana Thai Tibetan Tifinagh Yi""".split()
# Every scalar of the first blocks and one of sixteen behind them.
SCALARS = [chr(i) for i in [*range(0x3400), *range(0x3400, 0x32000, 16), *range(0xE0000, 0xE0200)]
    if not 0xD800 <= i < 0xE000]


def model_of(op, inputs, constants=(), outputs=("y",), domain="", opset=20, **attributes):
    """One node; `inputs` are arrays by name, and what is in `constants` is part of the model."""
    node = helper.make_node(op, [*inputs, *dict(constants)], outputs, domain=domain, **attributes)
    given = [
        helper.make_tensor_value_info(
            name, TensorProto.STRING if x.dtype == object else helper.np_dtype_to_tensor_dtype(x.dtype), x.shape
        )
        for name, x in inputs.items()
    ]
    tensors = [x if isinstance(x, onnx.TensorProto) else numpy_helper.from_array(x, n) for n,
        x in dict(constants).items()]
    graph = helper.make_graph([node], "g", given, [onnx.ValueInfoProto(name=y) for y in outputs if y], tensors)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def expected(model, feeds=None):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds or {})


def found(model, feeds=None, **options):
    return maas.Session(model, **options).run(None, feeds or {})


@pytest.mark.parametrize("pads", [[-1, 2], [2, -1], [-2, 4], [3, -3], [-1, 7], [7, -2], [-3, 5], [-4, 3], [-1, -1]])
def test_wrapping_begins_at_what_is_kept(pads):
    feeds = {"x": np.arange(5, dtype=np.float32)}
    model = model_of("Pad", feeds, {"p": np.array(pads)}, mode="wrap")
    np.testing.assert_array_equal(found(model, feeds)[0], expected(model, feeds)[0])


@pytest.mark.parametrize("repeats",
    [[2, 3, 1, 2, 2], [1, 2, 2, 2, 2], [2, 2, 2, 2, 2], [2, 0, 2, 2, 2], [1, 2, 2, 2, 2, 2, 2]])
def test_many_dimensions_are_repeated(repeats):
    x = np.arange(2 * 3 ** (len(repeats) - 1), dtype=np.float32).reshape(2, *[3] * (len(repeats) - 1))
    model = model_of("Tile", {"x": x}, {"r": np.array(repeats)})
    np.testing.assert_array_equal(found(model, {"x": x})[0], np.tile(x, repeats))


@pytest.mark.parametrize("mode", ["wrap", "reflect", "edge"])
def test_nothing_cannot_be_repeated(mode):
    feeds = {"x": np.arange(5, dtype=np.float32)}
    model = model_of("Pad", feeds, {"p": np.array([-5, 2])}, mode=mode)
    with pytest.raises(maas.ShapeMismatch, match="nothing is left"):
        found(model, feeds)


def test_sums_of_long_blocks_stay_within_32_bits():
    """Bytes times codes of 8 bits, all the largest, would add up to twice what 32 bits hold."""
    k, n = 1 << 17, 3
    feeds = {"a": np.ones((1, k), np.float32)}
    codes, scales = np.full((n, 1, k), 255, np.uint8), np.ones(n, np.float32)
    model = model_of("MatMulNBits", feeds, {"b": codes, "s": scales}, domain="com.microsoft", K=k, N=n, bits=8,
        block_size=k, accuracy_level=4)
    np.testing.assert_allclose(found(model, feeds)[0], np.full((1, n), (255 - 128) * k), rtol=1e-5)


def test_one_row_of_a_large_model():
    """Weights of more than 32 MB are read in another way where there is one row, with the same sums for every row."""
    k, n = 2051, 4099
    random = np.random.default_rng(5)
    b = random.standard_normal((k, n), np.float32)
    a = random.standard_normal((1, k), np.float32)
    model = model_of("MatMul", {"a": a}, {"b": b})
    one = found(model, {"a": a}, threads=1)[0]
    np.testing.assert_array_equal(one, found(model, {"a": a}, threads=3)[0])
    right = a.astype(np.float64) @ b.astype(np.float64)
    assert np.max(np.abs(one - right)) < 1e-5 * np.max(np.abs(a)) * np.max(np.abs(b)) * k**0.5


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("rows", [1, 4, 64])
@pytest.mark.parametrize("size", [1e30, 1e36, 1e37])
def test_products_of_huge_rows_do_not_overflow_on_the_way(bits, rows, size):
    random = np.random.default_rng(1)
    n, k, block = 24, 64, 32
    feeds = {"a": (size * random.uniform(0.5, 1, (rows, k))).astype(np.float32)}
    codes = random.integers(0, 256, (n, k // block, block * bits // 8), np.uint8)
    scales = random.uniform(1e-4, 1e-3, n * k // block).astype(np.float32)
    model = model_of("MatMulNBits", feeds, {"b": codes, "s": scales}, domain="com.microsoft", K=k, N=n, bits=bits,
        block_size=block)
    flat = codes.reshape(n, k // block, -1)
    if bits == 4:
        flat = np.stack([flat & 15, flat >> 4], -1).reshape(n, k // block, block)
    b = (flat.astype(np.float64) - 2 ** (bits - 1)) * scales.reshape(n, -1, 1)
    exact = feeds["a"].astype(np.float64) @ b.reshape(n, k).T
    assert np.abs(exact).max() < 3e38
    np.testing.assert_allclose(found(model, feeds)[0], exact, 1e-4, 1e-5 * np.abs(exact).max())


@pytest.mark.parametrize(
    "pattern",
    [r".", r"(?s).", r"[^a]", r"[^\x{e9}]", r"[\x{80}-\x{10ffff}]", r"[\x{800}-\x{ffff}]", r"a.", r"(?i)[^k]", r"\PL",
     r"\P{Greek}", r"\p{Any}", r"(a|.)\b*"],
)  # fmt: skip
def test_ill_formed_text_matches_as_in_RE2(pattern):
    texts = helper.make_tensor("x", TensorProto.STRING, [len(ILL_FORMED)], ILL_FORMED)
    model = model_of("RegexFullMatch", {}, {"x": texts}, pattern=pattern)
    np.testing.assert_array_equal(found(model)[0], expected(model)[0])


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_have_the_scalars_that_RE2_knows(name):
    feeds = {"x": np.array(SCALARS, object)}
    for pattern in (rf"\p{{{name}}}", rf"[^\p{{{name}}}]"):
        model = model_of("RegexFullMatch", feeds, pattern=pattern)
        np.testing.assert_array_equal(found(model, feeds)[0], expected(model, feeds)[0])


def test_names_of_no_script_are_refused():
    model = model_of("RegexFullMatch", {"x": np.array(["a"], object)}, pattern=r"\p{Klingon}")
    with pytest.raises(maas.MaasError, match="'Klingon' is neither a general category nor a script"):
        maas.Session(model)


# From every place it looks on to the end, where what it needs is missing.
def test_a_tokenizer_ends_when_the_run_is_late():
    feeds = {"x": np.array(["a" * 300_000], object)}
    model = model_of(
        "Tokenizer", feeds, domain="com.microsoft", tokenexp="a*b", pad_value="", mark=0, mincharnum=1
    )  # fmt: skip
    with pytest.raises(maas.DeadlineExceeded):
        maas.Session(model).run(None, feeds, maas.RunOptions(deadline=0.05))


SPLIT = """
import resource, sys
import maas, numpy as np
sys.path.insert(0, {folder!r})
from test_beside_onnxruntime import model_of
text = "a " * 1000 + "b" * {size} + " c"
feeds = {{"x": np.array([text], object)}}
session = maas.Session(model_of("StringSplit", feeds, outputs=("y", "n"), delimiter={delimiter!r}), threads=1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 12 * {size}, resource.RLIM_INFINITY))
y, n = session.run(None, feeds)
print(n[0], y.shape[-1])
"""


@pytest.mark.parametrize("delimiter", [" ", ""])
def test_splitting_takes_memory_for_the_parts_that_are_there(delimiter):
    folder = __file__.rpartition("/")[0]
    code = SPLIT.format(folder=folder, size=32 << 20, delimiter=delimiter)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["1002", "1002"], result.stderr


def test_halves_that_are_no_numbers_are_the_largest():
    x = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float16)
    x[0, [3, 17]] = x[1, 39] = np.nan
    model = model_of("TopK", {"x": x}, {"k": np.array([4])}, ("v", "i"))
    order = np.argsort(np.where(np.isnan(x), -np.inf, -x.astype(np.float32)), kind="stable")[:, :4]
    values, indices = found(model, {"x": x})
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, 1))


@pytest.mark.parametrize("axis", [0, 1])
def test_products_of_large_and_small_numbers_in_turn(axis):
    x = np.tile(np.array([1e30, 1e-30], np.float32), (64, 4096))
    x = x * np.random.default_rng(0).uniform(0.999, 1.001, (64, 8192))
    x = np.ascontiguousarray(x.astype(np.float32) if axis else x.astype(np.float32).T)
    model = model_of("ReduceProd", {"x": x}, {"a": np.array([axis])}, keepdims=0)
    one, five = (found(model, {"x": x}, threads=threads)[0] for threads in (1, 5))
    assert one.tobytes() == five.tobytes()
    np.testing.assert_allclose(one, np.prod(x.astype(np.float64), axis), 1e-5)


def test_a_symbol_of_the_model_is_no_unknown_size():
    feeds = {"x": np.arange(6, dtype=np.float32), "e": np.array([2]), "t": np.arange(-3, 3, dtype=np.float32)}
    nodes = [
        helper.make_node("Slice", ["x", "zero", "e"], ["s"]), helper.make_node("NonZero", ["t"], ["n"]),
        helper.make_node("Neg", ["s"], ["y"]), helper.make_node("Identity", ["n"], ["z"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["?1"]),
         helper.make_tensor_value_info("e", TensorProto.INT64, [1]),
         helper.make_tensor_value_info("t", TensorProto.FLOAT, ["?2"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("z", TensorProto.INT64, None)],
        [numpy_helper.from_array(np.array([0]), "zero")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()
    for mine, theirs in zip(found(model, feeds), expected(model, feeds)):
        np.testing.assert_array_equal(mine, theirs)


def test_attributes_whose_names_look_like_those_of_another_node_are_refused():
    nodes = [
        helper.make_node("ArgMax", ["x"], ["a"], axis=1, keepdims=0),
        helper.make_node("ArgMax", ["x"], ["b"], **{"axis i1 keepdims": 0}),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info(y, TensorProto.INT64, None) for y in "ab"],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    with pytest.raises(maas.MaasError, match=re.escape("axis i1 keepdims")):
        maas.Session(model)
