"""maas's own bindings: what is bound once stays bound."""

import maas
import numpy as np
import pytest
from conftest import model_bytes


@pytest.fixture
def bound(passing):
    return maas.Session(passing).bind()


def test_new_values_are_seen_and_written_in_place(bound):
    x, twice = np.zeros((4, 3), np.float32), np.zeros((4, 3), np.float32)
    bound.set_input("x", x)
    bound.set_output("twice", twice)
    for value in range(3):
        x[:] = value
        bound.run()
        assert (twice == 2 * value).all()
    assert bound.output("twice").address == twice.ctypes.data


def test_runs_allocate_nothing(bound):
    bound.set_input("x", np.zeros((4, 3), np.float32))
    bound.set_output("same", np.zeros((4, 3), np.float32))
    bound.set_output("twice", np.zeros((4, 3), np.float32))
    for _ in range(3):
        bound.run()
    assert bound.session.statistic(maas.Statistic.ALLOCATIONS) == 0
    assert bound.session.statistic(maas.Statistic.RUNS) == 3


def test_bound_arrays_live_as_long_as_the_binding(bound):
    bound.set_input("x", np.full((1, 3), 2, np.float32))
    bound.set_output("twice", np.zeros((1, 3), np.float32))
    bound.run()
    output = bound.output("twice").numpy()
    del bound
    assert output.tolist() == [[4, 4, 4]]


def test_memory_of_any_size_may_be_bound(bound):
    x, room = np.float32([[1, 2, 3]]), np.zeros(100, np.float32)
    bound.set_input_memory("x", 1, (1, 3), x.ctypes.data, x.nbytes)
    bound.set_output_memory("twice", room.ctypes.data, room.nbytes)
    bound.run()
    assert bound.output("twice").shape == (1, 3) and room[:4].tolist() == [2, 4, 6, 0]
    bound.set_output_memory("twice", room.ctypes.data, 8)
    with pytest.raises(maas.BufferTooSmall, match="twice"):
        bound.run()
    bound.set_output_memory("twice", room.ctypes.data + 1, 99)
    with pytest.raises(maas.InvalidArgument, match="twice.*multiple"):
        bound.run()


def test_what_cannot_be_bound(bound):
    with pytest.raises(maas.NotFound, match="'y'"):
        bound.set_input("y", np.zeros((1, 3), np.float32))
    with pytest.raises(maas.TypeMismatch, match="float.*double"):
        bound.set_input("x", np.zeros((1, 3)))
    with pytest.raises(maas.ShapeMismatch, match="'x'"):
        bound.set_input("x", np.zeros((1, 4), np.float32))
    with pytest.raises(maas.MissingInput, match="'x'"):
        bound.run()
    with pytest.raises(maas.NotReady):
        bound.output("twice")
    with pytest.raises(maas.InvalidArgument, match="'twice'"):
        bound.set_output("twice", np.zeros((3, 1), np.float32).T[:, ::-1])
    frozen = np.zeros((1, 3), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(maas.InvalidArgument, match="read-only"):
        bound.set_output("twice", frozen)


def test_an_output_of_another_shape_is_refused(bound):
    bound.set_input("x", np.zeros((2, 3), np.float32))
    bound.set_output("twice", np.zeros((1, 3), np.float32))
    with pytest.raises(maas.ShapeMismatch, match="twice"):
        bound.run()
    bound.clear_outputs()
    bound.run()
    assert bound.output("twice").shape == (2, 3)
    bound.clear_inputs()
    with pytest.raises(maas.MissingInput):
        bound.run()


@pytest.fixture
def stateful():
    """Everything after the sum reads the input once more."""
    return maas.Session(
        model_bytes(
            "g (float[N] x) => (float[N] y, float[N] z) { s = Add(x, x) t = Neg(s) y = Mul(t, x) z = Sub(s, x) }")
    )


def test_an_output_may_lie_over_an_input(stateful):
    """As of models whose state goes round: the last output is the next input."""
    bound, state, room = stateful.bind(), np.zeros(1001, np.float32), np.zeros(1000, np.float32)
    for at in (0, 1):  # the very same memory, and memory that overlaps it
        state[:] = np.arange(1001)
        x, y = state[:1000], state[at : at + 1000]
        bound.set_input("x", x)
        bound.set_output("y", y)
        bound.set_output("z", room)
        for _ in range(2):
            expected = state[:1000].copy()
            bound.run()
            np.testing.assert_array_equal(y, -2 * expected * expected)
            np.testing.assert_array_equal(room, expected)
        assert stateful.statistic(maas.Statistic.ALLOCATIONS) == 0


def test_a_result_may_become_an_input(stateful):
    bound = stateful.bind()
    bound.set_input("x", np.float32([1, 2, 3]))
    bound.run()
    first = bound.output("y")
    bound.set_input("x", first)
    for _ in range(2):
        bound.run()
        assert bound.output("y").numpy().tolist() == [-8, -128, -648]
    assert first.numpy().tolist() == [-2, -8, -18]


def test_outputs_may_change_places(stateful):
    bound, rooms = stateful.bind(), np.zeros((2, 3), np.float32)
    bound.set_input("x", np.float32([1, 2, 3]))
    for y, z in ((0, 1), (1, 0)):
        bound.set_output("y", rooms[y])
        bound.set_output("z", rooms[z])
        bound.run()
        assert rooms[y].tolist() == [-2, -8, -18] and rooms[z].tolist() == [1, 2, 3]


def test_outputs_may_not_lie_over_each_other(stateful):
    bound, room = stateful.bind(), np.zeros(5, np.float32)
    bound.set_input("x", np.float32([1, 2, 3]))
    bound.set_output("y", room[:3])
    bound.set_output("z", room[2:])
    with pytest.raises(maas.InvalidArgument, match="'z'.*overlaps"):
        bound.run()
