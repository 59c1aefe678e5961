"""What the results must reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import report

Row = dict[str, Any]


class Bar(NamedTuple):
    """A number made of some rows' numbers, and its bound: at least `least`, or at most `most`."""

    what: str
    rows: Callable[[Row], bool]
    number: Callable[[Row], float | None]
    combine: Callable[[list[float]], float]
    least: float = -math.inf
    most: float = math.inf


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _group(name: str) -> Callable[[Row], bool]:
    return lambda row: row["group"] == name


def _named(start: str) -> Callable[[Row], bool]:
    return lambda row: row["work"].startswith(start)


def _products(group: str, threads: int) -> Callable[[Row], bool]:
    return lambda row: row["group"] == group and row["threads"] == threads


def _computes(row: Row) -> bool:
    """Whether a row of bytes has more to compute than to read."""
    return row["group"] == "int8" and not row["work"].endswith("batch 1")


def _ratio(row: Row) -> float | None:
    return report.ratio(row)


def _of_limit(row: Row) -> float | None:
    return report.of_limit(row)


def _of_bandwidth(row: Row) -> float | None:
    return report.of_bandwidth(row)


def _microseconds(row: Row) -> float | None:
    ours = report.number(row, "maas", "seconds")
    return ours * 1e6 if ours else None


def _beyond(row: Row) -> float | None:
    """Peak memory beyond packed weights, the arena, inputs and outputs, as a part of the first two, where they are not
    small. Tables that steps read where the file has them are weights, too."""
    keys = ("peak", "packed_bytes", "arena_bytes", "bound_bytes")
    peak, packed, arena, bound = (report.number(row, "maas", "memory", key) or 0 for key in keys)
    needed = max(packed, row.get("weight_bytes", 0)) + arena
    return (peak - bound - needed) / needed if peak and needed > 10e6 else None


BARS = (
    Bar("every row: least ratio", lambda row: True, _ratio, min, least=1),
    Bar("MLP: mean ratio", _group("MLP"), _ratio, geometric_mean, least=1.4),
    Bar("int8: mean ratio", _group("int8"), _ratio, geometric_mean, least=1.3),
    Bar("int8 that computes: least times the speed of floats", _computes, report.of_floats, min, least=2.5),
    Bar("int8 CNN: least ratio", _group("int8 CNN"), _ratio, min, least=1),
    Bar("int8 product, 1 thread: least part of the peak", _products("int8 product", 1), _of_limit, min, least=0.8),
    Bar("int8 product, 2 threads: least part of the peak", _products("int8 product", 2), _of_limit, min, least=0.8),
    Bar("mlp-4096-int8 batch 1: least part of the bandwidth", _named("mlp-4096-int8 batch 1"), _of_bandwidth, min,
        least=0.85),
    Bar("mlp-4096-int4 batch 1: least part of the bandwidth", _group("int4"), _of_bandwidth, min, least=0.85),
    Bar("mlp-4096-int8 batch 1: least times the speed of floats", _named("mlp-4096-int8"), report.of_floats, min,
        least=3.4),
    Bar("mlp-4096-int4 batch 1: least times the speed of floats", _group("int4"), report.of_floats, min, least=6),
    Bar("transformer: mean ratio", _group("transformer"), _ratio, geometric_mean, least=1.2),
    Bar("CNN: mean ratio", _group("CNN"), _ratio, geometric_mean, least=1.1),
    Bar("LSTM, trees: least ratio", _group("LSTM, trees"), _ratio, min, least=1.5),
    Bar("sgemm, 1 thread: least part of the peak", _products("sgemm", 1), _of_limit, min, least=0.88),
    Bar("sgemm, 2 threads: least part of the peak", _products("sgemm", 2), _of_limit, min, least=0.85),
    Bar("mlp-4096 batch 1: least part of the bandwidth", _named("mlp-4096 batch 1"), _of_bandwidth, min, least=0.9),
    Bar("3 nodes, bound, from C: µs", _named("3 nodes, bound, from C"), _microseconds, max, most=0.4),
    Bar("3 nodes, run() from Python: µs", _named("3 nodes, run"), _microseconds, max, most=2),
    Bar("3 nodes, run() from Python: least ratio", _named("3 nodes, run"), _ratio, min, least=3),
    Bar("parse 268 MB: µs", _group("parse"), _microseconds, max, most=1000),
    Bar("plan for a new shape, 5 nodes: µs", _named("plan, 5 nodes"), _microseconds, max, most=100),
    Bar("plan for a new shape, bert: µs", _named("plan, bert"), _microseconds, max, most=5000),
    Bar("a step of 1000: ns", _group("step"), lambda row: 1e3 * (_microseconds(row) or 0), max, most=50),
    Bar("fork and join: µs", _group("fork-join"), _microseconds, max, most=3),
    Bar("CPU time of resting threads in 50 ms: µs", _group("fork-join"),
        lambda row: 1e6 * (report.number(row, "maas", "idle") or 0), max, most=1),
    Bar("4 callers at once: times the throughput of one", _group("crowd"),
        lambda row: report.number(row, "maas", "times"), min, least=0.95),
    Bar("open 268 MB: ratio", _group("open"), _ratio, min, least=4),
    Bar("open 268 MB, compiled: µs", _group("compiled"), _microseconds, max, most=5000),
    Bar("4 sessions of 268 MB: times one's memory", _group("sessions"),
        lambda row: report.number(row, "maas", "times"), max, most=1.1),
    Bar("peak memory beyond packed weights and arena: greatest part", lambda row: True, _beyond, max, most=0.1),
)  # fmt: skip


def verdicts(rows: list[Row], bars: tuple[Bar, ...] = BARS) -> list[str]:
    """A line for each bar that has rows."""
    return [verdict for bar in bars if (verdict := _verdict(bar, rows))]


def _verdict(bar: Bar, rows: list[Row]) -> str:
    numbers = {_title(row): value for row in rows if bar.rows(row) and (value := bar.number(row)) is not None}
    if not numbers:
        return ""
    value = bar.combine(list(numbers.values()))
    where = next((f" ({name})" for name, number in numbers.items() if number == value and len(numbers) > 1), "")
    bound = f"at least {bar.least:g}" if bar.most == math.inf else f"at most {bar.most:g}"
    reached = "reached" if bar.least <= value <= bar.most else "missed "
    return f"{reached} {bar.what} {value:.2f}{where}, bar {bound}"


def _title(row: Row) -> str:
    return f"{row['work']}, {row['threads']} thr"
