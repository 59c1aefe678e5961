"""Measures one matrix product in maas and ONNX Runtime against the machine's peak: gemm.py [M N K]

Peak, maas and ONNX Runtime take turns on one thread; the median of each is printed. What a second thread brings is
measured in a process for each runtime, one and two threads taking turns, because the threads of an idle runtime go on
spinning for a while. maas is the release library of this tree (or MAAS_LIBRARY), called through a binding.
"""
import multiprocessing
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


RUNNERS = {"maas": runner_of_maas, "onnxruntime": runner_of_onnxruntime}


def seconds(run):
    """The time of one run, after a pause in which the threads of who was measured before come to rest."""
    time.sleep(0.05)
    run()
    start = time.perf_counter()
    for _ in range(REPEATS):
        run()
    return (time.perf_counter() - start) / REPEATS


def operands(m, n, k):
    return product(m, n, k), np.random.default_rng(1).standard_normal((m, k), np.float32)


def medians(flops_of):
    """The median of each of the named functions, which take turns."""
    rows = {name: [] for name in flops_of}
    for _ in range(ROUNDS):
        for name, flops in flops_of.items():
            rows[name].append(flops())
    return {name: statistics.median(values) for name, values in rows.items()}


def one_thread(m, n, k):
    runners = {name: make(*operands(m, n, k), 1) for name, make in RUNNERS.items()}
    for run, _ in runners.values():
        run()
    assert np.allclose(*(answer() for _, answer in runners.values()), 1e-3, 1e-3), "the answers differ"
    work = 2 * m * n * k
    return medians(
        {"peak": lambda: peak.flops(1, 0.02)}
        | {name: lambda run=run: work / seconds(run) for name, (run, _) in runners.items()})


def one_and_two_threads(name, m, n, k):
    if name == "peak":
        return medians({threads: lambda threads=threads: peak.flops(threads, 0.02) for threads in (1, 2)})
    runs = {threads: RUNNERS[name](*operands(m, n, k), threads)[0] for threads in (1, 2)}
    return medians({threads: lambda run=run: 2 * m * n * k / seconds(run) for threads, run in runs.items()})


def apart(function, *arguments):
    """The function's result, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(function, arguments)


def main(m=512, n=1024, k=1024):
    row = apart(one_thread, m, n, k)
    print(f"m={m} n={n} k={k}, {ROUNDS} rounds, medians, GFLOP/s")
    print("  1 thread: " + ", ".join(f"{name} {value / 1e9:.1f} ({value / row['peak']:.2f} of the peak)"
                                      for name, value in row.items()))
    for name in ("peak", *RUNNERS):
        row = apart(one_and_two_threads, name, m, n, k)
        print(f"  second thread, {name} alone: {row[1] / 1e9:.1f} -> {row[2] / 1e9:.1f}, x{row[2] / row[1]:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
