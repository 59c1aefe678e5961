"""The benchmark of training: its arithmetic, its works, what it calls a problem."""

import pickle

import bars
import numpy as np
import pytest
import train
from training import processes, table
from training.bars import BARS
from training.works import REFERENCE, WORKS, named


def row(**peers):
    return {"work": "w", "threads": 1, "peers": peers, "limit": {"flops": 1e9, "seconds": 0.5}}


def test_works_are_passed_on_by_name():
    assert len({work.name for work in WORKS}) == len(WORKS)
    assert pickle.loads(pickle.dumps(REFERENCE)) is REFERENCE
    assert named("digits, 50 epochs").steps == 50 * 45


def test_flops_are_counted():
    # Forward, and for each weight's gradient: 10·10 and 10·1 products a sample; back through the second layer only.
    assert REFERENCE.flops == 2 * (110 + 110 + 10) * 100 * 100
    assert named("LSTM, 32 steps").flops == 0


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_data_fit_their_networks(work):
    data = work.data()
    assert len(data.x) == len(data.y) >= work.batch
    assert data.x.dtype == (np.int64 if work.layers[0][0] == "embedding" else np.float32)


def test_ratio_is_against_the_best():
    found = row(maas={"seconds": 1.0}, torch={"seconds": 3.0}, jax={"seconds": 2.0}, keras={"failed": "no"})
    assert table.ratio(found) == 2
    assert table.cells(found)[-3:] == ["2.00", "50 %", "-"]
    assert table.ratio(row(maas={"seconds": 1.0})) is None


def test_problems_are_told():
    good = row(maas={"loss": 0.1, "seconds": 1}, torch={"loss": 0.11, "seconds": 1})
    assert table.problems(good) == []
    assert "loss" in table.problems(row(maas={"loss": float("nan")}, torch={"loss": 0.1}))[0]
    assert "accuracy" in table.problems(row(maas={"accuracy": 0.5}, torch={"accuracy": 0.97}))[0]
    assert "jax failed: out of memory" in table.problems(row(jax={"failed": "out of memory"}))[0]


def test_bars_are_reached_or_missed():
    rows = [
        row(maas={"seconds": 1.0}, jax={"seconds": 1.6}, torch={"seconds": 4.0}) | {"work": "digits, 50 epochs"},
        row(maas={"seconds": 0.05}) | {"work": processes.PROCESS},
        row(maas={"seconds": 0.2}) | {"work": processes.COMMAND},
        row(maas={"seconds": 0.8, "speedup": 1.9}) | {"work": processes.RANKS},
    ]
    assert bars.verdicts(rows, BARS) == [
        "reached reference, whole process: ms 50.00, bar at most 100",
        "missed  reference, one command: ms 200.00, bar at most 100",
        "reached digits: least ratio to JAX 1.60, bar at least 1.5",
        "missed  digits: least ratio to PyTorch 4.00, bar at least 5",
        "reached 2 processes: times the epochs of one 1.90, bar at least 1.8",
    ]


def test_who_takes_long_is_measured_once():
    assert train.in_time({"maas": [], "torch": []}) == ["maas", "torch"]
    assert train.in_time({"maas": [1.5], "torch": [2.2], "scikit-learn": [37.0]}) == ["maas", "torch"]
    assert train.in_time({"maas": [1e-3], "torch": [0.1]}) == ["maas", "torch"]


def test_the_whole_of_two_processes_is_told():
    found = {"speedup": 1.9, "seconds_of_one": 1.5, "whole_speedup": 1.2, "whole_of_one": 5.0, "whole": 4.2}
    (note,) = processes.notes(row(maas=found) | {"work": processes.RANKS})
    assert "1.90 times as fast as one process (1.50 s)" in note and "1.20 times (5.00 s, 4.20 s)" in note
