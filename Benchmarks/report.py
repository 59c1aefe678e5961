"""What the benchmarks print: a line for each row, then the groups and what they must reach."""

from __future__ import annotations

import math
from typing import Any

PEERS = ("onnxruntime", "openvino", "torch")

#: The least geometric mean of a group's ratios, best peer's time / maas's.
BARS = {"MLP": 1.4, "transformer": 1.2, "CNN": 1.1, "LSTM, trees": 1.5, "call": 3.0}

HEADER = (
    f"{'work':26} thr {'maas':>9} {'onnxruntime':>11} {'openvino':>9} {'torch':>9} {'ratio':>6} {'limit':>6}"
    f" {'MB maas':>8} {'best':>6} {'load ms':>8} {'best':>7}"
)


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
    """The best peer's time / maas's."""
    ours, theirs = number(row, "maas", "seconds"), best(row, "seconds")
    return theirs / ours if ours and theirs else None


def line(row: dict[str, Any]) -> str:
    ours = number(row, "maas", "seconds")
    limit = row["limit"]["seconds"]
    cells = [
        f"{row['work']:26} {row['threads']:3} {time(ours):>9} {time(number(row, 'onnxruntime', 'seconds')):>11}",
        f"{time(number(row, 'openvino', 'seconds')):>9} {time(number(row, 'torch', 'seconds')):>9}",
        f"{_rounded(ratio(row), 2):>6} {_percent(limit, ours):>6}",
        f"{_scaled(row, 'maas', 1e-6, 'memory', 'peak'):>8} {_rounded(_times(best(row, 'memory', 'peak'), 1e-6), 1):>6}",
        f"{_scaled(row, 'maas', 1e3, 'load', 'answer'):>8} {_rounded(_times(best(row, 'load', 'answer'), 1e3), 1):>7}",
    ]
    return " ".join(cells)


def problems(row: dict[str, Any]) -> list[str]:
    failed = [f"{name} failed: {peer['failed']}" for name, peer in row["peers"].items() if "failed" in peer]
    return [f"  {row['work']}: {problem}" for problem in failed + row["problems"]]


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _scaled(row: dict[str, Any], peer: str, scale: float, *keys: str) -> str:
    return _rounded(_times(number(row, peer, *keys), scale), 1)


def _rounded(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(least: float, seconds: float | None) -> str:
    return f"{100 * least / seconds:.0f} %" if least and seconds else "-"


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each group: the geometric mean of its ratios, its worst row, and its bar."""
    groups: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        if (value := ratio(row)) is not None:
            groups.setdefault(row["group"], []).append((value, f"{row['work']}, {row['threads']} thr"))
    return [_group(name, values) for name, values in groups.items()]


def _group(name: str, values: list[tuple[float, str]]) -> str:
    mean = math.exp(sum(math.log(value) for value, _ in values) / len(values))
    least, where = min(values)
    below = sum(value < 1 for value, _ in values)
    bar = BARS.get(name)
    verdict = "" if bar is None else f", bar {bar}: {'reached' if mean >= bar else 'missed'}"
    return f"{name}: mean ratio {mean:.2f}{verdict}; {below} of {len(values)} rows below 1; least {least:.2f} ({where})"
