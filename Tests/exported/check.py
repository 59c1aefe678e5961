#!/usr/bin/env python3
"""Compares maas with ONNX Runtime on what export.py wrote: check.py FOLDER [NAME…].

Every case is run by both; floats must agree within RTOL and ATOL, all else must be equal. Ends with
"N passed, N failed"; a model that needs operators that maas does not have yet counts as failed.
"""
import pathlib
import sys

import maas
import numpy as np
import onnxruntime

RTOL, ATOL = 1e-3, 1e-4


def difference(found, expected):
    """What is not as expected, or None, and the largest difference of floats, relative to the largest value."""
    if isinstance(expected, dict):
        found, expected = [[*d.keys(), *d.values()] for d in (found, expected)]
    if isinstance(expected, list):
        return differences(found, expected)
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}", 0.0
    if expected.dtype.kind not in "fc":
        return (None if found.tolist() == expected.tolist() else "values differ"), 0.0
    if found.dtype != expected.dtype:
        return f"dtype {found.dtype}, expected {expected.dtype}", 0.0
    worst = float(np.max(np.abs(found - expected), initial=0) / np.max(np.abs(expected), initial=1e-30))
    return (None if np.allclose(found, expected, RTOL, ATOL, equal_nan=True) else "values differ"), worst


def differences(found, expected):
    if len(found) != len(expected):
        return f"{len(found)} values, expected {len(expected)}", 0.0
    pairs = [difference(f, e) for f, e in zip(found, expected)]
    return next((text for text, _ in pairs if text), None), max((worst for _, worst in pairs), default=0.0)


def check(folder):
    """The largest difference over the cases and their number, as a text; fails with what is wrong."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    path, worst = str(folder / "model.onnx"), 0.0
    reference, session = onnxruntime.InferenceSession(path, options), maas.Session(path)
    cases = sorted(folder.glob("inputs*.npz"))
    for case in cases:
        with np.load(case) as arrays:
            inputs = dict(arrays)
        text, far = differences(session.run(None, inputs), reference.run(None, inputs))
        if text:
            raise ValueError(f"{case.name}: {text}, {far:.2g} of the largest value apart")
        worst = max(worst, far)
    return f"{worst:.2g} in {len(cases)} cases"


def main():
    root, names, passed, failed = pathlib.Path(sys.argv[1]), sys.argv[2:], 0, 0
    for done in sorted(root.glob("*/done")):
        name = done.parent.name
        if names and name.rsplit(".", 1)[0] not in names:
            continue
        try:
            print(f"ok    {name}: {check(done.parent)}")
            passed += 1
        except Exception as error:
            print(f"FAIL  {name}: {' '.join(str(error).split())[:400]}")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
