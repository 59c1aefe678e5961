"""check.py ORIGINAL WRITTEN…: the written models are sound and give the original's results in ONNX Runtime."""
import os
import sys

import numpy as np
import onnx

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime


def run(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    feed = {
        x.name: random.standard_normal([size if isinstance(size, int) else 3 for size in x.shape]).astype(np.float32)
        for x in session.get_inputs()
    }
    return [x.name for x in session.get_outputs()], session.run(None, feed)


names, expected = run(sys.argv[1])
symbols = [value.type.tensor_type.shape for value in onnx.load(sys.argv[1]).graph.input]
for path in sys.argv[2:]:
    onnx.checker.check_model(path, full_check=True)
    found_names, found = run(path)
    assert found_names == names
    assert [value.type.tensor_type.shape for value in onnx.load(path).graph.input] == symbols
    for x, y in zip(expected, found):
        np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-5)
    nodes = [node.op_type for node in onnx.load(path, load_external_data=False).graph.node]
    print(os.path.basename(path), *nodes)
