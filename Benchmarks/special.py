"""Rows that are no run of a work: calls from C, opening a large model, several sessions of one model."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable
from typing import Any

import networks
from limits import Machine
from measure import Effort
from peers import ROOT, Unsupported
from works import SMALL, WORKS
from workers import Failed, Host

LARGE = next(work for work in WORKS if work.model == "mlp-4096")
SESSIONS = 4

Row = dict[str, Any]


def _row(name: str, group: str, peers: dict[str, Any], threads: int = 1) -> Row:
    return {"work": name, "group": group, "threads": threads, "peers": peers, "problems": [], "limit": {"seconds": 0.0}}


def _seconds(times: list[float]) -> dict[str, float]:
    return {"seconds": statistics.median(times), "least": min(times)}


def from_c(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """A bound run from C. The peers' packages have no C interface; theirs is the bound run from Python."""
    times = _told([_caller(), networks.file(SMALL.model, folder), "16"])
    return _row("3 nodes, bound, from C", "C call", {"maas": _seconds(times)})


def parsing(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The time from the path of the large model to a checked graph, in fresh processes, the file in the page cache."""
    path, caller = networks.file(LARGE.model, folder), _caller()
    _read(path)
    times = [seconds for _ in range(15) for seconds in _told([caller, path])]
    return _row("parse 268 MB, from C", "parse", {"maas": _seconds(times)})


def _told(command: list[str]) -> list[float]:
    """The numbers that a program prints."""
    return [float(word) for word in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def _read(path: str) -> None:
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def _caller() -> str:
    """Builds call.c with a library beside it that has the name it was linked under."""
    library = os.environ.get("MAAS_LIBRARY", os.path.join(ROOT, ".build", "release", "libmaas.so"))
    folder = os.path.join(ROOT, ".build", "bench", "call")
    os.makedirs(folder, exist_ok=True)
    linked = os.path.join(folder, "libmaas.so.1")
    if os.path.lexists(linked):
        os.remove(linked)
    os.symlink(os.path.abspath(library), linked)
    program, source = os.path.join(folder, "call"), os.path.join(ROOT, "Benchmarks", "call.c")
    include = f"-I{os.path.join(ROOT, 'include')}"
    subprocess.run(["gcc", "-O2", include, source, linked, f"-Wl,-rpath,{folder}", "-o", program], check=True)
    return program


def opening(folder: str, effort: Effort, hosts: list[Host], machine: Machine) -> Row:
    """The time until a session of the large model is ready, the file in the page cache."""
    path = networks.file(LARGE.model, folder)
    _read(path)
    times: dict[str, list[float]] = {host.peer: [] for host in hosts if host.peer != "torch"}
    for _ in range(max(3, effort.rounds // 2)):
        for host in hosts:
            if host.peer in times:
                child = host.open(path, LARGE, 1)
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
    "open 268 MB": opening,
    f"{SESSIONS} sessions, 268 MB": sharing,
}
