"""Rows and bars, from made-up numbers."""

import xml.etree.ElementTree

import bars
import chart
import measure
import numpy as np
import pytest
import report
import tables

ABOUT = {"cpu": "2 x a CPU", "date": "a day", "versions": {"maas": "maas 1", "onnxruntime": "onnxruntime 2"}}


def row(work="mlp-10 batch 1", group="MLP", ours=1e-3, theirs=(2e-3, 4e-3), limit=5e-4, threads=1):
    peers = {"maas": {"seconds": ours, "load": {"answer": 0.01}, "memory": {"peak": 22e6, "packed_bytes": 19e6,
             "arena_bytes": 1e6}}}  # fmt: skip
    peers |= {name: {"seconds": seconds} for name, seconds in zip(report.PEERS, theirs)}
    return {"work": work, "group": group, "threads": threads, "peers": peers, "problems": [],
        "limit": {"seconds": limit}}


def test_ratio_is_the_best_peers():
    assert report.ratio(row()) == pytest.approx(2)
    assert report.ratio(row(theirs=())) is None


def test_ratio_is_of_rounds():
    """The machine was slow in some rounds, of which each peer had another number."""
    turns = {"maas": [1.0, 2.0, 2.0], "onnxruntime": [1.5, 3.0, 1.5], "openvino": [1.2, 2.4, 2.4]}
    found = row()
    for peer, seconds in turns.items():
        found["peers"].setdefault(peer, {})["turns"] = seconds
    assert report.ratio(found) == pytest.approx(1.2)


def test_part_of_the_limit_is_of_rounds():
    """The bandwidth of memory is another limit than that of what caches hold a part of."""
    found = row()
    found["peers"]["maas"]["turns"] = [1.0, 2.0, 2.0]
    found["limit"] |= {"turns": [0.5, 1.0, 3.0], "memory_turns": [0.9, 1.6, 1.8]}
    assert report.of_limit(found) == pytest.approx(0.5)
    assert report.of_bandwidth(found) == pytest.approx(0.9)
    assert report.of_limit(row()) == pytest.approx(0.5) and report.of_bandwidth(row()) is None


def test_cells():
    assert report.cells(row()) == [
        "mlp-10 batch 1", "1", "1.00 ms", "2.00 ms", "4.00 ms", "-", "2.00", "-", "50 %", "22.0", "-", "10.0", "-",
    ]  # fmt: skip


@pytest.mark.parametrize("seconds, text", [(1.234e-6, "1.23 µs"), (0.0123, "12.3 ms"), (1.5, "1500 ms"), (None, "-")])
def test_times(seconds, text):
    assert report.time(seconds) == text


def test_bars_are_reached_or_missed():
    rows = [row(), row("mlp-10 batch 8", ours=1e-3, theirs=(5e-4,))]
    verdicts = bars.verdicts(rows)
    assert "missed  every row: least ratio 0.50 (mlp-10 batch 8, 1 thr), bar at least 1" in verdicts
    assert "missed  MLP: mean ratio 1.00, bar at least 1.4" in verdicts
    assert "reached peak memory beyond packed weights and arena: greatest part 0.10, bar at most 0.1" in [
        verdict.replace(" (mlp-10 batch 1, 1 thr)", "") for verdict in verdicts
    ]
    assert bars.verdicts([row(ours=1e-3, theirs=(1.5e-3,))])[1].startswith("reached MLP: mean ratio 1.50")


def test_failures_are_told():
    failed = row() | {"problems": ["torch differs from onnxruntime by 1e+00"]}
    failed["peers"]["openvino"] = {"failed": "it died"}
    assert report.problems(failed) == [
        "  mlp-10 batch 1: openvino failed: it died", "  mlp-10 batch 1: torch differs from onnxruntime by 1e+00",
    ]  # fmt: skip


def test_differences_are_parts_of_the_largest_number():
    right = [np.array([100.0, 0.0])]
    assert measure.difference([np.array([100.0, 1.0])], right) == pytest.approx(0.01)
    assert measure.difference([np.array([100.0])], right) == float("inf")


def test_chart_is_xml_with_a_bar_for_each_row():
    image = xml.etree.ElementTree.fromstring(chart.svg([row(), row(work="a < b")], ABOUT))
    assert len(image.findall("{http://www.w3.org/2000/svg}rect")) == 1 + 2


def test_page_has_a_line_for_each_row():
    page = tables.page(ABOUT, [row(), row("other")])
    assert sum(line.startswith(("| mlp-10", "| other")) for line in page) == 2
