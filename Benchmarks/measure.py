"""Measures works: every runtime in turn, many times over."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

import networks
from limits import Limits, Machine
from networks.network import Network
from works import Work
from workers import REST, Child, Failed, Host, opened

#: Outputs agree when they are this near, as a part of the largest number of the output.
TOLERANCE = 2e-3
#: Roundings of floats move some bytes by one, and what follows with them; a transformer amplifies that.
BYTE_TOLERANCE = 0.25


class Effort(NamedTuple):
    """How long to measure: rounds of a burst of each runtime, and the seconds of a burst; fewer rounds, but at least
    two, when they take longer than `most` seconds."""

    rounds: int
    seconds: float
    most: float


#: How long each limit is measured in a round.
LIMIT_SECONDS = 0.02

FULL, QUICK = Effort(12, 0.12, 60), Effort(3, 0.02, 1)


def row(
    folder: str, work: Work, threads: int, effort: Effort, hosts: list[Host], machine: Machine
) -> dict[str, Any]:
    """What is to be told about a work: a dict for the report and the JSON file."""
    path = networks.file(work.model, folder)
    if work.of_bytes and any(host.peer == "openvino" for host in hosts):
        networks.openvino_file(work.model, folder)
    net = work.network()
    found: dict[str, Any] = {"work": work.name, "group": work.group, "threads": threads, "peers": {}}
    found["weight_bytes"] = net.weight_bytes if net else 0
    with ExitStack() as stack:
        children = opened(stack, hosts, path, work, threads, found["peers"])
        found["limit"] = _turns(children, machine, work, threads, effort, found["peers"])
        # Before outputs are copied to be compared.
        for name, child in children.items():
            found["peers"][name]["memory"] = child.memory()
        # Those that quantize themselves compute something else.
        same = ("maas", "onnxruntime") if work.of_bytes else children
        compared = {name: child for name, child in children.items() if name in same}
        found["problems"] = _disagreements(compared, BYTE_TOLERANCE if work.of_bytes else TOLERANCE)
    return found


def _turns(
    children: dict[str, Child], machine: Machine, work: Work, threads: int, effort: Effort, told: dict[str, Any]
) -> dict[str, Any]:
    times: dict[str, list[float]] = {name: [] for name in children}
    turns: dict[str, list[float]] = {name: [] for name in children}
    net, limits, start = work.network(), [], time.perf_counter()
    while len(limits) < 2 or (len(limits) < effort.rounds and time.perf_counter() - start < effort.most):
        time.sleep(REST)
        limits.append(machine.limits(threads, LIMIT_SECONDS, net.read_bytes if net else 0, work.of_bytes))
        for name, child in _rotated(list(children.items()), len(limits)):
            try:
                burst = child.burst(effort.seconds)
                times[name] += burst
                turns[name].append(statistics.median(burst))
            except Failed as error:
                told[name] = {"failed": str(error)}
                del children[name], times[name]
    for name, list_ in times.items():
        told[name] |= {"seconds": statistics.median(list_), "least": min(list_), "samples": len(list_)}
        told[name]["turns"] = turns[name]
    return _limit(limits, net)


def _rotated(children: list[tuple[str, Child]], by: int) -> list[tuple[str, Child]]:
    """Everyone comes first in some rounds: the processor may be slower after another's work, or after that of limits."""
    by %= max(len(children), 1)
    return children[by:] + children[:by]


def _limit(limits: list[Limits], net: Network | None) -> dict[str, Any]:
    """What the machine reaches per second, the seconds of a run at that pace, and in each round (`turns`); in each round
    also those of reading the weights from memory, whatever caches hold of them (`memory_turns`)."""
    turns = [max(net.flops / one.flops, net.read_bytes / one.read) if net else 0.0 for one in limits]
    flops, read, memory = (statistics.median(column) for column in zip(*limits))
    return {"flops": flops, "read": read, "memory": memory, "seconds": statistics.median(turns), "turns": turns,
            "memory_turns": [net.read_bytes / one.memory if net else 0.0 for one in limits]}  # fmt: skip


def _disagreements(children: dict[str, Child], tolerance: float) -> list[str]:
    """What is wrong with outputs, against those of the first runtime that is not maas."""
    outputs = {name: child.outputs() for name, child in children.items()}
    references = [name for name in outputs if name != "maas"]
    if not references:
        return []
    right = outputs[references[0]]
    return [f"{name} differs from {references[0]} by {off:.1e}" for name, arrays in outputs.items()
            if (off := difference(arrays, right)) > tolerance]  # fmt: skip


def difference(found: list[np.ndarray], right: list[np.ndarray]) -> float:
    """The greatest difference as a part of the largest number of the output; infinite for other shapes."""
    if [a.shape for a in found] != [b.shape for b in right]:
        return float("inf")
    return max((_off(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(found, right) if a.size), default=0.0)


def _off(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.max(np.abs(a - b)) / max(float(np.max(np.abs(b))), 1e-30))
