#!/usr/bin/env python3
"""Writes Sources/MaasOps/Text/ScriptRanges.swift: the scalars of Unicode's scripts, for `\\p{Greek}` and its like.

    script-ranges.py NAMES

Swift and Python do not say what script a scalar is of; RE2 does, whose syntax the regular expressions have, so ONNX
Runtime is asked. NAMES is a file with the names of scripts, such as PropertyValueAliases.txt of Unicode's database;
words that RE2 does not know as names are passed over.
"""

import pathlib
import re
import sys
import textwrap

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

FILE = pathlib.Path(__file__).resolve().parent.parent / "Sources/MaasOps/Text/ScriptRanges.swift"
SCALARS = np.array([chr(i) if not 0xD800 <= i < 0xE000 else "" for i in range(0x110000)], object)
HEAD = '''/// The scalars of Unicode's scripts, by RE2's names for them: scripts/script-ranges.py writes this file.

/// A line for each script: its name, and its ranges, ascending.
let scriptTable = """
'''


def matches(name):
    """Whether each scalar is of the script; None where there is none of this name."""
    graph = helper.make_graph(
        [helper.make_node("RegexFullMatch", ["x"], ["y"], pattern=rf"\p{{{name}}}")], "g",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [None])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, [None])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    try:
        return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": SCALARS})[0]
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        return None


def line(name, flags):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]]))).reshape(-1, 2)
    ranges = [f"{low:x}" if low + 1 == end else f"{low:x}-{end - 1:x}" for low, end in edges]
    return " \\\n  ".join(textwrap.wrap(f"{name} {' '.join(ranges)}", 104, break_on_hyphens=False))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    onnxruntime.set_default_logger_severity(4)
    words = set(re.findall(r"\b[A-Z][A-Za-z_]+\b", pathlib.Path(sys.argv[1]).read_text())) - {"Any"}
    found = [(name, flags) for name in sorted(words) if (flags := matches(name)) is not None]
    FILE.write_text(HEAD + "".join(f"  {line(*row)}\n" for row in found) + '  """\n')


main()
