"""Measures maas beside ONNX Runtime, OpenVINO and PyTorch on the same models and inputs.

Every runtime has a process of its own, and a burst of runs of each takes turns, many times over; the median of all runs
is told. A row is one work with so many threads:

  ratio    the best peer's time / maas's: above 1, maas is the fastest
  limit    how much of the machine's speed maas reaches: the time that the arithmetic takes at the peak of fused
           multiply-adds, or that reading the weights takes when no cache holds them, both measured in the same run,
           as a part of maas's time
  MB       peak memory from before the model is opened to after the runs; mapped files count; and the best peer's
  load ms  from the path to the first answer, the file in the page cache; and the best peer's

Results also go to .build/bench/results.json and ratios.svg. Exits with 1 when outputs disagree or a runtime fails.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import sys
import time
from typing import Any

import chart
import measure
import report
from limits import Machine
from peers import PEERS, ROOT
from works import WORKS, Work
from workers import Host

OUTPUT = os.path.join(ROOT, ".build", "bench")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="short bursts, under three minutes in all")
    parser.add_argument("--only", action="append", metavar="PATTERN",
                        help="works whose name matches, e.g. 'bert*' or 'mlp-* batch 1'; may be given again")  # fmt: skip
    parser.add_argument("--threads", default="1,2", metavar="LIST", help="numbers of threads (default 1,2)")
    parser.add_argument("--peers", default=",".join(list(PEERS)[1:]), metavar="LIST",
                        help="runtimes to compare with (default all: %(default)s)")  # fmt: skip
    parser.add_argument("--models", default=os.path.join(OUTPUT, "models"), metavar="DIR",
                        help="where models are, and are made when missing")  # fmt: skip
    parser.add_argument("--output", default=OUTPUT, metavar="DIR", help="where results go")
    parser.add_argument("--list", action="store_true", help="print the names of the works and stop")
    return parser.parse_args()


def chosen(patterns: list[str] | None) -> list[Work]:
    works = [w for w in WORKS if not patterns or any(fnmatch.fnmatch(w.name, p) for p in patterns)]
    if not works:
        sys.exit(f"bench: no work matches {' or '.join(patterns or [])}; --list prints their names")
    return works


def progress(text: str) -> None:
    """A line that the next one replaces, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def measured(works: list[Work], options: argparse.Namespace, hosts: list[Host]) -> list[dict[str, Any]]:
    machine, rows = Machine(), []
    effort = measure.QUICK if options.quick else measure.FULL
    threads = [int(word) for word in options.threads.split(",")]
    print(report.HEADER)
    for number, (work, count) in enumerate((w, t) for w in works for t in threads):
        progress(f"{number + 1}/{len(works) * len(threads)} {work.name}, {count} threads")
        row = measure.row(hosts, machine, options.models, work, count, effort)
        rows.append(row)
        progress("")
        print("\n".join([report.line(row), *report.problems(row)]), flush=True)
    return rows


def written(folder: str, rows: list[dict[str, Any]], hosts: list[Host]) -> None:
    os.makedirs(folder, exist_ok=True)
    about = {
        "date": time.strftime("%Y-%m-%d %H:%M"), "cpu": _cpu(), "system": platform.platform(),
        "versions": {host.peer: host.version for host in hosts},
    }  # fmt: skip
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump({"about": about, "rows": rows}, file, indent=1)
    with open(os.path.join(folder, "ratios.svg"), "w") as file:
        file.write(chart.svg(rows, about))


def _cpu() -> str:
    with open("/proc/cpuinfo") as file:
        names = {line.split(":", 1)[1].strip() for line in file if line.startswith("model name")}
    return f"{os.cpu_count()} x {' '.join(sorted(names)) or platform.machine()}"


def main() -> int:
    options = arguments()
    works = chosen(options.only)
    if options.list:
        print("\n".join(work.name for work in works))
        return 0
    hosts = [Host(peer) for peer in ("maas", *filter(None, options.peers.split(",")))]
    try:
        print(", ".join(host.version for host in hosts))
        rows = measured(works, options, hosts)
    finally:
        for host in hosts:
            host.close()
    print("\n".join(["", *report.summary(rows)]))
    written(options.output, rows, hosts)
    return 1 if any(report.problems(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
