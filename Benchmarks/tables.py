"""Prints results as a Markdown page: tables.py RESULTS.json… (of several files, the last row of each work counts)."""

from __future__ import annotations

import json
import sys
from typing import Any

import bars
import report

COLUMNS = (
    "work", "threads", "maas", "onnxruntime", "openvino", "torch", "ratio", "floats / bytes", "of the limit",
    "MB, maas", "MB, best peer",
    "load ms, maas", "load ms, best peer",
)  # fmt: skip


def read(paths: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    about: dict[str, Any] = {}
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for path in paths:
        with open(path) as file:
            results = json.load(file)
        about |= results["about"]
        rows |= {(row["work"], row["threads"]): row for row in results["rows"]}
    return about, list(rows.values())


def page(about: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{about['cpu']}, {about['date']}; {', '.join(about['versions'].values())}", ""]
    lines += [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line(report.cells(row)) for row in rows]
    return [*lines, "", *(f"- {line}" for line in bars.verdicts(rows))]


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if not sys.argv[1:] or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__ if not sys.argv[1:] else print(__doc__))
    print("\n".join(page(*read(sys.argv[1:]))))
