"""What is measured: a model and the sizes of its inputs."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import networks
from networks.network import Network
from networks.trees import FEATURES

WORDS = 8000


class Work(NamedTuple):
    """A row of the table. Ratios are averaged, and have their bar, by `group`."""

    name: str
    model: str
    sizes: dict[str, int]
    group: str
    #: Whether each run is a plain call with arrays, in place of inputs and outputs that are bound once.
    plain: bool = False
    #: Bytes that a process has used and given back when it opens the model. A virtual machine's host may take free
    #: memory from it; who uses that next waits for the host, whichever runtime it is.
    used_before: int = 0

    def warm(self, runtime: Any, path: str, threads: int) -> None:
        """Uses a runtime once, so that its code and its threads are there."""
        np.ones(self.used_before, np.uint8)
        runtime.open(networks.file(SMALL.model, os.path.dirname(path)), SMALL, threads).run()
        gc.collect()

    def network(self) -> Network | None:
        """The network with its arithmetic counted; None for what is no network."""
        name = networks.of_floats(self.model)
        if name not in networks.NETWORKS:
            return None
        net = Network(self.sizes)
        networks.NETWORKS[name](net)
        smaller = networks.smaller(self.model)
        net.weight_bytes, net.read_bytes = int(net.weight_bytes / smaller), int(net.read_bytes / smaller)
        return net

    @property
    def of_bytes(self) -> bool:
        """Whether its products are of bytes."""
        return self.model in networks.QUANTIZED

    def feed(self) -> dict[str, np.ndarray]:
        """The inputs, the same in every process."""
        net = self.network()
        inputs = net.inputs if net else {"x": (np.dtype(np.float32), (self.sizes["N"], FEATURES))}
        random = np.random.default_rng(1)
        return {name: _array(random, name, *what) for name, what in inputs.items()}

    def feeds(self) -> Iterator[dict[str, np.ndarray]]:
        """The inputs over and over; for plain calls in ten copies, so that nothing can be kept for one array."""
        feed = self.feed()
        copies = [{name: array.copy() for name, array in feed.items()} for _ in range(10)] if self.plain else [feed]
        return itertools.cycle(copies)


def _array(random: np.random.Generator, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if name == "attention_mask":
        mask = np.ones(shape, dtype)
        mask[:, shape[1] - shape[1] // 8 :] = 0
        return mask
    if name == "position_ids":
        return np.broadcast_to(np.arange(shape[-1], dtype=dtype), shape).copy()
    if np.issubdtype(dtype, np.integer):
        return random.integers(0, WORDS, shape, dtype)
    return random.standard_normal(shape, np.float32)


def _by_batch(models: tuple[str, ...], batches: tuple[int, ...], group: str) -> list[Work]:
    return [Work(f"{model} batch {n}", model, {"N": n}, group) for model in models for n in batches]


MLPS = ("mlp-10", "mlp-16", "mlp-784", "mlp-1024", "mlp-4096")

#: Runs in no time, on every runtime.
SMALL = Work("3 nodes, bound", "three", {"N": 1}, "call")

WORKS = [
    SMALL,
    Work("3 nodes, run() from Python", "three", {"N": 1}, "call", plain=True),
    *_by_batch(MLPS, (1, 8, 64, 512), "MLP"),
    *_by_batch(("mlp-784-int8", "mlp-784-int8-dynamic"), (1, 64, 512), "int8"),
    *_by_batch(("mlp-1024-int8", "mlp-1024-int8-dynamic"), (64, 512), "int8"),
    *_by_batch(("mlp-4096-int8", "mlp-4096-int8-dynamic"), (1,), "int8"),
    *(Work(f"{m} seq 128", m, {"N": 1, "S": 128}, "int8") for m in ("bert-int8", "bert-int8-dynamic")),
    *_by_batch(("mlp-4096-int4",), (1,), "int4"),
    *(Work(m, m, {}, "int8 CNN") for m in ("resnet18-int8", "mobilenetv2-int8")),
    *_by_batch(("product-1024-int8",), (256, 512, 1024), "int8 product"),
    *_by_batch(("product-4096-int8",), (256,), "int8 product"),
    *_by_batch(("product-1024",), (256, 512, 1024), "sgemm"),
    *_by_batch(("product-4096",), (256,), "sgemm"),
    *(Work(f"bert seq {s}", "bert", {"N": 1, "S": s}, "transformer") for s in (16, 128, 384)),
    Work("vit", "vit", {}, "transformer"),
    Work("gpt2 prefill 128", "gpt2", {"N": 1, "S": 128, "P": 0}, "transformer"),
    Work("gpt2 decode, past 128", "gpt2", {"N": 1, "S": 1, "P": 128}, "transformer"),
    *(Work(m, m, {}, "CNN") for m in ("resnet18", "resnet50", "mobilenetv2", "unet")),
    *(Work(f"lstm batch {n}", "lstm", {"N": n, "S": 100}, "LSTM, trees") for n in (1, 16)),
    *_by_batch(("trees-100", "trees-1000", "forest-100"), (1, 100, 10000), "LSTM, trees"),
]
