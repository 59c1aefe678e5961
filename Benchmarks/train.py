"""Measures training on maas beside PyTorch, JAX, Keras and scikit-learn: the same networks, data and steps.

Every library works in a process of its own (workers.py) on as many CPUs as the row says threads; bursts of runs take
turns, and the median of all runs is told. Runs are what works.py says: so many epochs, each in another random order.

  ratio    the best peer's time / maas's: above 1, maas is the fastest
  peak     the arithmetic of dense layers at the peak of fused multiply-adds, measured in the same run, as a part of
           maas's time
  quality  the loss at the end, or the mean test accuracy of five seeds: maas's, and the peers' in the JSON file

"process" rows time whole programs, from their start to the saved file. Results also go to .build/bench: train.json and
train.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from limits import Machine
from peers import ROOT, Unsupported
from training import jax_peer, keras_peer, peers, torch_peer
from training.works import WORKS, TrainWork
from workers import REST, Child, Failed, Host

OUTPUT = os.path.join(ROOT, ".build", "bench")
PROGRAMS = os.path.join(ROOT, "Benchmarks", "training", "programs")
KINDS = (peers.Maas, torch_peer.Torch, torch_peer.TorchCompile, jax_peer.Jax, keras_peer.Keras, peers.SciKitLearn)
PEERS = {kind.name: kind for kind in KINDS}
PROCESS = {"maas": "maas", "torch": "torch", "jax": "jax", "keras": "keras", "scikit-learn": "sklearn"}
COLUMNS = ("work", "threads", *PEERS, "ratio", "peak", "quality")
Row = dict[str, Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few and short bursts")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="works whose name matches, e.g. 'CNN*'")
    parser.add_argument("--threads", default="1,2", metavar="LIST", help="numbers of threads (default 1,2)")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="LIST", help="libraries (default all)")
    parser.add_argument("--output", default=OUTPUT, metavar="DIR", help="where results go")
    return parser.parse_args()


def opened(stack: ExitStack, hosts: list[Host], work: TrainWork, threads: int, told: Row) -> Iterator[tuple[str, Child]]:
    for host in hosts:
        try:
            child = host.open("", work, threads)
        except (Unsupported, Failed) as error:
            told[host.peer] = {"unsupported" if isinstance(error, Unsupported) else "failed": str(error)}
            continue
        stack.callback(child.close)
        told[host.peer] = {"load": child.load}
        yield host.peer, child


def measured(hosts: list[Host], work: TrainWork, threads: int, machine: Machine, is_quick: bool) -> Row:
    """A row: bursts of all libraries in turn."""
    row: Row = {"work": work.name, "threads": threads, "steps": work.steps, "peers": {}}
    rounds, seconds = (2, 0.05) if is_quick else (7, 0.3)
    with ExitStack() as stack:
        children = dict(opened(stack, hosts, work, threads, row["peers"]))
        times: dict[str, list[float]] = {name: [] for name in children}
        peaks = []
        for _ in range(rounds):
            time.sleep(REST)
            peaks.append(machine.flops(threads, 0.02))
            for name, child in children.items():
                times[name] += child.burst(seconds)
        for name, child in children.items():
            found = {"seconds": statistics.median(times[name]), "least": min(times[name]), "samples": len(times[name])}
            row["peers"][name] |= found | child.outputs()
    peak = statistics.median(peaks)
    row["limit"] = {"flops": peak, "seconds": work.flops / peak}
    return row


def process_row(names: list[str], is_quick: bool) -> Row:
    """Whole programs: their start, the data, the training, the saved file."""
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "bindings", "python", "src"))
    times: dict[str, list[float]] = {name: [] for name in PROCESS if name in names}
    row: Row = {"work": "reference, process", "threads": os.cpu_count(), "peers": {}}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2 if is_quick else 5):
            for name, list_ in times.items():
                program = os.path.join(PROGRAMS, f"{PROCESS[name]}_program.py")
                start = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, program, os.path.join(folder, name)], env=environment, capture_output=True, text=True
                )
                list_.append(time.perf_counter() - start)
                if done.returncode:
                    row["peers"][name] = {"failed": done.stderr.strip().splitlines()[-1]}
    row["peers"] = {name: {"seconds": statistics.median(list_)} for name, list_ in times.items()} | row["peers"]
    return row


def number(row: Row, peer: str, key: str = "seconds") -> float | None:
    value = row["peers"].get(peer, {}).get(key)
    return value if isinstance(value, (int, float)) else None


def ratio(row: Row) -> float | None:
    """The best peer's time / maas's."""
    ours = number(row, "maas")
    theirs = [n for peer in PEERS if peer != "maas" and (n := number(row, peer)) is not None]
    return min(theirs) / ours if ours and theirs else None


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, scale = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3) if seconds < 1 else ("s", 1)
    return f"{seconds * scale:.3g} {unit}"


def cells(row: Row) -> list[str]:
    ours, limit, times = number(row, "maas"), row.get("limit", {}).get("seconds"), ratio(row)
    quality = number(row, "maas", "accuracy")
    loss = number(row, "maas", "loss")
    return [
        row["work"], str(row["threads"]), *(duration(number(row, peer)) for peer in PEERS),
        "-" if times is None else f"{times:.2f}", f"{100 * limit / ours:.0f} %" if limit and ours else "-",
        f"{quality:.4f}" if quality is not None else "-" if loss is None else f"{loss:.3g}",
    ]  # fmt: skip


def problems(row: Row) -> list[str]:
    """What went wrong: a library that failed, a training that did not go where the others went."""
    found = [f"{name} failed: {peer['failed']}" for name, peer in row["peers"].items() if "failed" in peer]
    # Libraries begin with other parameters, and so losses after few steps differ.
    if not math.isfinite(number(row, "maas", "loss") or 0.0):
        found.append("the loss is no finite number")
    ours = number(row, "maas", "accuracy")
    theirs = [n for peer in PEERS if peer != "maas" and (n := number(row, peer, "accuracy")) is not None]
    if ours is not None and theirs and ours < 0.98 * statistics.median(theirs):
        found.append(f"the accuracy is {ours:.4f}, that of the others {statistics.median(theirs):.4f}")
    return [f"  {row['work']}: {problem}" for problem in found]


def written(folder: str, rows: list[Row], about: Row) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "train.json"), "w") as file:
        json.dump({"about": about, "rows": rows}, file, indent=1)
    lines = [f"{about['cpu']}, {about['date']}; {', '.join(about['versions'])}", "", table(COLUMNS)]
    lines += [table(["---"] * len(COLUMNS)), *(table(cells(row)) for row in rows)]
    with open(os.path.join(folder, "train.md"), "w") as file:
        file.write("\n".join(lines) + "\n")


def table(columns: Any) -> str:
    return f"| {' | '.join(columns)} |"


def cpu() -> str:
    with open("/proc/cpuinfo") as file:
        names = {line.split(":", 1)[1].strip() for line in file if line.startswith("model name")}
    return f"{os.cpu_count()} x {' '.join(sorted(names)) or platform.machine()}"


def main() -> int:
    options = arguments()
    patterns, names = options.only or ["*"], options.peers.split(",")
    if unknown := set(names) - PEERS.keys():
        print(f"train: no library is named {' or '.join(unknown)}", file=sys.stderr)
        return 2
    works = [work for work in WORKS if any(fnmatch.fnmatch(work.name, pattern) for pattern in patterns)]
    has_process = any(fnmatch.fnmatch("reference, process", pattern) for pattern in patterns)
    hosts = [Host(PEERS[name]) for name in PEERS if name in names] if works else []
    about = {"date": time.strftime("%Y-%m-%d %H:%M"), "cpu": cpu(), "versions": [host.version for host in hosts]}
    machine, rows = Machine(), []
    print(table(COLUMNS), flush=True)

    def told(row: Row) -> None:
        rows.append(row)
        print("\n".join([table(cells(row)), *problems(row)]), flush=True)
        written(options.output, rows, about)

    try:
        for work in works:
            for threads in map(int, options.threads.split(",")):
                told(measured(hosts, work, threads, machine, options.quick))
    finally:
        for host in hosts:
            host.close()
    if has_process:
        told(process_row(names, options.quick))
    return 1 if any(problems(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
