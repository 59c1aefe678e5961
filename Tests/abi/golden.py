"""Runs models through the C program run-model and compares: golden.py [--tiers scalar,…] COMMAND FOLDER…

COMMAND is run-model, where it needs one behind its runner ("qemu-aarch64 -L /usr/aarch64-linux-gnu bin/run-model").
What must hold, and for which kernels and threads, is what Tests/models/golden.py asks of maas-run.
"""
import argparse
import io
import os
import shlex
import subprocess
import sys

import numpy as np
import onnx

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "models"))
import golden


def stream(arrays):
    """Tensors as run-model reads them."""
    out = io.BytesIO()
    for name, array in arrays.items():
        number = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        out.write(" ".join(map(str, (name, number, array.ndim, *array.shape))).encode() + b"\n")
        out.write(array.tobytes())
    return out.getvalue()


def arrays(stream):
    """What run-model wrote."""
    found = {}
    source = io.BytesIO(stream)
    for line in iter(source.readline, b""):
        name, number, _, *shape = line.decode().split()
        dtype, shape = onnx.helper.tensor_dtype_to_np_dtype(int(number)), [int(size) for size in shape]
        size = dtype.itemsize * int(np.prod(shape))
        found[name] = np.frombuffer(source.read(size), dtype).reshape(shape)
    return found


def answer(command, model, inputs, tier, threads):
    result = subprocess.run(
        [*shlex.split(command), model, str(threads)], env=golden.environment(tier), input=inputs,
        capture_output=True)
    if result.returncode:
        raise RuntimeError(f"exit code {result.returncode}: {result.stderr.decode().strip()}")
    return arrays(result.stdout)


def check(command, model, inputs, outputs, tier):
    given = stream(golden.load(inputs))
    try:
        return golden.fault(lambda threads: answer(command, model, given, tier, threads), golden.load(outputs))
    except (RuntimeError, ValueError) as error:
        return str(error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiers", type=lambda text: text.split(","), default=golden.tiers())
    parser.add_argument("command")
    parser.add_argument("folders", nargs="+")
    arguments = parser.parse_args()
    golden.judge(arguments.folders, arguments.tiers, lambda *case: check(arguments.command, *case))


if __name__ == "__main__":
    main()
