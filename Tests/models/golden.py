"""Runs models through maas-run and compares with what they must answer: golden.py MAAS_RUN FOLDER…

Each FOLDER holds models as make.py writes them. Every case is run with the kernels of each tier that this machine
has, which must agree with the golden outputs, and with 1, 2 and 5 threads, which must agree to the last bit
(MAAS_CPUS makes five of them work on any machine).
The tests of the Python binding judge by the same functions.
"""
import glob
import itertools
import os
import platform
import subprocess
import sys
import tempfile

import numpy as np

RTOL, ATOL = 1e-3, 1e-5
THREADS = (1, 2, 5)


def tiers():
    if platform.machine() == "aarch64":
        return ["scalar", "neon"]
    with open("/proc/cpuinfo") as info:
        flags = set(next((line for line in info if line.startswith("flags")), "").split())
    found = ["scalar"]
    found += ["avx2"] if {"avx2", "fma"} <= flags else []
    found += ["avx512"] if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags else []
    return found


def load(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def cases(folders):
    """(model, inputs, outputs) of every case in these folders of models: the paths of the files."""
    for inputs in sorted(itertools.chain(*(glob.glob(os.path.join(f, "*", "case*_inputs.npz")) for f in folders))):
        yield os.path.join(os.path.dirname(inputs), "model.onnx"), inputs, inputs.replace("_inputs.npz", "_outputs.npz")


def name_of(inputs):
    return f"{os.path.basename(os.path.dirname(inputs))} {os.path.basename(inputs).removesuffix('_inputs.npz')}"


def environment(tier):
    return dict(os.environ, MAAS_ISA=tier, MAAS_CPUS=str(max(THREADS)))


def answer(program, model, inputs, tier, threads, scratch):
    output = os.path.join(scratch, "out.npz")
    command = [program, model, inputs, "-o", output, "--threads", str(threads), "--quiet"]
    result = subprocess.run(
        command, env=environment(tier), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"exit code {result.returncode}: {result.stderr.strip()}")
    return load(output)


def difference(found, wanted):
    """What is wrong with `found`, or None."""
    if sorted(found) != sorted(wanted):
        return f"outputs {sorted(found)}, expected {sorted(wanted)}"
    for name, value in wanted.items():
        if (found[name].dtype, found[name].shape) != (value.dtype, value.shape):
            return f"{name} is {found[name].dtype}{found[name].shape}, expected {value.dtype}{value.shape}"
        if not np.allclose(found[name], value, RTOL, ATOL, equal_nan=True):
            far = np.nanmax(np.abs(found[name].astype(np.float64) - value))
            return f"{name} differs by up to {far:.3g}"
    return None


def fault(answer, wanted):
    """What is wrong with the outputs that `answer(threads)` gives, or None."""
    first = None
    for threads in THREADS:
        found = answer(threads)
        problem = difference(found, wanted)
        if problem:
            return f"{threads} threads: {problem}"
        bits = {name: value.tobytes() for name, value in found.items()}
        if first is not None and bits != first:
            return f"{threads} threads: not the same bits as with {THREADS[0]}"
        first = bits
    return None


def check(program, model, inputs, outputs, tier, scratch):
    try:
        return fault(lambda threads: answer(program, model, inputs, tier, threads, scratch), load(outputs))
    except (RuntimeError, OSError, ValueError) as error:
        return str(error)


def judge(folders, kernels, check):
    """Calls check(model, inputs, outputs, tier) for every case, prints what it finds wrong, and ends the program."""
    passed = failed = 0
    found = list(cases(folders))
    for (model, inputs, outputs), tier in itertools.product(found, kernels):
        problem = check(model, inputs, outputs, tier)
        passed, failed = passed + (not problem), failed + bool(problem)
        if problem:
            print(f"FAIL {name_of(inputs)} {tier}: {problem}")
    print(f"{len(found)} cases, tiers {' '.join(kernels)}, threads {' '.join(map(str, THREADS))}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or not found)


def main(program, *folders):
    with tempfile.TemporaryDirectory() as scratch:
        judge(folders, tiers(), lambda *case: check(program, *case, scratch))


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), *sys.argv[2:])
