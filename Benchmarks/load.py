"""Measures how fast a large model loads, maas and ONNX Runtime in turn: load.py [LIBMAAS [MODEL]]

Every measurement is a fresh process with the file in the page cache. `parse` is the way from the path to a checked
graph, `ready` to a session that takes runs, `answer` to the first result (batch 1), all from the start. ONNX Runtime
does not tell parsing apart. Run scripts/make-mlp.py first.
"""
import ctypes
import os
import statistics
import subprocess
import sys
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = os.path.join(ROOT, ".build", "release", "libmaas.so")
MODEL = os.path.join(ROOT, ".build", "models", "mlp-4096.onnx")
ROUNDS = 7


def clock(start):
    return (time.perf_counter() - start) * 1e3


def measure_maas(library, model, x):
    maas = ctypes.CDLL(library)
    maas.maas_error_message.restype = ctypes.c_char_p

    def call(name, *arguments):
        if getattr(maas, name)(*arguments):
            sys.exit(f"{name}: {maas.maas_error_message().decode()}")

    handle, session, tensor, output = (ctypes.c_void_p() for _ in range(4))
    shape = (ctypes.c_int64 * x.ndim)(*x.shape)
    call("maas_tensor_borrow", 1, shape, ctypes.c_size_t(x.ndim), x.ctypes.data_as(ctypes.c_void_p),
         ctypes.c_size_t(x.nbytes), None, None, ctypes.byref(tensor))
    start = time.perf_counter()
    call("maas_model_open", model.encode(), None, ctypes.byref(handle))
    parse = clock(start)
    call("maas_session_create", handle, None, ctypes.byref(session))
    ready = clock(start)
    call("maas_session_run", session, None, None, ctypes.byref(tensor), ctypes.c_size_t(1), None,
         ctypes.byref(output), ctypes.c_size_t(1))
    return parse, ready, clock(start)


def measure_onnxruntime(model, x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    ready = clock(start)
    session.run(None, {"x": x})
    return float("nan"), ready, clock(start)


def child(who, library, model):
    x = np.random.default_rng(0).standard_normal((1, 4096), np.float32)
    times = measure_maas(library, model, x) if who == "maas" else measure_onnxruntime(model, x)
    print(*times)


def main(library=LIBRARY, model=MODEL):
    with open(model, "rb") as file:
        while file.read(1 << 24):
            pass
    rows = {"maas": [], "onnxruntime": []}
    environment = dict(os.environ, ORT_DISABLE_TELEMETRY="1")
    for _ in range(ROUNDS):
        for who, times in rows.items():
            command = [sys.executable, __file__, "--child", who, library, model]
            line = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            times.append([float(word) for word in line.split()])
    print(f"{os.path.basename(model)}, {os.path.getsize(model)} bytes, median (min) of {ROUNDS} processes each, in ms")
    for who, times in rows.items():
        cells = (f"{statistics.median(column):9.3f} ({min(column):.3f})" for column in zip(*times))
        print(f"  {who:12}", *(f"{name} {cell}" for name, cell in zip(("parse", "ready", "answer"), cells)))
    maas, other = (statistics.median(t[1] for t in times) for times in rows.values())
    print(f"  maas is ready in {maas / other:.3f} of ONNX Runtime's time")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
