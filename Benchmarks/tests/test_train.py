"""The benchmark of training: its arithmetic, its works, what it calls a problem."""

import pickle

import numpy as np
import pytest
import train
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
    assert train.ratio(found) == 2
    assert train.cells(found)[-3:] == ["2.00", "50 %", "-"]
    assert train.ratio(row(maas={"seconds": 1.0})) is None


def test_problems_are_told():
    good = row(maas={"loss": 0.1, "seconds": 1}, torch={"loss": 0.11, "seconds": 1})
    assert train.problems(good) == []
    assert "loss" in train.problems(row(maas={"loss": float("nan")}, torch={"loss": 0.1}))[0]
    assert "accuracy" in train.problems(row(maas={"accuracy": 0.5}, torch={"accuracy": 0.97}))[0]
    assert "jax failed: out of memory" in train.problems(row(jax={"failed": "out of memory"}))[0]
