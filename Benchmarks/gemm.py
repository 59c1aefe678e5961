"""Measures one matrix product in maas and ONNX Runtime against the machine's peak: gemm.py [M N K]

Peak, maas and ONNX Runtime take turns; the median of each is printed, for one and two threads. maas is the release
library of this tree (or MAAS_LIBRARY), called through a binding.
"""
import os
import statistics
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import peak

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "bindings", "python", "src"))
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import maas  # noqa: E402
import onnxruntime  # noqa: E402

ROUNDS, REPEATS = 25, 4


def product(m, n, k):
    weight = np.random.default_rng(0).standard_normal((k, n), np.float32)
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "product", [value("x", m, k)], [value("y", m, n)],
        [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    return model.SerializeToString()


def runner_of_maas(model, x, threads):
    binding = maas.Session(model, threads=threads).bind()
    binding.set_input("x", x)
    return binding.run, lambda: binding.output("y").numpy()


def runner_of_onnxruntime(model, x, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x}), lambda: session.run(None, {"x": x})[0]


def seconds(run):
    """The time of one run, after a pause in which the threads of who was measured before stop spinning."""
    time.sleep(0.05)
    run()
    start = time.perf_counter()
    for _ in range(REPEATS):
        run()
    return (time.perf_counter() - start) / REPEATS


def measure(m, n, k, threads):
    model, x = product(m, n, k), np.random.default_rng(1).standard_normal((m, k), np.float32)
    runners = {"maas": runner_of_maas(model, x, threads), "onnxruntime": runner_of_onnxruntime(model, x, threads)}
    for run, _ in runners.values():
        run()
    answers = [answer() for _, answer in runners.values()]
    assert np.allclose(*answers, 1e-3, 1e-3), "the answers differ"
    rows = {"peak": [], **{name: [] for name in runners}}
    for _ in range(ROUNDS):
        time.sleep(0.05)
        rows["peak"].append(peak.flops(threads, 0.02))
        for name, (run, _) in runners.items():
            rows[name].append(2 * m * n * k / seconds(run))
    return {name: statistics.median(values) for name, values in rows.items()}


def main(m=512, n=1024, k=1024):
    results = {threads: measure(m, n, k, threads) for threads in (1, 2)}
    print(f"m={m} n={n} k={k}, {ROUNDS} rounds, medians, GFLOP/s (fraction of the peak)")
    for threads, row in results.items():
        cells = (f"{name} {value / 1e9:.1f} ({value / row['peak']:.2f})" for name, value in row.items())
        print(f"  {threads} threads: {', '.join(cells)}")
    gain = {name: results[2][name] / results[1][name] for name in results[1]}
    print("  second thread: " + ", ".join(f"{name} x{value:.2f}" for name, value in gain.items()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
