"""Operators written in Python."""

import gc
import re
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import maas
import numpy as np
import onnx
import pytest
from conftest import ROOT

X = np.float32([[-1, 2, -3, 4], [5, -6, 7, -8]])


def model(text: str) -> bytes:
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17, "test.ops": 2]>\n{text}'
    ).SerializeToString()


SCALE = model("""g (float[N, 4] x) => (float[N, 4] y) {
    a = Relu(x)
    b = test.ops.Scale<factor = 2.5>(a)
    y = Add(b, b)
}""")
POSITIVES = model("""g (float[N] x) => (float[K] y, int64 count) {
    found, count = test.ops.Positives(x)
    y = Mul(found, found)
}""")


def same(node):
    return node.inputs[0]


def scale(node, x):
    return x * np.float32(node.attribute("factor", 1))


def opened(source, *operators):
    """A session with operators of test.ops: name, shape, compute."""
    known, options = maas.CustomOperators(), maas.SessionOptions()
    for name, shape, compute in operators:
        known.add("test.ops", name, shape, compute)
    options.register_custom_ops(known)
    return maas.InferenceSession(source, options)


def run(session, x=X):
    return session.run(None, {"x": x})


def test_an_operator_is_part_of_the_plan():
    seen = []

    def shape(node):
        seen.append(node.inputs[0].dims)
        return same(node)

    session = opened(SCALE, ("Scale", shape, scale))
    assert seen[0] == ("N", 4)
    for rows in (X, X[:1]):
        np.testing.assert_array_equal(run(session, rows)[0], 5 * np.maximum(rows, 0))
        assert rows.shape in seen
    assert session.outputs[0].dims == ("N", 4)


def test_a_decorator_adds_and_leaves_the_function():
    operators, options = maas.CustomOperators(), maas.SessionOptions()

    @operators.operator("test.ops", "Scale", shape=same, since_version=2)
    def twice(node, x):
        return 2 * x

    np.testing.assert_array_equal(twice(None, X), 2 * X)
    operators.add("test.ops", "Scale", same, scale)  # version 1; the model has version 2
    options.register_custom_ops(operators)
    np.testing.assert_array_equal(run(maas.Session(SCALE, options))[0], 4 * np.maximum(X, 0))
    with pytest.raises(maas.InvalidArgument, match="version 2 of operator 'Scale' of test.ops was added before"):
        operators.operator("test.ops", "Scale", shape=same, since_version=2)(scale)


def test_a_shape_may_depend_on_data():
    def shape(node):
        return [(np.float32, ["found"]), (np.int64, [])]

    def compute(node, x):
        found = x[x > 0]
        return found, np.int64(len(found))

    session = opened(POSITIVES, ("Positives", shape, compute))
    for x in (X[0], X.ravel(), -np.abs(X[1]), X[:0, 0]):
        y, count = run(session, x)
        np.testing.assert_array_equal(y, x[x > 0] ** 2)
        assert count == (x > 0).sum() and y.dtype == np.float32


def test_an_input_may_be_given_back():
    session = opened(
        POSITIVES,
        ("Positives", lambda node: [(np.float32, None), (np.int64, [])], lambda node, x: (x[1:], len(x))),
    )
    y, count = run(session, X[0])
    np.testing.assert_array_equal(y, X[0, 1:] ** 2)
    assert count == 4


def test_attributes_of_every_kind():
    source = model("""g (float[1] x) => (float[1] y) {
        y = test.ops.All<i = -7, f = 0.5, s = "grüße", is = [1, -2], fs = [0.5, 1.5], ss = ["a", ""],
            t = int32[2, 1] {5, 6}>(x)
    }""")
    found = {}

    def compute(node, x):
        found.update({name: node.attribute(name) for name in ("i", "f", "s", "is", "fs", "ss", "t", "none")})
        return x

    run(opened(source, ("All", same, compute)), X[0, :1])
    assert (found["i"], found["f"], found["s"], found["none"]) == (-7, 0.5, "grüße", None)
    assert found["is"].tolist() == [1, -2] and found["is"].dtype == np.int64
    assert found["fs"].tolist() == [0.5, 1.5] and found["fs"].dtype == np.float32
    assert found["ss"].tolist() == ["a", ""]
    np.testing.assert_array_equal(found["t"], np.int32([[5], [6]]))


def test_strings_constants_and_inputs_left_out():
    source = model("""g (string[N] x) => (string[K] y) <int64 times = {3}> {
        nothing, y = test.ops.Repeat(x, , times)
    }""")
    constants = []

    def shape(node):
        assert node.inputs[1] is None and node.input_count == 3 and node.output_count == 2
        assert node.constant(0) is None and node.constant(1) is None
        constants.append(node.constant(2).item())
        return [(np.int64, []), (str, [None])]

    def compute(node, x, nothing, times):
        assert nothing is None
        return None, np.tile(x, times)

    words = np.array(["ä", "", "word"], object)
    assert run(opened(source, ("Repeat", shape, compute)), words)[0].tolist() == words.tolist() * 3
    assert set(constants) == {3}


def test_inputs_are_views_that_cannot_be_written():
    def compute(node, x):
        assert not x.flags.owndata and not x.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 1
        return x

    source = model("g (float[N, 4] x) => (float[N, 4] y) { y = test.ops.Scale(x) }")
    addresses = []

    def note(node, x):
        addresses.append(x.ctypes.data)
        return compute(node, x)

    x = X.copy()
    np.testing.assert_array_equal(run(opened(source, ("Scale", same, note)), x)[0], x)
    assert addresses == [x.ctypes.data]


def test_a_node_is_over_with_its_call():
    kept = []
    session = opened(SCALE, ("Scale", same, lambda node, x: (kept.append(node), x)[1]))
    session.run(None, {"x": X})
    with pytest.raises(maas.InvalidArgument, match="the Node is closed"):
        kept[0].input_count


def test_inputs_must_not_be_kept():
    kept = []
    session = opened(SCALE, ("Scale", same, lambda node, x: (kept.append(x[0]), x)[1]))
    with pytest.raises(maas.InvalidArgument, match=r"\(Scale\): the compute function keeps input 0"):
        run(session)
    kept.clear()
    session = opened(SCALE, ("Scale", same, lambda node, x: (kept.append(x[0].copy()), x)[1]))
    np.testing.assert_array_equal(run(session)[0], 2 * np.maximum(X, 0))


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (ValueError("x is\nodd"), maas.InvalidArgument, "ValueError: x is odd"),
        (maas.OutOfRange("x is odd"), maas.OutOfRange, "x is odd"),
        (KeyError(), maas.InvalidArgument, "KeyError"),
    ],
)
def test_exceptions_become_errors_of_maas(error, expected, text):
    def fail(*_):
        raise error

    with pytest.raises(expected) as caught:
        opened(SCALE, ("Scale", fail, scale))
    assert str(caught.value).startswith("node 'Scale_1' (Scale): ") and str(caught.value).endswith(text)
    assert caught.value.__cause__ is error
    session = opened(SCALE, ("Scale", same, fail))
    for _ in range(4):
        with pytest.raises(expected, match=text) as caught:
            run(session)
        assert caught.value.__cause__ is error
    with pytest.raises(maas.NotFound) as caught:
        session.run(["z"], {"x": X})
    assert caught.value.__cause__ is None


def test_an_interrupt_stays_one():
    def interrupt(node, x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(opened(SCALE, ("Scale", same, interrupt)))


@pytest.mark.parametrize(
    ("result", "expected", "text"),
    [
        (X[:1], maas.ShapeMismatch, r"callback said: expected float\[2, 4\], found float\[1, 4\]"),
        (X.astype(np.float64), maas.TypeMismatch, r"expected float\[2, 4\], found double\[2, 4\]"),
        ((X, X), maas.InvalidArgument, "the compute function gives 2 outputs: expected 1"),
        (np.array([object()]), maas.TypeMismatch, "holds a object"),
    ],
)
def test_wrong_outputs_are_refused(result, expected, text):
    with pytest.raises(expected, match=text):
        run(opened(SCALE, ("Scale", same, lambda node, x: result)))


def test_outputs_that_are_left_out_are_refused():
    session = opened(
        POSITIVES, ("Positives", lambda node: [(np.float32, [None]), (np.int64, [])], lambda node, x: (None, 1))
    )
    with pytest.raises(maas.InvalidArgument, match="the operator's compute callback leaves out output 0"):
        run(session, X[0])
    with pytest.raises(maas.InvalidArgument, match="the shape function gives 1 outputs: expected 2"):
        opened(POSITIVES, ("Positives", same, scale))


def test_an_output_of_known_shape_that_is_left_out_is_refused():
    session = opened(SCALE, ("Scale", same, lambda node, x: None))
    with pytest.raises(maas.InvalidArgument, match=r"'Scale_1' \(Scale\): .*compute callback leaves out output 0"):
        run(session)


def test_an_output_that_nobody_reads_may_be_left_out():
    source = model("g (float[N] x) => (float[N] y) { nothing, y = test.ops.Both(x) }")
    session = opened(source, ("Both", lambda node: [same(node), same(node)], lambda node, x: (None, -x)))
    np.testing.assert_array_equal(run(session, X[0])[0], -X[0])


def test_an_operator_that_runs_itself_comes_to_an_end():
    sessions = []

    def compute(node, x):
        return run(sessions[0], x)[0]

    sessions.append(opened(SCALE, ("Scale", same, compute)))
    with pytest.raises(maas.LimitExceeded, match="run one another without end: expected at most 16"):
        run(sessions[0])


def test_a_missing_operator_is_named():
    with pytest.raises(maas.Unsupported, match=r"\(Scale\): operator 'Scale' of test.ops.*maas.CustomOperators"):
        maas.InferenceSession(SCALE)
    with pytest.raises(maas.Unsupported, match="did you mean 'Scales'"):
        opened(SCALE, ("Scales", same, scale))


def test_only_other_domains_can_be_added_to():
    operators = maas.CustomOperators()
    for domain in ("", "ai.onnx"):
        with pytest.raises(maas.InvalidArgument, match="cannot be added to ai.onnx"):
            operators.add(domain, "Relu", same, scale)
    with pytest.raises(maas.InvalidArgument, match="an operator must have a name"):
        operators.add("test.ops", "", same, scale)
    with pytest.raises(TypeError, match="functions"):
        operators.add("test.ops", "Scale", same, None)


def test_functions_live_as_long_as_their_sessions():
    def compute(node, x):
        return x

    alive = weakref.ref(compute)
    session = opened(SCALE, ("Scale", same, compute))
    del compute
    gc.collect()
    assert alive() is not None
    np.testing.assert_array_equal(run(session)[0], 2 * np.maximum(X, 0))
    session.close()
    del session
    gc.collect()
    maas.CustomOperators()  # any call drops what came back
    assert alive() is None


def test_refused_functions_are_let_go():
    compute = lambda node, x: x  # noqa: E731
    alive = weakref.ref(compute)
    with pytest.raises(maas.InvalidArgument):
        maas.CustomOperators().add("", "Scale", same, compute)
    del compute
    gc.collect()
    assert alive() is None


def test_many_threads_and_a_run_inside_a_run():
    inner = maas.Session(model("g (float[N, 4] x) => (float[N, 4] y) { y = Neg(x) }"))
    threads = set()

    def compute(node, x):
        threads.add(threading.get_ident())
        return -inner(x)["y"]

    sessions = [opened(SCALE, ("Scale", same, compute)) for _ in range(2)]

    def work(n):
        x = np.full((1 + n % 3, 4), n, np.float32)
        return np.array_equal(run(sessions[n % 2], x)[0], 2 * x)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(200)))
    assert threading.get_ident() not in threads


def test_the_documentation_is_right(tmp_path, monkeypatch, capsys):
    """The Python of docs/custom-operators.md, from making the model on."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "custom-operators.md").read_text(), re.S)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        exec(block, names)
    assert capsys.readouterr().out == "[array([-0.5,  0.5,  4. ], dtype=float32)]\n"
