"""Rows that are no run of a work: calls from C, plans, steps, threads, opening a large model, several sessions of
it."""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import networks
from limits import Machine
from measure import Effort
from networks.dense import STEPS
from peers import ROOT, Unsupported
from works import SMALL, WORKS
from workers import REST, Failed, Host

LARGE = next(work for work in WORKS if work.model == "mlp-4096")
SESSIONS = 4
CALLERS = 4
CHAIN = 128

Row = dict[str, Any]


def _row(name: str, group: str, peers: dict[str, Any], threads: int = 1) -> Row:
    return {"work": name, "group": group, "threads": threads, "peers": peers, "problems": [], "limit": {"seconds": 0.0}}


def _seconds(times: list[float]) -> dict[str, float]:
    return {"seconds": statistics.median(times), "least": min(times)}


def from_c(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """A bound run from C. The peers' packages have no C interface; theirs is the bound run from Python."""
    times = _numbers(_program("call"), networks.file(SMALL.model, folder), 16)
    return _row("3 nodes, bound, from C", "C call", {"maas": _seconds(times)})


def parsing(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The time from the path of the large model to a checked graph, in fresh processes, the file in the page cache."""
    path, caller = networks.file(LARGE.model, folder), _program("call")
    _read(path)
    times = [seconds for _ in range(15) for seconds in _numbers(caller, path)]
    return _row("parse 268 MB, from C", "parse", {"maas": _seconds(times)})


def compiled(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The time until a session of the large model, compiled, is ready, in fresh processes, the file in the page cache."""
    path, opener = os.path.splitext(networks.file(LARGE.model, folder))[0] + ".maas", _program("open")
    if os.path.exists(path):
        os.remove(path)  # Another library may have made it.
    _numbers(opener, path)
    _read(path)
    times = [seconds for _ in range(15) for seconds in _numbers(opener, path)]
    os.remove(path)
    return _row("open 268 MB, compiled", "compiled", {"maas": _seconds(times)})


def planning(what: str, model: str, dimension: str, folder: str, *_: Any) -> Row:
    """What a new shape costs: the first run with it beyond the later ones."""
    times = _numbers(_program("plan"), networks.file(model, folder), dimension)
    return _row(f"plan, {what}", "plan", {"maas": _seconds(times)})


def _numbers(*command: Any) -> list[float]:
    """The numbers that a program prints."""
    lines = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
    return [float(word) for word in lines.split()]


def _read(path: str) -> None:
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def _program(name: str) -> str:
    """Builds a program of this folder, with a library beside it that has the name it was linked under."""
    library = os.environ.get("MAAS_LIBRARY", os.path.join(ROOT, ".build", "release", "libmaas.so"))
    folder = os.path.join(ROOT, ".build", "bench", "call")
    os.makedirs(folder, exist_ok=True)
    linked = os.path.join(folder, "libmaas.so.1")
    if os.path.lexists(linked):
        os.remove(linked)
    os.symlink(os.path.abspath(library), linked)
    program, source = os.path.join(folder, name), os.path.join(ROOT, "Benchmarks", f"{name}.c")
    include = f"-I{os.path.join(ROOT, 'include')}"
    subprocess.run(
        ["gcc", "-O2", "-pthread", include, source, linked, f"-Wl,-rpath,{folder}", "-o", program], check=True
    )
    return program


class Crowd(NamedTuple):
    """What crowd.c prints."""

    per_second: float
    median: float
    late: float
    latest: float
    idle: float


def _crowd(folder: str, model: str, rows: int, width: int, callers: int, threads: int) -> Crowd:
    return Crowd(*_numbers(_program("crowd"), networks.file(model, folder), rows, width, callers, threads))


def _medians(effort: Effort, measure: Callable[[], Sequence[float]]) -> list[float]:
    """The median of each number over some rounds."""
    rounds = [measure() for _ in range(max(3, effort.rounds // 2))]
    return [statistics.median(column) for column in zip(*rounds)]


def step(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """A step of a long chain of layers of 4 numbers, its arithmetic included."""
    chain = Crowd(*_medians(effort, lambda: _crowd(folder, "chain-4", 1, 4, 1, 1)))
    return _row("a step of 1000", "step", {"maas": {"seconds": chain.median / STEPS}})


def fork_join(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """What a step takes on two threads beyond half of its time on one, and the CPU time of a pool that rests."""

    def both() -> list[float]:
        one, two = (_crowd(folder, "chain-128", CHAIN, CHAIN, 1, threads) for threads in (1, 2))
        return [(two.median - one.median / 2) / 100, two.idle]

    extra, idle = _medians(effort, both)
    return _row("fork and join", "fork-join", {"maas": {"seconds": max(extra, 1e-9), "idle": max(idle, 0)}}, threads=2)


def line(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """What a line of the cache takes from CPU to CPU while this runs; rows on two threads depend on it."""
    times = []
    for _ in range(effort.rounds):
        time.sleep(REST)
        times.append(machine.line())
    return _row("a line from CPU to CPU", "line", {"maas": {**_seconds(times), "most": max(times)}}, threads=2)


def crowd(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """Runs per second of callers with sessions of their own, each of two threads, as a multiple of one caller's."""

    def both() -> list[float]:
        one, many = (_crowd(folder, "mlp-1024", 8, 1024, callers, 2) for callers in (1, CALLERS))
        return [many.per_second / one.per_second, many.median, many.late]

    times, median, late = _medians(effort, both)
    found = {"times": times, "median": median, "late": late}
    return _row(f"{CALLERS} callers at once", "crowd", {"maas": found}, threads=2)


def opening(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The time until a session of the large model is ready, the file in the page cache, the memory at hand."""
    path, work = networks.file(LARGE.model, folder), LARGE._replace(used_before=1 << 30)
    _read(path)
    times: dict[str, list[float]] = {host.peer: [] for host in hosts if host.peer != "torch"}
    for _ in range(max(3, effort.rounds // 2)):
        for host in hosts:
            if host.peer in times:
                child = host.open(path, work, 1)
                times[host.peer].append(child.load["ready"])
                child.close()
    return _row("open 268 MB", "open", {name: _seconds(list_) for name, list_ in times.items()})


def sharing(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The memory of several sessions of the large model as a multiple of one's."""
    path, peers = networks.file(LARGE.model, folder), {}
    for host in hosts:
        try:
            child = host.open(path, LARGE, 1)
        except (Unsupported, Failed) as error:
            peers[host.peer] = {"failed": str(error)}
            continue
        one, all_ = child.memory()["now"], child.again(SESSIONS - 1)["now"]
        peers[host.peer] = {"times": all_ / one, "memory": {"peak": all_}}
        child.close()
    return _row(f"{SESSIONS} sessions, 268 MB", "sessions", peers)


SPECIAL: dict[str, Callable[[str, Effort, list[Host], Machine], Row]] = {
    "3 nodes, bound, from C": from_c,
    "parse 268 MB, from C": parsing,
    "plan, 5 nodes": functools.partial(planning, "5 nodes", "mlp-16", "N"),
    "plan, bert": functools.partial(planning, "bert", "bert", "S"),
    "a step of 1000": step,
    "a line from CPU to CPU": line,
    "fork and join": fork_join,
    f"{CALLERS} callers at once": crowd,
    "open 268 MB": opening,
    "open 268 MB, compiled": compiled,
    f"{SESSIONS} sessions, 268 MB": sharing,
}
