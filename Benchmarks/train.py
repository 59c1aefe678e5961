"""Measures training on maas beside PyTorch, JAX, Keras and scikit-learn: the same networks, data and steps.

Every library works in a process of its own (workers.py) on as many CPUs as the row says threads; bursts of runs take
turns, and the median of all runs is told. Runs are what works.py says: so many epochs, each in another random order.

  ratio    the best peer's time / maas's: above 1, maas is the fastest
  peak     the arithmetic of dense layers at the peak of fused multiply-adds, measured in the same run, as a part of
           maas's time
  quality  the loss at the end, or the mean test accuracy of five seeds: maas's, and the peers' in the JSON file

"as written" is the reference program's calls from a new network to a trained one. "process" rows time whole programs,
from their start to the saved file; "2 processes" maas-train under mpirun beside one process. Results also go to
.build/bench: train.json and train.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import statistics
import sys
import time
from contextlib import ExitStack

import bars
from limits import Machine
from peers import ROOT
from training.bars import BARS
from training.processes import COMMAND, PROCESS, RANKS, command_row, notes, process_row, ranks_row
from training.table import COLUMNS, PEERS, Row, cells, line, problems
from training.works import WORKS, TrainWork
from workers import REST, Host, opened

OUTPUT = os.path.join(ROOT, ".build", "bench")
#: Seconds of a run.
LONG = 2.0


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


def measured(hosts: list[Host], work: TrainWork, threads: int, machine: Machine, is_quick: bool) -> Row:
    """A row: bursts of all libraries in turn."""
    row: Row = {"work": work.name, "threads": threads, "steps": work.steps, "peers": {}}
    rounds, seconds = (2, 0.05) if is_quick else (7, 0.3)
    with ExitStack() as stack:
        children = opened(stack, hosts, "", work, threads, row["peers"])
        times: dict[str, list[float]] = {name: [] for name in children}
        peaks = []
        for _ in range(rounds):
            time.sleep(REST)
            peaks.append(machine.flops(threads, 0.02))
            for name in in_time(times):
                times[name] += children[name].burst(seconds)
        for name, child in children.items():
            found = {"seconds": statistics.median(times[name]), "least": min(times[name]), "samples": len(times[name])}
            row["peers"][name] |= found | child.outputs()
    peak = statistics.median(peaks)
    row["limit"] = {"flops": peak, "seconds": work.flops / peak}
    return row


def in_time(times: dict[str, list[float]]) -> list[str]:
    """Those to go on with: who takes long, and ten times as long as the best, is measured once."""
    best = min((min(list_) for list_ in times.values() if list_), default=0.0)
    return [name for name, list_ in times.items() if not list_ or list_[0] < max(LONG, 10 * best)]


def written(folder: str, rows: list[Row], about: Row) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "train.json"), "w") as file:
        json.dump({"about": about, "rows": rows}, file, indent=1)
    lines = [f"{about['cpu']}, {about['date']}; {', '.join(about['versions'])}", "", line(COLUMNS)]
    lines += [line(["---"] * len(COLUMNS)), *(line(cells(row)) for row in rows)]
    lines += ["", *(f"- {verdict}" for verdict in bars.verdicts(rows, BARS))]
    with open(os.path.join(folder, "train.md"), "w") as file:
        file.write("\n".join(lines) + "\n")


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

    def is_wanted(name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    works = [work for work in WORKS if is_wanted(work.name)]
    hosts = [Host(PEERS[name]) for name in PEERS if name in names] if works else []
    about = {"date": time.strftime("%Y-%m-%d %H:%M"), "cpu": cpu(), "versions": [host.version for host in hosts]}
    machine, rows = Machine(), []
    print(line(COLUMNS), flush=True)

    def told(row: Row) -> None:
        rows.append(row)
        print("\n".join([line(cells(row)), *notes(row), *problems(row)]), flush=True)
        written(options.output, rows, about)

    try:
        for work in works:
            for threads in map(int, options.threads.split(",")):
                told(measured(hosts, work, threads, machine, options.quick))
    finally:
        for host in hosts:
            host.close()
    if is_wanted(PROCESS):
        told(process_row(names, options.quick))
    if is_wanted(COMMAND) and "maas" in names:
        told(command_row(options.quick))
    if is_wanted(RANKS) and "maas" in names:
        told(ranks_row(options.quick))
    print("\n".join(["", *bars.verdicts(rows, BARS)]))
    return 1 if any(problems(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
