"""Makes small models and what ONNX Runtime answers: make.py FOLDER

Each model becomes a folder of the same make as those with real models: model.onnx, case<k>_inputs.npz and
case<k>_outputs.npz. golden.py runs both kinds.
"""
import os
import shutil
import sys

import numpy as np
import onnx
import onnx.parser
import onnxruntime
from onnx import numpy_helper

from models import MODELS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build(name, opset, text, weights, rng):
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]>\n{name} {text}')
    for weight, shape in weights.items():
        array = rng.standard_normal(shape).astype(np.float32) if isinstance(shape, tuple) else np.array(shape)
        model.graph.initializer.append(numpy_helper.from_array(array, weight))
    onnx.checker.check_model(model, full_check=True)
    return model


def random_input(value, rng, dims):
    """Values for one input; `dims` has the sizes of symbolic dims, and the value of an input that must not be
    random."""
    kind = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    if value.name in dims:
        return np.array(dims[value.name], dtype)
    shape = [dims[d.dim_param] if d.dim_param else d.dim_value for d in kind.shape.dim]
    if dtype == np.bool_:
        return np.asarray(rng.random(shape) < 0.5)
    if np.issubdtype(dtype, np.integer):
        return np.asarray(rng.integers(-3, 4, shape), dtype)
    return np.asarray(rng.standard_normal(shape), dtype)


def save(folder, model, feeds):
    os.makedirs(folder)
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for k, feed in enumerate(feeds):
        np.savez(os.path.join(folder, f"case{k}_inputs.npz"), **feed)
        np.savez(os.path.join(folder, f"case{k}_outputs.npz"), **dict(zip(names, session.run(None, feed))))


def save_digits(folder):
    images = np.load(os.path.join(ROOT, "examples", "digits", "images", "all.npy"))
    model = onnx.load(os.path.join(ROOT, "examples", "digits", "digits.onnx"))
    save(folder, model, [{"image": images[:1]}, {"image": images}, {"image": np.concatenate([images] * 5)[:37]}])


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    save_digits(os.path.join(folder, "digits"))
    for name, opset, text, weights, cases in MODELS:
        rng = np.random.default_rng(0)
        model = build(name, opset, text, weights, rng)
        feeds = [{v.name: random_input(v, rng, dims) for v in model.graph.input} for dims in cases]
        save(os.path.join(folder, name), model, feeds)
    print(f"{len(MODELS) + 1} models in {folder}")


if __name__ == "__main__":
    main(sys.argv[1])
