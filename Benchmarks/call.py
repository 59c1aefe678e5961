"""Measures what a call from Python costs, maas and ONNX Runtime in turn: call.py

Models of 3 and 5 nodes on 16 numbers, one thread, so that nearly all of the time is the way in and out. Once with one
array for all runs, once with ten in turn; all outputs are asked for.
"""
import os
import statistics
import sys
import time

import numpy as np
import onnx.parser

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
sys.path.insert(0, os.path.join(ROOT, "bindings", "python", "src"))

import maas  # noqa: E402
import onnxruntime  # noqa: E402

ROUNDS, RUNS = 60, 300
MODELS = {
    "3 nodes": """three (float[N, 16] x) => (float[N, 4] y)
        <float[16, 4] w = {%s}, float[4] b = {1, 2, 3, 4}>
        { a = MatMul(x, w) c = Add(a, b) y = Relu(c) }""" % ", ".join(["1"] * 64),
    "5 nodes": """five (float[N, 16] x) => (float[N, 16] y)
        { a = Relu(x) b = Add(a, x) c = Mul(b, a) d = Tanh(c) y = Sub(d, x) }""",
}  # fmt: skip


def session(library, model):
    options = library.SessionOptions()
    options.intra_op_num_threads = 1
    return library.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def microseconds(session, arrays):
    start = time.perf_counter()
    for _ in range(RUNS // len(arrays)):
        for array in arrays:
            session.run(None, {"x": array})
    return (time.perf_counter() - start) / RUNS * 1e6


def measure(name, text, count):
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]>\n{text}').SerializeToString()
    arrays = [np.full((1, 16), i, np.float32) for i in range(count)]
    sessions = [session(library, model) for library in (maas, onnxruntime)]
    rounds = [[microseconds(session, arrays) for session in sessions] for _ in range(ROUNDS)]
    (ours, theirs), (least, their_least) = (tuple(f(column) for column in zip(*rounds)) for f in (statistics.median, min))
    print(f"{name}, {count:2} arrays: maas {ours:.2f} ({least:.2f}), ONNX Runtime {theirs:.2f} ({their_least:.2f}), "
          f"ratio {ours / theirs:.2f} ({least / their_least:.2f})")  # fmt: skip


if __name__ == "__main__":
    print(f"microseconds per run, median (min) of {ROUNDS} rounds of {RUNS} runs")
    for name, text in MODELS.items():
        for count in (1, 10):
            measure(name, text, count)
