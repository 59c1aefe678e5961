"""Rows as text."""

from __future__ import annotations

import statistics
from typing import Any

PEERS = ("onnxruntime", "openvino", "torch")

NAME, TITLES = 26, ("thr", "maas", *PEERS, "ratio", "floats", "limit", "MB maas", "best", "load ms", "best")
WIDTHS = (3, 9, 11, 9, 9, 6, 6, 6, 8, 6, 8, 7)
HEADER = " ".join(["work".ljust(NAME), *(title.rjust(width) for title, width in zip(TITLES, WIDTHS))])


def time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, scale = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3)
    value = seconds * scale
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def best(row: dict[str, Any], *keys: str) -> float | None:
    """The least of the peers' numbers."""
    numbers = [n for peer in PEERS if (n := number(row, peer, *keys)) is not None]
    return min(numbers, default=None)


def number(row: dict[str, Any], peer: str, *keys: str) -> float | None:
    value: Any = row["peers"].get(peer, {})
    for key in keys:
        value = value.get(key, {})
    return value if isinstance(value, (int, float)) else None


def ratio(row: dict[str, Any]) -> float | None:
    """The best peer's time / maas's, or memory where that is what a row compares.

    Of works that took turns it is the median of the rounds' ratios: a shared machine gets slower and faster between them,
    and medians of each runtime alone may tell of different minutes.
    """
    ours = row["peers"].get("maas", {}).get("turns")
    theirs = [turns for peer in PEERS if (turns := row["peers"].get(peer, {}).get("turns"))]
    if ours and theirs:
        return min(statistics.median(b / a for a, b in zip(ours, turns)) for turns in theirs)
    key = "times" if number(row, "maas", "times") else "seconds"
    ours, theirs = number(row, "maas", key), best(row, key)
    return theirs / ours if ours and theirs else None


def of_limit(row: dict[str, Any]) -> float | None:
    """The part of the machine's limit that maas reaches: of works that took turns the median of the rounds' parts."""
    if (part := _of_turns(row, "turns")) is not None:
        return part
    seconds = number(row, "maas", "seconds")
    return row["limit"]["seconds"] / seconds if seconds else None


def of_bandwidth(row: dict[str, Any]) -> float | None:
    """The same of what memory gives, whatever caches hold of the weights."""
    return _of_turns(row, "memory_turns")


def _of_turns(row: dict[str, Any], limit: str) -> float | None:
    ours, limits = row["peers"].get("maas", {}).get("turns"), row["limit"].get(limit)
    return statistics.median(least / own for least, own in zip(limits, ours)) if ours and limits else None


def of_floats(row: dict[str, Any]) -> float | None:
    """For works of bytes: maas's time with the floats they were made of / its time."""
    ours, floats = number(row, "maas", "seconds"), number(row, "maas-floats", "seconds")
    return floats / ours if ours and floats else None


def cells(row: dict[str, Any]) -> list[str]:
    """A row's columns."""
    return [
        row["work"],
        str(row["threads"]),
        *(_measured(row, peer) for peer in ("maas", *PEERS)),
        _scaled(ratio(row), 1, 2),
        _scaled(of_floats(row), 1, 2),
        _percent(of_limit(row)),
        _scaled(number(row, "maas", "memory", "peak"), 1e-6, 1),
        _scaled(best(row, "memory", "peak"), 1e-6, 1),
        _scaled(number(row, "maas", "load", "answer"), 1e3, 1),
        _scaled(best(row, "load", "answer"), 1e3, 1),
    ]


def _measured(row: dict[str, Any], peer: str) -> str:
    times = number(row, peer, "times")
    return time(number(row, peer, "seconds")) if times is None else f"{times:.2f} x"


def line(row: dict[str, Any]) -> str:
    name, *rest = cells(row)
    return " ".join([name.ljust(NAME), *(cell.rjust(width) for cell, width in zip(rest, WIDTHS))])


def problems(row: dict[str, Any]) -> list[str]:
    failed = [f"{name} failed: {peer['failed']}" for name, peer in row["peers"].items() if "failed" in peer]
    return [f"  {row['work']}: {problem}" for problem in failed + row["problems"]]


def _scaled(value: float | None, scale: float, digits: int) -> str:
    return "-" if value is None else f"{value * scale:.{digits}f}"


def _percent(part: float | None) -> str:
    return f"{100 * part:.0f} %" if part else "-"
