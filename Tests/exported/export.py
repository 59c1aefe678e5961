#!/usr/bin/env python3
"""Exports architectures with random weights: export.py FOLDER [NAME…].

FOLDER gets a folder for each architecture and exporter with model.onnx and the inputs of its cases, inputs0.npz, …;
what is newer than these scripts is kept. check.py compares. Needs requirements.txt beside it.
"""
import contextlib
import io
import logging
import pathlib
import sys
import time
import traceback
import warnings

import numpy as np
import onnx
import torch

import classical
import keras_models
import language
import sequence
import vision
from architecture import ready

ARCHITECTURES = sequence.ARCHITECTURES + vision.ARCHITECTURES + language.ARCHITECTURES
OPSETS = {"torchscript": 17, "dynamo": 20}
scripts = max(path.stat().st_mtime for path in pathlib.Path(__file__).parent.glob("*.py"))


def export_torch(architecture, exporter, path):
    torch.manual_seed(11)
    module = ready(architecture.module())
    cases = [architecture.inputs(*size) for size in architecture.sizes]
    example = cases[-1]
    axes = {} if exporter in architecture.fixed else architecture.axes
    options = {"dynamic_axes": axes}
    if exporter == "dynamo":
        options = {
            "dynamic_shapes": tuple(dict.fromkeys(axes.get(name, {}), torch.export.Dim.DYNAMIC) for name in example)}
    with torch.no_grad():
        torch.onnx.export(
            module, tuple(example.values()), str(path), input_names=list(example), output_names=architecture.outputs,
            opset_version=OPSETS[exporter], dynamo=exporter == "dynamo", external_data=False, verbose=False, **options
        )  # fmt: skip
    cases = cases if axes else [example]
    return [{name: value.numpy() for name, value in case.items()} for case in cases]


def export_sklearn(name, path):
    model, random = classical.MODELS[name], np.random.default_rng(3)
    onnx.save(model.export(random), path)
    return [model.inputs(random, size) for size in classical.SIZES]


def export_keras(name, path):
    torch.manual_seed(11)
    model, random = keras_models.export(name, path), np.random.default_rng(3)
    (given,) = onnx.load(path).graph.input
    return [{given.name: keras_models.inputs(model, random, batch)} for batch in (1, 5)]


def exports():
    """(name, exporter, function that writes the model to a path and gives its inputs)."""
    for a in ARCHITECTURES:
        for exporter in OPSETS:
            yield a.name, exporter, lambda path, a=a, e=exporter: export_torch(a, e, path)
    for name in classical.MODELS:
        yield name, "skl2onnx", lambda path, name=name: export_sklearn(name, path)
    for name in keras_models.MODELS:
        yield name, "keras", lambda path, name=name: export_keras(name, path)


def write(folder, function):
    model = folder / "model.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cases = function(model)
    for i, case in enumerate(cases):
        np.savez(folder / f"inputs{i}.npz", **case)
    (folder / "done").touch()


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.backends.mha.set_fastpath_enabled(False)
    root, names, failed = pathlib.Path(sys.argv[1]), sys.argv[2:], 0
    for name, exporter, function in exports():
        done = root / f"{name}.{exporter}" / "done"
        if names and name not in names or done.exists() and done.stat().st_mtime > scripts:
            continue
        start = time.monotonic()
        try:
            write(done.parent, function)
            print(f"{name}.{exporter}: {time.monotonic() - start:.1f} s", flush=True)
        except Exception as error:
            failed += 1
            traceback.print_exc(file=open(done.parent / "error.txt", "w"))
            print(f"{name}.{exporter}: {type(error).__name__}: {str(error)[:300]}", flush=True)
    return failed > 0


sys.exit(main())
