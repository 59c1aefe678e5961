"""What is trained: a network, data, and how long."""

from __future__ import annotations

import functools
import gc
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

#: A layer: its name, its sizes, and the function behind it where it has one.
Layer = tuple[Any, ...]


class Data(NamedTuple):
    """Samples to train with, and samples to judge by where that matters."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray | None = None
    test_y: np.ndarray | None = None


class TrainWork(NamedTuple):
    """A row of the table: so many epochs over data, from where the run before ended."""

    name: str
    data: Callable[[], Data]
    layers: tuple[Layer, ...]
    batch: int
    epochs: int = 1
    optimizer: str = "adam"
    loss: str = "cross-entropy"
    rate: float = 1e-3
    #: Whether accuracy is told: the mean of five seeds, after so many epochs from the start.
    judged: bool = False
    #: Whether each run makes a new network, as a program does that trains once.
    anew: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Processes pass a work on by its name."""
        return named, (self.name,)

    def warm(self, runtime: Any, path: str, threads: int) -> None:
        """Nothing is warmed: each peer makes its network and takes a first run before it is timed."""
        gc.collect()

    @property
    def flops(self) -> float:
        """Of the dense layers, a multiplication and an addition counting as two; 0 where there are others."""
        if any(layer[0] != "dense" for layer in self.layers):
            return 0.0
        data = self.data()
        sizes = [data.x.shape[1], *(layer[1] for layer in self.layers)]
        pairs = list(zip(sizes, sizes[1:]))
        # Forward and for the weights' gradient each once; for the gradient of what comes in, but for the data.
        products = sum(3 * a * b for a, b in pairs) - pairs[0][0] * pairs[0][1]
        return 2.0 * products * len(data.x) * self.epochs

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return self.epochs * math.ceil(len(self.data().x) / self.batch)


def named(name: str) -> TrainWork:
    """The work of that name."""
    return next(work for work in WORKS if work.name == name)


@functools.cache
def _reference() -> Data:
    random = np.random.default_rng(0)
    return Data(random.random((100, 10), np.float32), random.random((100, 1), np.float32))


@functools.cache
def _digits(shape: tuple[int, ...] = (64,)) -> Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x = (x[order] / 16).astype(np.float32).reshape(-1, *shape)
    y, part = y[order].astype(np.int64), len(x) * 4 // 5
    return Data(x[:part], y[:part], x[part:], y[part:])


def _classes(count: int, *shape: int) -> Callable[[], Data]:
    """Clouds around ten points."""

    @functools.cache
    def make() -> Data:
        random = np.random.default_rng(0)
        y = random.integers(0, 10, count)
        centers = random.standard_normal((10, *shape), np.float32)
        return Data(centers[y] * 0.3 + random.standard_normal((count, *shape), np.float32), y)

    return make


def _words(count: int, length: int, vocabulary: int) -> Callable[[], Data]:
    @functools.cache
    def make() -> Data:
        random = np.random.default_rng(0)
        y = random.integers(0, 10, count)
        x = random.integers(0, vocabulary, (count, length))
        # Every fourth word tells the class.
        x[:, ::4] = y[:, None] * 7
        return Data(x, y)

    return make


@functools.cache
def _wide() -> Data:
    random = np.random.default_rng(0)
    return Data(random.standard_normal((5120, 1024), np.float32), random.standard_normal((5120, 1024), np.float32))


def _dense(*sizes: int) -> tuple[Layer, ...]:
    return (*(("dense", size, "relu") for size in sizes[:-1]), ("dense", sizes[-1], None))


CNN: tuple[Layer, ...] = (
    ("conv", 16, "relu"), ("pool",), ("conv", 32, "relu"), ("pool",), ("flatten",), *_dense(64, 10),
)  # fmt: skip
TRANSFORMER: tuple[Layer, ...] = (
    ("embedding", 1000, 64), ("positional",), ("transformer", 4, 128), ("transformer", 4, 128), ("norm",), ("mean",),
    *_dense(10),
)  # fmt: skip

REFERENCE = TrainWork("reference, 100 epochs", _reference, _dense(10, 1), 25, 100, loss="mse")

WORKS = [
    REFERENCE,
    REFERENCE._replace(name="reference, as written", anew=True),
    TrainWork("digits, 50 epochs", _digits, _dense(128, 64, 10), 32, 50, judged=True),
    TrainWork("60000x784, epoch", _classes(60000, 784), _dense(512, 256, 10), 128),
    TrainWork("1024 wide, 20 steps, SGD", _wide, _dense(1024, 1024, 1024), 256, optimizer="sgd", loss="mse"),
    TrainWork("1024 wide, 20 steps, Adam", _wide, _dense(1024, 1024, 1024), 256, loss="mse"),
    TrainWork("CNN 8x8, epoch", lambda: _digits((1, 8, 8)), CNN, 32),
    TrainWork("CNN 28x28, 32 steps", _classes(2048, 1, 28, 28), CNN, 64),
    TrainWork("transformer, 32 steps", _words(1024, 32, 1000), TRANSFORMER, 32),
    TrainWork("LSTM, 32 steps", _classes(1024, 32, 32), (("lstm", 64), *_dense(10)), 32),
]
