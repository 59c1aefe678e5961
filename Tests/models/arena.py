"""How much memory plans take between steps, as `maas-model optimize --explain` tells it, beside what is alive at once.

arena.py MAAS_MODEL FOLDER…: the folders hold models as make.py writes them. A tenth more than the busiest step needs is
the most.
"""
import os
import re
import subprocess
import sys
import tempfile

import onnx

import golden

MOST = 1.1
TOLD = re.compile(r"^memory between steps: (\d+) bytes(?:, of which (\d+) are in use at once)?$", re.MULTILINE)


def sizes(model, inputs):
    """The sizes of the dimensions with names, as arguments."""
    arrays, found = golden.load(inputs), {}
    for value in onnx.load(model, load_external_data=False).graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, getattr(arrays.get(value.name), "shape", ())):
            if dim.dim_param:
                found[dim.dim_param] = size
    return [word for name, size in found.items() for word in ("--shape", f"{name}={size}")]


def memory(program, model, inputs, scratch):
    """Bytes of the plan for the shapes of a case, and the least; 0 where nothing lies between steps."""
    command = [program, "optimize", model, os.path.join(scratch, "out.onnx"), "--explain", *sizes(model, inputs)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(result.stderr.strip())
    return [int(number) for number in TOLD.search(result.stdout).groups("0")]


def main(program, *folders):
    passed, worst = 0, (0, "")
    with tempfile.TemporaryDirectory() as scratch:
        for model, inputs, _ in golden.cases(folders):
            taken, least = memory(program, model, inputs, scratch)
            ratio, name = taken / max(least, 1) if taken else 1, golden.name_of(inputs)
            worst = max(worst, (ratio, name))
            passed += ratio <= MOST
            if ratio > MOST:
                print(f"FAIL {name}: {taken} bytes, where {least} are in use at once")
    failed = sum(1 for _ in golden.cases(folders)) - passed
    print(f"the most beyond what is in use at once: {worst[0] - 1:.1%} ({worst[1]})")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
