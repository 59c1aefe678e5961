"""The libraries that are compared, each in its fastest plain way. `open` makes a network and gives what trains it.

A run goes over the data in a new random order for each epoch, the last batch being smaller where it must, and takes up
where the run before it ended, or makes a new network first where the work says so.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from peers import ROOT, Unsupported

from .works import Layer, TrainWork

SEEDS = 5


class Training:
    """A network in training, as workers.py takes what it measures."""

    def __init__(self, work: TrainWork, threads: int):
        self.work, self.threads = work, threads
        self.data = work.data()
        self.loss = float("nan")
        self.start(0)

    def start(self, seed: int) -> None:
        """Makes new parameters."""
        raise NotImplementedError

    def train(self) -> float:
        """Goes over the data as often as the work says; the loss of the last step or epoch."""
        raise NotImplementedError

    def scores(self, x: np.ndarray) -> np.ndarray:
        """What the network answers."""
        raise NotImplementedError

    def run(self) -> None:
        """What is timed."""
        if self.work.anew:
            self.start(0)
        self.loss = self.train()

    def outputs(self) -> dict[str, float]:
        """How good the training is."""
        if not self.work.judged:
            return {"loss": self.loss}
        return {"loss": self.loss, "accuracy": float(np.mean([self._judged(seed) for seed in range(SEEDS)]))}

    def _judged(self, seed: int) -> float:
        self.start(seed)
        self.train()
        return float(np.mean(self.scores(self.data.test_x).argmax(1) == self.data.test_y))

    def details(self) -> dict[str, int]:
        """Nothing more is told of memory."""
        return {}


def limited(threads: int) -> None:
    """Lets this process use so many CPUs, which is what all libraries go by."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class Maas:
    name = "maas"

    def __init__(self) -> None:
        os.environ.setdefault("MAAS_LIBRARY", os.path.join(ROOT, ".build", "release", "libmaas.so"))
        sys.path.insert(0, os.path.join(ROOT, "bindings", "python", "src"))
        import maas.train

        self.train = maas.train
        self.version = f"maas {maas.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        limited(threads)
        return _MaasTraining(self.train, work, threads)


class _MaasTraining(Training):
    LINES = {
        "dense": "dense {0}", "conv": "conv {0} kernel=3 padding=same", "pool": "max-pool 2", "flatten": "flatten",
        "embedding": "embedding {0} {1}", "positional": "positional", "transformer": "transformer heads={0} ff={1}",
        "norm": "layer-norm", "mean": "global-average-pool", "lstm": "lstm {0}",
    }  # fmt: skip

    def __init__(self, library: Any, work: TrainWork, threads: int):
        self.library = library
        super().__init__(work, threads)
        self.samples = (self.data.x, self.data.y)

    def start(self, seed: int) -> None:
        work = self.work
        kind = " type=int64" if self.data.x.dtype == np.int64 else ""
        lines = [f"input {' '.join(map(str, self.data.x.shape[1:]))}{kind}", *map(self._line, work.layers)]
        self.trainer = self.library.Trainer(
            "\n".join(lines), loss=work.loss, update_rule=work.optimizer, learning_rate=work.rate,
            batch_size=work.batch, epochs=work.epochs, seed=seed, threads=self.threads,
        )  # fmt: skip

    def _line(self, layer: Layer) -> str:
        line = self.LINES[layer[0]].format(*layer[1:])
        return f"{line} activation=relu" if layer[-1] == "relu" else line

    def train(self) -> float:
        return float(self.trainer.fit(*self.samples)["loss"][-1])

    def scores(self, x: np.ndarray) -> np.ndarray:
        return self.trainer.predict(x)


class SciKitLearn:
    name = "scikit-learn"

    def __init__(self) -> None:
        import sklearn
        import sklearn.neural_network

        self.network = sklearn.neural_network
        self.version = f"scikit-learn {sklearn.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        if any(layer[0] != "dense" for layer in work.layers):
            raise Unsupported("scikit-learn has dense networks only")
        limited(threads)
        return _SciKitTraining(self.network, work, threads)


class _SciKitTraining(Training):
    def __init__(self, library: Any, work: TrainWork, threads: int):
        self.library = library
        super().__init__(work, threads)

    def start(self, seed: int) -> None:
        work = self.work
        kind = self.library.MLPRegressor if work.loss == "mse" else self.library.MLPClassifier
        momentum = {"momentum": 0.0, "nesterovs_momentum": False} if work.optimizer == "sgd" else {}
        self.model = kind(
            hidden_layer_sizes=[layer[1] for layer in work.layers[:-1]], solver=work.optimizer,
            learning_rate_init=work.rate, alpha=0.0,
            batch_size=work.batch, max_iter=work.epochs, tol=0.0, n_iter_no_change=10**6, warm_start=True,
            random_state=seed, **momentum,
        )  # fmt: skip

    def train(self) -> float:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            y = self.data.y
            self.model.fit(self.data.x, y[:, 0] if y.ndim > 1 and y.shape[1] == 1 else y)
        return float(self.model.loss_)

    def scores(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(x)
