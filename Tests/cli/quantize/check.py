"""Checks what maas-model quantize wrote: check.py IN OUT REPORT.json LEAST_DB INPUTS.npz

ONNX's checker takes the model; ONNX Runtime (see saturation.py) and maas-run give the same for every sample; and the
report's error is the one that ONNX Runtime's outputs have."""
import json
import os
import subprocess
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy as np
import onnx

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../models"))
from saturation import session

before, after, report, least, data = sys.argv[1:]
onnx.checker.check_model(after, full_check=True)
sessions = [session(path) for path in (before, after)]
graph = onnx.load(before).graph
outputs = [o.name for o in graph.output if o.type.tensor_type.elem_type == onnx.TensorProto.FLOAT]
samples = dict(np.load(data))
rank = len(graph.input[0].type.tensor_type.shape.dim)
sums = {name: [0.0, 0.0] for name in outputs}
for i in range(len(next(iter(samples.values())))):
    feeds = {k: v[i] if v.ndim == rank + 1 else v[i : i + 1] for k, v in samples.items()}
    exact, there = (session.run(outputs, feeds) for session in sessions)
    np.savez("feeds.npz", **feeds)
    subprocess.run(["maas-run", "-q", after, "feeds.npz", "-o", "results.npz"], check=True)
    results = np.load("results.npz")
    for name, a, b in zip(outputs, exact, there):
        sums[name][0] += float((a.astype(float) ** 2).sum())
        sums[name][1] += float(((a.astype(float) - b) ** 2).sum())
        here = results[name]
        # Where bytes are rounded differently by the last bit of a float, a whole step of a byte is between results.
        difference = np.sqrt(((b - here) ** 2).mean() / (b**2).mean())
        assert difference < 2e-2, (after, i, name, difference)
found = min(10 * np.log10(signal / max(error, 1e-300)) for signal, error in sums.values())
assert found >= float(least), (after, found)
told = json.load(open(report))
if told["sqnr_db"] is not None:
    assert abs(told["sqnr_db"] - found) < 1.5, (after, told["sqnr_db"], found)
for layer in told["layers"]:
    # Without samples there is nothing to run a layer with.
    times = layer["us_before"], layer["us_after"]
    timed = all(times) and min(times) > 0 if told["samples"] else times == (None, None)
    assert timed or not layer["shape"], (after, layer)
# Of a small model the new nodes take more than the weights give.
assert min(os.path.getsize(before), 10_000) < 10_000 or os.path.getsize(after) < os.path.getsize(before)
