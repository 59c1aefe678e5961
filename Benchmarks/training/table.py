"""Rows of training as text."""

from __future__ import annotations

import math
import statistics
from typing import Any

from . import jax_peer, keras_peer, peers, torch_peer

KINDS = (
    peers.Maas, torch_peer.Torch, torch_peer.TorchCompile, jax_peer.Jax, keras_peer.Keras, keras_peer.KerasTensorFlow,
    peers.SciKitLearn,
)  # fmt: skip
PEERS = {kind.name: kind for kind in KINDS}
COLUMNS = ("work", "threads", *PEERS, "ratio", "peak", "quality")
Row = dict[str, Any]


def number(row: Row, peer: str, key: str = "seconds") -> float | None:
    value = row["peers"].get(peer, {}).get(key)
    return value if isinstance(value, (int, float)) else None


def ratio(row: Row, *names: str) -> float | None:
    """The time of the best peer, of these or of all, / maas's."""
    ours = number(row, "maas")
    wanted = names or [peer for peer in PEERS if peer != "maas"]
    theirs = [n for peer in wanted if (n := number(row, peer)) is not None]
    return min(theirs) / ours if ours and theirs else None


def of_peak(row: Row) -> float | None:
    """The time of the arithmetic at its peak / maas's; None where that is not known."""
    ours, limit = number(row, "maas"), row.get("limit", {}).get("seconds")
    return limit / ours if limit and ours else None


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    unit, scale = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3) if seconds < 1 else ("s", 1)
    return f"{seconds * scale:.3g} {unit}"


def cells(row: Row) -> list[str]:
    times, peak = ratio(row), of_peak(row)
    quality, loss = number(row, "maas", "accuracy"), number(row, "maas", "loss")
    return [
        row["work"], str(row["threads"]), *(duration(number(row, peer)) for peer in PEERS),
        "-" if times is None else f"{times:.2f}", "-" if peak is None else f"{100 * peak:.0f} %",
        f"{quality:.4f}" if quality is not None else "-" if loss is None else f"{loss:.3g}",
    ]  # fmt: skip


def line(columns: Any) -> str:
    return f"| {' | '.join(columns)} |"


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
