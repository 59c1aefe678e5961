"""Draws ratios as an SVG image."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import report

ROW, LEFT, WIDTH, TOP = 16, 250, 560, 54
#: Ratios from 1/LOWEST to MOST are told apart; others end at the border.
LOWEST, MOST = 1 / 4, 16


def _x(ratio: float) -> float:
    """A ratio's place on a logarithmic scale."""
    part = math.log(max(LOWEST, min(MOST, ratio)) / LOWEST) / math.log(MOST / LOWEST)
    return LEFT + part * WIDTH


def svg(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """Bars from 1 to each row's ratio, best peer's time / maas's: to the right maas is faster."""
    shown = [(row, value) for row in rows if (value := report.ratio(row)) is not None]
    height = TOP + ROW * len(shown) + 20
    title = f"best peer's time / maas's, {about['cpu']}, {', '.join(about['versions'].values())}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18">{escape(title)}</text>',
        *(_grid(value, height) for value in (0.25, 0.5, 1, 2, 4, 8, 16)),
        *(_bar(i, row, value) for i, (row, value) in enumerate(shown)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(value: float, height: int) -> str:
    x, colour = _x(value), "#444" if value == 1 else "#ddd"
    return (f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 12}" stroke="{colour}"/>'
            f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{value:g}</text>')  # fmt: skip


def _bar(index: int, row: dict[str, Any], ratio: float) -> str:
    y, x, one = TOP + ROW * index, _x(ratio), _x(1)
    colour = "#2a7f62" if ratio >= 1 else "#c0492b"
    name = f"{row['work']}, {row['threads']} thr"
    return (f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{min(x, one):.1f}" y="{y + 2}" width="{abs(x - one):.1f}" height="{ROW - 4}" fill="{colour}"/>'
            f'<text x="{max(x, one) + 4:.1f}" y="{y + 11}">{ratio:.2f}</text>')  # fmt: skip
