"""From the third run with the same shapes on, a session uses what it has prepared. Nobody can tell, but by the time."""

import gc
from concurrent.futures import ThreadPoolExecutor

import maas
import numpy as np
import pytest
from conftest import model_bytes
from maas import prepared

MODEL = """g (float[N, 3] x, float[3] shift) => (float[N, 3] sum, float[N, 1] top)
    { sum = Add(x, shift) top = ReduceMax<axes=[1]>(sum) }"""
SHIFT = np.float32([1, 2, 3])


@pytest.fixture(params=[0, prepared.MOST_COPIED_BYTES], ids=["pointed at", "copied"])
def session(request, monkeypatch):
    """Once with inputs that are pointed at, once with such that are copied."""
    monkeypatch.setattr(prepared, "MOST_COPIED_BYTES", request.param)
    return maas.Session(model_bytes(MODEL))


@pytest.fixture
def addresses(session, monkeypatch):
    """Where inputs were bound since."""
    monkeypatch.setattr(prepared, "MOST_COPIED_BYTES", 0)
    seen = []
    bind = prepared._set_input

    def spy(*arguments):
        seen.append(arguments[5].value)
        return bind(*arguments)

    monkeypatch.setattr(prepared, "_set_input", spy)
    return seen


def check(session, x, shift=SHIFT):
    total, top = session.run(None, {"x": x, "shift": shift})
    np.testing.assert_array_equal(total, x + shift)
    np.testing.assert_array_equal(top, (x + shift).max(axis=1, keepdims=True))
    return total, top


def arrays(count, rows=2):
    return list(np.random.default_rng(1).standard_normal((count, rows, 3), np.float32))


def test_the_third_run_is_prepared(session, addresses):
    for x in arrays(2):
        check(session, x)
        assert not addresses
    for x in arrays(5):
        check(session, x)
        assert addresses[-2:] == [x.ctypes.data, SHIFT.ctypes.data] or addresses[-1] == x.ctypes.data
    assert session.statistic(maas.Statistic.RUNS) == 7 and session.statistic(maas.Statistic.ALLOCATIONS) == 0


def test_new_values_at_the_same_place_are_seen(session):
    x = np.zeros((2, 3), np.float32)
    for value in range(6):
        x[:] = value
        check(session, x)


def test_arrays_of_every_kind(session, addresses):
    for x in arrays(3):
        check(session, x)
    frozen = arrays(1)[0]
    frozen.flags.writeable = False
    check(session, frozen)
    assert addresses[-1] == frozen.ctypes.data
    wide = np.random.default_rng(2).standard_normal((4, 6), np.float32)
    unaligned = np.frombuffer(b"." + wide.tobytes(), "f4", 6, 1).reshape(2, 3)
    others = (
        wide[:2, ::2],
        np.asfortranarray(wide[:2, :3]),
        wide[:2, :3].astype(">f4"),
        unaligned,
        wide[:, :3],
        wide[:0, :3],
    )
    for x in others:
        for _ in range(4):
            check(session, x)
    check(session, [[1, 2, 3], [4, 5, 6]])


def test_arrays_with_gaps(session):
    wide = np.random.default_rng(3).standard_normal((6, 6), np.float32)
    unaligned = np.frombuffer(b"." + wide.tobytes(), "f4", 6, 1).reshape(2, 3)
    for _ in range(4):
        for x in (wide[:2, ::2], wide[::-3, 3:], wide.T[:2, :3], unaligned):
            check(session, x)


def test_inputs_are_not_written(session):
    x, shift = arrays(1)[0], SHIFT.copy()
    for value in range(5):
        x[:] = value
        check(session, x, shift)
        assert (x == value).all() and (shift == SHIFT).all()


def test_results_stay_what_they_were(session):
    xs = arrays(6)
    results = [check(session, x) for x in xs]
    for total, top in results:
        assert total.flags.writeable and top.flags.writeable
    session.close()
    del session
    gc.collect()
    for x, (total, _) in zip(xs, results):
        np.testing.assert_array_equal(total, x + SHIFT)


def test_wrong_feeds_are_refused_as_ever(session):
    x = arrays(1)[0]
    for _ in range(4):
        check(session, x)
    for feed, error in (
        ({"x": x}, maas.MissingInput),
        ({"x": x, "shift": SHIFT, "z": x}, maas.NotFound),
        ({"x": x, "shift": None}, maas.TypeMismatch),
        ({"x": x.astype(np.float64), "shift": SHIFT}, maas.TypeMismatch),
        ({"x": x[0], "shift": SHIFT}, maas.ShapeMismatch),
        ([x, SHIFT], TypeError),
    ):
        for _ in range(3):
            check(session, x)
            with pytest.raises(error):
                session.run(None, feed)


def test_runs_that_are_stopped(session):
    x = arrays(1)[0]
    for _ in range(4):
        check(session, x)
    options = maas.RunOptions()
    options.cancel()
    with pytest.raises(maas.Cancelled):
        session.run(None, {"x": x, "shift": SHIFT}, options)
    with pytest.raises(TypeError, match="RunOptions"):
        session.run(None, {"x": x, "shift": SHIFT}, maas.SessionOptions())
    check(session, x)
    session.close()
    with pytest.raises(maas.InvalidArgument, match="Session is closed"):
        check(session, x)


def test_many_threads(session):
    xs = arrays(64)

    def work(i):
        for x in xs[i::8]:
            check(session, x)

    for _ in range(3):
        check(session, xs[0])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, list(range(8)) * 20))


NEGATION = "g (float[N, 3] x) => (float[N, 3] y) { y = Neg(x) }"


@pytest.fixture
def negation():
    """Of one small input to one output, prepared."""
    session = maas.Session(model_bytes(NEGATION))
    for x in arrays(3):
        check_negation(session, x)
    assert session._idle
    return session


def check_negation(session, x):
    [y] = session.run(None, {"x": x})
    np.testing.assert_array_equal(y, -np.asarray(x))
    assert y.flags.writeable and not np.shares_memory(y, x)
    return y


def test_one_input_of_every_kind(negation):
    wide = np.random.default_rng(5).standard_normal((6, 6), np.float32)
    frozen = wide[:2, :3].copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"." + wide.tobytes(), "f4", 6, 1).reshape(2, 3)
    others = (
        frozen, unaligned, wide[:2, ::2], wide[::-3, 3:], np.asfortranarray(wide[:2, :3]), wide[:2, :3].astype(">f4"),
        wide[:3, :3].copy(), wide[:0, :3], wide[:2, :3].copy().view(np.recarray), [[1, 2, 3], [4, 5, 6]],
    )  # fmt: skip
    kept = [(x, check_negation(negation, x)) for x in others for _ in range(4)]
    negation.close()
    for x, y in kept:
        np.testing.assert_array_equal(y, -np.asarray(x))


def test_an_array_of_another_shape_in_place(negation):
    x = arrays(1)[0]
    check_negation(negation, x)
    x.shape = (1, 6)
    for _ in range(3):
        with pytest.raises(maas.ShapeMismatch):
            negation.run(None, {"x": x})
    x.shape = (2, 3)
    check_negation(negation, x)


def test_one_wrong_input_is_refused_as_ever(negation):
    x = arrays(1)[0]
    for feed, error in (
        ({}, maas.MissingInput),
        ({"z": x}, maas.NotFound),
        ({"x": x, "z": x}, maas.NotFound),
        ({"x": None}, maas.TypeMismatch),
        ({"x": x.view(np.int32)}, maas.TypeMismatch),
        ({"x": x[0]}, maas.ShapeMismatch),
        ([x], TypeError),
    ):
        for _ in range(3):
            check_negation(negation, x)
            with pytest.raises(error):
                negation.run(None, feed)


def test_one_input_on_many_threads_and_a_closed_session(negation):
    xs = arrays(64)

    def work(i):
        for x in xs[i::8]:
            check_negation(negation, x)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, list(range(8)) * 20))
    assert 0 < len(negation._idle) <= 8
    negation.close()
    assert not negation._idle
    with pytest.raises(maas.InvalidArgument, match="Session is closed"):
        check_negation(negation, xs[0])


def test_shapes_in_turn(session, addresses):
    """Eight of them; the ninth shape pushes out the one not used for longest."""
    for _ in range(2):
        for rows in range(1, 9):
            check(session, arrays(1, rows)[0])
    assert not addresses and len(session._idle) == 8
    for rows in np.random.default_rng(3).integers(1, 9, 50):
        x = arrays(1, rows)[0]
        check(session, x)
        assert x.ctypes.data in addresses
    for rows in np.random.default_rng(4).integers(1, 13, 200):
        check(session, arrays(1, rows)[0])
    assert len(session._idle) <= 8


def test_few_stay_of_runs_that_many_did_at_once(negation, monkeypatch):
    """Each goes on in the middle of the one before, as runs of threads may."""
    x, run, depths = arrays(1)[0], prepared._run, []

    def nested(*arguments):
        depths.append(len(depths))
        if len(depths) < 12:
            check_negation(negation, x)  # Nothing is idle: it prepares another.
            check_negation(negation, x)
        return run(*arguments)

    monkeypatch.setattr(prepared, "_run", nested)
    check_negation(negation, x)
    assert len(depths) == 12 and len(negation._idle) == 8


@pytest.mark.parametrize("kind", ["column-major", "every other", "unaligned"])
@pytest.mark.parametrize("rows", [2, 300])
def test_small_arrays_with_gaps_are_prepared_too(kind, rows):
    wide = np.random.default_rng(6).standard_normal((6, 2 * rows), np.float32)
    x = {
        "column-major": wide[:3, :rows].T,
        "every other": wide[::2, ::2].T,
        "unaligned": np.frombuffer(b"." + wide.tobytes(), "f4", 3 * rows, 1).reshape(rows, 3),
    }[kind]
    session = maas.Session(model_bytes(NEGATION))
    for _ in range(3):
        check_negation(session, x)
    assert session._idle
    for array in (x, x.copy(order="C"), x[::-1], x):
        check_negation(session, array)
    assert len(session._idle) == 1


def test_large_runs_are_not_prepared():
    """They would keep their memory, beside that of the plans, for nothing."""
    session = maas.Session(
        model_bytes("g (float[1] x) => (float y) { a = Expand(x, size) b = Exp(a) y = ReduceSum<keepdims=0>(b) }",
                    size=np.array([1 << 19])), optimization="none",
    )  # fmt: skip
    for _ in range(4):
        assert session(np.zeros(1, np.float32))["y"] == 1 << 19
    assert session.statistic(maas.Statistic.ARENA_BYTES) > prepared.MOST_ARENA_BYTES and not session._idle


def test_outputs_whose_shape_depends_on_data():
    """Here the model says that the output has the size of the input, which is not so."""
    session = maas.Session(
        model_bytes("g (float[N] x, int64[1] end) => (float[N] y) { y = Slice(x, zero, end) }", zero=np.array([0]))
    )
    x = np.arange(4, dtype=np.float32)
    for end in (4, 4, 4, 4, 2, 4, 4, 4, 3, 3, 3, 0, 4):
        assert session.run(None, {"x": x, "end": np.array([end])})[0].tolist() == x[:end].tolist()


def test_large_outputs_are_not_copied():
    session = maas.Session(model_bytes("g (float[N] x) => (float[N] y) { y = Relu(x) }"))
    x = np.ones(prepared.MOST_OUTPUT_BYTES, np.float32)
    for _ in range(4):
        [y] = session.run(None, {"x": x})
        assert not y.flags.owndata and y.sum() == x.size


def test_inputs_of_strings_are_copied_by_each_run():
    session = maas.Session(
        model_bytes("g (string[N] x, int64[N] k) => (bool[N] y) { y = RegexFullMatch<pattern=\"a+é?\">(x) }", opset=20))
    words = ["a", "b", "aaé", "", "aa"]
    for i in range(6):
        x = np.array(words[i % 5 :] + words[: i % 5], object)
        y = session.run(None, {"x": x, "k": np.zeros(5, np.int64)})[0]
        np.testing.assert_array_equal(y, [word in ("a", "aa", "aaé") for word in x])
    assert session._idle
    x[2] = 7
    with pytest.raises(maas.TypeMismatch, match="input 'x'"):
        session.run(None, {"x": x, "k": np.zeros(5, np.int64)})
    np.testing.assert_array_equal(session.run(None, {"x": np.array(["a"], object), "k": np.zeros(1, np.int64)})[0],
        [True])
