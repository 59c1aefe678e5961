"""Compares the shapes that `maas-model inspect` gives with those of the arrays that onnxruntime computes: with symbols,
put to numbers here, and with --shape."""

import json
import math
import subprocess
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
from models import MODELS


def inspect(path, *options):
    done = subprocess.run(["maas-model", "inspect", "--json", *options, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def number(dim, sizes):
    """The value of an expression such as `2*floor((n + 1)/2)`."""
    names = {name: Fraction(size) for name, size in sizes.items()}
    return int(eval(str(dim), {"floor": math.floor, "min": min, "__builtins__": {}}, names))  # noqa: S307


def computed(model, feeds):
    """The shape of every value that a node makes, from a run that gives them all."""
    names = [o for node in model.graph.node for o in node.output]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in feeds.items()}
    return {name: list(array.shape) for name, array in zip(names, session.run(names, arrays))}


for name, make in MODELS.items():
    model, sizes, feeds = make()
    path = f"{name}.onnx"
    onnx.save(model, path)
    symbolic = inspect(path)["values"]
    concrete = inspect(path, *(f"--shape={symbol}={size}" for symbol, size in sizes.items()))["values"]
    expected = computed(model, feeds)
    assert {v["name"] for v in symbolic} == set(expected)
    for value, fixed in zip(symbolic, concrete):
        assert value["complete"], (name, value)
        found = [number(dim, sizes) for dim in value["shape"]]
        assert found == expected[value["name"]], (name, value, expected[value["name"]])
        assert fixed["shape"] == expected[fixed["name"]], (name, fixed, expected[fixed["name"]])
    print(f"{name}: {len(expected)} shapes")
