"""Times every row of the kernel tables on one thread, as a part of the machine's peak: kernels.py [TEXT]

Only cases whose "table case" contains TEXT, e.g. gemm, "conv 64>64" or exp. Links the objects of the release build.
"""

from __future__ import annotations

import os
import subprocess
import sys

from limits import Machine
from peers import ROOT

SOURCES = os.path.join(ROOT, "Benchmarks", "kernels")
#: The peak is measured anew after so many lines, as a machine's speed changes.
AGAIN = 8


def built() -> str:
    program = os.path.join(ROOT, ".build", "bench", "kernels")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    includes = [f"-I{os.path.join(ROOT, 'Sources', room, 'include')}" for room in ("CMaasKernels", "CMaasSystem")]
    sources = [os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES)) if name.endswith(".c")]
    command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", *includes, *sources, *objects()]
    subprocess.run([*command, "-lm", "-lpthread", "-o", program], check=True)
    return program


def objects() -> list[str]:
    """What the release build made of the kernels' sources."""
    found = []
    for room in ("CMaasKernels", "CMaasSystem"):
        folder = os.path.join(ROOT, ".build", "release", f"{room}.build")
        for path, _, names in os.walk(folder):
            source = os.path.join(ROOT, "Sources", room, os.path.relpath(path, folder))
            found += [os.path.join(path, n) for n in sorted(names)
                      if n.endswith(".o") and os.path.exists(os.path.join(source, n[:-2]))]  # fmt: skip
    if not found:
        sys.exit("kernels: there are no objects of a release build; run scripts/build.sh maas")
    return found


def main(text: str = "") -> None:
    machine = Machine()
    print(f"{'row':38} {'case':30} {'µs':>10} {'rate':>8} {'':7}  of the peak")
    with subprocess.Popen([built(), text], stdout=subprocess.PIPE, text=True) as process:
        for number, line in enumerate(process.stdout or ()):
            if number % AGAIN == 0:
                peaks = {"GFLOP/s": machine.flops(1, 0.01), "GOP/s": machine.byte_ops(1, 0.01)}
            row, case, seconds, rate, unit = line.rstrip("\n").split("\t")
            part = f"{float(rate) * 1e9 / peaks[unit]:.0%}" if unit in peaks else ""
            print(f"{row:38} {case:30} {float(seconds) * 1e6:10.2f} {float(rate):8.2f} {unit:7}  {part}", flush=True)
    if process.returncode:
        sys.exit(f"kernels: the program ended with {process.returncode}")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("-h", "--help"):
        print(__doc__)
    else:
        main(*sys.argv[1:2])
