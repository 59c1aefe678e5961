"""What ONNX Runtime makes of a model: run_model.py MODEL ROWS VOCABULARY; numbers, one a line.

The input is the tests' `pattern`; with a vocabulary it is indices.
"""
import sys

import numpy as np
import onnx
import onnxruntime

path, rows, vocabulary = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
onnx.checker.check_model(onnx.load(path), full_check=True)
session = onnxruntime.InferenceSession(path)
shape = [rows] + session.get_inputs()[0].shape[1:]
count = int(np.prod(shape))
if vocabulary:
    x = np.array([i * 7 % vocabulary for i in range(count)], np.int64)
else:
    x = np.array([(i * 17 + 3) % 97 / 97 - 0.5 for i in range(count)], np.float32)
for value in session.run(None, {session.get_inputs()[0].name: x.reshape(shape)})[0].ravel():
    print(repr(float(value)))
