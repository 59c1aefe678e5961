"""Measures maas beside ONNX Runtime, OpenVINO and PyTorch on the same models and inputs.

Every runtime has a process of its own, and a burst of runs of each takes turns, many times over; the median of all runs
is told. A row is one work with so many threads:

  ratio    the best peer's time / maas's, the median of the rounds' ratios: above 1, maas is the fastest
  floats   for works of bytes: maas's time with the floats that they were made of / its time with bytes
  limit    how much of the machine's speed maas reaches: the time that the arithmetic takes at the peak of fused
           multiply-adds, or that reading memory of the weights' size takes, whichever is longer, as a part of
           maas's time; both are measured in the same run, the median of the rounds' parts
  MB       peak memory from before the model is opened to after the runs; mapped files count; and the best peer's
  load ms  from the path to the first answer, the file in the page cache; and the best peer's

Results also go to .build/bench: results.json, results.md and ratios.svg; last come the bars, reached or missed. Exits
with 1 when outputs disagree or a runtime fails.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import bars
import chart
import measure
import report
import special
import tables
from limits import Machine
from peers import PEERS, ROOT, MaasFloats
from works import WORKS
from workers import Host

FLOATS = MaasFloats.name
OUTPUT = os.path.join(ROOT, ".build", "bench")
#: Works that are much like others, for which a quick run has no time.
LEFT_OUT = (
    "mlp-* batch 8", "mlp-4096 batch [5-6]*", "*-dynamic *", "product-1024* batch 512", "product-4096*", "bert* seq 16", "trees-100 *",
    "forest-*",
)  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="short bursts, on two threads unless --threads says more, of a choice of works unless "
                             "--only names some: under three minutes in all")  # fmt: skip
    parser.add_argument("--only", action="append", metavar="PATTERN",
                        help="works whose name matches, e.g. 'bert*' or 'mlp-* batch 1'; "
                             "may be given again")  # fmt: skip
    parser.add_argument("--threads", metavar="LIST", type=counts, help="numbers of threads (default 1,2)")
    parser.add_argument("--peers", metavar="LIST", type=peers, default=list(report.PEERS),
                        help=f"runtimes to compare with (default all: {','.join(report.PEERS)})")  # fmt: skip
    parser.add_argument("--models", default=os.path.join(OUTPUT, "models"), metavar="DIR",
                        help="where models are, and are made when missing")  # fmt: skip
    parser.add_argument("--output", default=OUTPUT, metavar="DIR", help="where results go")
    parser.add_argument("--list", action="store_true", help="print the names of the works and stop")
    options = parser.parse_args()
    options.threads = options.threads or ([2] if options.quick else [1, 2])
    return options


def counts(text: str) -> list[int]:
    threads = [int(word) for word in text.split(",")]
    if min(threads) < 1:
        raise argparse.ArgumentTypeError("a number of threads is 1 or more")
    return threads


def peers(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := set(names) - set(report.PEERS):
        raise argparse.ArgumentTypeError(f"no runtime is named {' or '.join(unknown)}")
    return names


class Task(NamedTuple):
    """A row to be made."""

    name: str
    threads: int
    row: Callable[[list[Host], Machine], dict[str, Any]]
    of_bytes: bool = False


def tasks(options: argparse.Namespace) -> list[Task]:
    """The rows that were asked for; exits when there are none."""
    effort = measure.QUICK if options.quick else measure.FULL
    folder = options.models
    found = [Task(work.name, count, functools.partial(measure.row, folder, work, count, effort), work.of_bytes)
             for work in WORKS for count in options.threads]  # fmt: skip
    found += [Task(name, 1, functools.partial(make, folder, effort)) for name, make in special.SPECIAL.items()]
    patterns = options.only or ["*"]
    left_out = LEFT_OUT if options.quick and not options.only else ()
    found = [task for task in found if matches(task.name, patterns) and not matches(task.name, left_out)]
    if not found:
        print(f"bench: no row matches {' or '.join(patterns)}; --list prints their names", file=sys.stderr)
        sys.exit(2)
    return found


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def progress(text: str) -> None:
    """A line that the next one replaces, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def measured(todo: list[Task], hosts: list[Host], folder: str) -> list[dict[str, Any]]:
    machine, rows = Machine(), []
    print(report.HEADER)
    for number, task in enumerate(todo, 1):
        progress(f"{number}/{len(todo)} {task.name}, threads: {task.threads}")
        rows.append(task.row([host for host in hosts if task.of_bytes or host.peer != FLOATS], machine))
        progress("")
        print("\n".join([report.line(rows[-1]), *report.problems(rows[-1])]), flush=True)
        written(folder, rows, hosts)
    return rows


def written(folder: str, rows: list[dict[str, Any]], hosts: list[Host]) -> None:
    os.makedirs(folder, exist_ok=True)
    about = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "cpu": _cpu(), "system": platform.platform(),
        "versions": {host.peer: host.version for host in hosts if host.peer != FLOATS},
    }  # fmt: skip
    texts = {
        "results.json": json.dumps({"about": about, "rows": rows}, indent=1) + "\n",
        "results.md": "\n".join(tables.page(about, rows)) + "\n",
        "ratios.svg": chart.svg(rows, about),
    }
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


def _cpu() -> str:
    with open("/proc/cpuinfo") as file:
        names = {line.split(":", 1)[1].strip() for line in file if line.startswith("model name")}
    return f"{os.cpu_count()} x {' '.join(sorted(names)) or platform.machine()}"


def main() -> int:
    options, start = arguments(), time.perf_counter()
    todo = tasks(options)
    if options.list:
        print("\n".join(dict.fromkeys(task.name for task in todo)))
        return 0
    floats = [FLOATS] if any(task.of_bytes for task in todo) else []
    hosts = [Host(PEERS[peer]) for peer in ("maas", *floats, *options.peers)]
    try:
        print(", ".join(dict.fromkeys(host.version for host in hosts)))
        rows = measured(todo, hosts, options.output)
    finally:
        for host in hosts:
            host.close()
    print("\n".join(["", *bars.verdicts(rows)]))
    print(f"{len(rows)} rows in {time.perf_counter() - start:.0f} s")
    return 1 if any(report.problems(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
