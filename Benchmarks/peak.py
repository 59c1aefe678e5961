"""The machine's limits, measured: what other benchmarks divide by."""
import ctypes
import os
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _library():
    source = os.path.join(ROOT, "Benchmarks", "peak.c")
    target = os.path.join(ROOT, ".build", "benchmarks", "libpeak.so")
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", source, "-o", target], check=True)
    library = ctypes.CDLL(target)
    library.maas_peak_flops.restype = ctypes.c_double
    library.maas_peak_flops.argtypes = [ctypes.c_double]
    return library


def flops(threads=1, seconds=0.05):
    """Fused multiply-adds per second of `threads` threads at once, each counted as two operations."""
    library, found = _library(), [0.0] * threads

    def measure(i):
        found[i] = library.maas_peak_flops(seconds)

    workers = [threading.Thread(target=measure, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(found)
