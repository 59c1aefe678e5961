"""Hosts and children, with runtimes that fail in every way."""

import os

import networks
import pytest
import workers
from peers import Opened, Unsupported
from works import SMALL, WORKS

MLP = next(work for work in WORKS if work.name == "mlp-10 batch 1")


class Odd:
    """Runs `SMALL`, with which children begin, and fails in opening or running others as their path says."""

    name, version = "odd", "odd 1"

    def open(self, path, work, threads):
        if work == SMALL:
            return Opened(lambda: None, list)
        how = os.path.basename(path)
        if how == "unsupported":
            raise Unsupported("no such thing")
        if how == "raises":
            raise ValueError("it cannot be opened")
        runs = iter(range(4))
        return Opened(lambda: os._exit(3) if how == "dies" and next(runs, None) is None else None, lambda: [threads])


@pytest.fixture
def host(tmp_path):
    networks.file(SMALL.model, str(tmp_path))
    host = workers.Host(Odd)
    host.folder = str(tmp_path)
    yield host
    host.close()


def opened(host, how):
    return host.open(os.path.join(host.folder, how), MLP, 2)


def test_a_child_answers(host):
    child = opened(host, "works")
    assert host.version == "odd 1"
    assert set(child.load) == {"ready", "answer"}
    assert child.outputs() == [2]
    assert all(time > 0 for time in child.burst(0.001))
    assert child.memory()["peak"] >= 0
    child.close()


@pytest.mark.parametrize("how, error, text", [
    ("unsupported", Unsupported, "no such thing"), ("raises", workers.Failed, "ValueError: it cannot be opened"),
])  # fmt: skip
def test_what_cannot_be_opened_is_told_and_the_next_can(host, how, error, text):
    with pytest.raises(error, match=text):
        opened(host, how)
    opened(host, "works").close()


def test_a_child_that_dies_is_told_and_the_next_lives(host):
    child = opened(host, "dies")
    with pytest.raises(workers.Died):
        child.burst(1.0)
    child.close()
    opened(host, "works").close()
