"""Runs every case of the model folders given on the command line with 1, 2 and 5 threads; prints what is wrong.

MAAS_ISA chooses the kernels once per process, so there is a process for each tier.
"""

import sys
from pathlib import Path

import maas
import numpy as np
from conftest import golden_cases

RTOL, ATOL = 1e-3, 1e-5


def faults(folder):
    first = {}
    for threads in (1, 2, 5):
        maas.set_threads(threads)
        session = maas.Session(folder / "model.onnx", threads=threads)
        for name, inputs, outputs in golden_cases(folder):
            found = dict(zip(outputs, session.run(list(outputs), inputs)))
            yield from (f"{folder.name} {name}, {threads} threads: {fault}" for fault in differences(found, outputs))
            bits = [array.tobytes() for array in found.values()]
            if first.setdefault(name, bits) != bits:
                yield f"{folder.name} {name}: other bits with {threads} threads than with 1"


def differences(found, wanted):
    for name, array in wanted.items():
        if (found[name].dtype, found[name].shape) != (array.dtype, array.shape):
            yield f"{name} is {found[name].dtype}{found[name].shape}, expected {array.dtype}{array.shape}"
        elif not np.allclose(found[name], array, RTOL, ATOL, equal_nan=True):
            yield f"{name} differs by up to {np.nanmax(np.abs(found[name].astype(float) - array)):.3g}"


if __name__ == "__main__":
    cases = 0
    for folder in map(Path, sys.argv[1:]):
        cases += len(list(golden_cases(folder)))
        for fault in faults(folder):
            print(fault)
    print(f"{cases} cases", file=sys.stderr)
