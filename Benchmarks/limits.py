"""The machine's limits, measured: what a work at best could take."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: Between what loops in no time and what is larger than any cache.
LEAST_BYTES, MOST_BYTES = 64 << 10, 256 << 20


class Limits(NamedTuple):
    """Per second: operations on floats or bytes, a multiplication and an addition counting as two, bytes of the weights'
    size read over and over, and bytes read from memory."""

    flops: float
    read: float
    memory: float


class Machine:
    """Measures limits with any number of threads."""

    def __init__(self) -> None:
        self._library = _library()
        self._memory = np.zeros(MOST_BYTES // 8, np.uint64)
        self._memory[:] = 1

    def limits(self, threads: int, seconds: float, read_bytes: int, of_bytes: bool = False) -> Limits:
        peak = self.byte_ops if of_bytes else self.flops
        memory = self.read(threads, seconds, MOST_BYTES)
        return Limits(peak(threads, seconds), self.read(threads, seconds, read_bytes), memory)

    def flops(self, threads: int, seconds: float) -> float:
        return sum(_at_once(threads, lambda i: self._library.maas_peak_flops(seconds)))

    def byte_ops(self, threads: int, seconds: float) -> float:
        """Products of bytes and their additions per second."""
        return sum(_at_once(threads, lambda i: self._library.maas_peak_byte_ops(seconds)))

    def read(self, threads: int, seconds: float, read_bytes: int) -> float:
        """Of memory of this size, which may fit a cache; each thread reads its part."""
        count = max(LEAST_BYTES, min(read_bytes, MOST_BYTES)) // 8 // threads
        address = self._memory.ctypes.data
        return sum(_at_once(threads, lambda i: self._library.maas_peak_read(address + 8 * count * i, count, seconds)))

    def line(self) -> float:
        """Seconds that a line of the cache takes from one thread to another, now."""
        seconds = self._library.maas_line_seconds()
        if seconds < 0:
            raise OSError("no second thread can be had to pass a line of the cache to")
        return seconds


def _at_once(threads: int, function: Callable[[int], float]) -> list[float]:
    found = [0.0] * threads

    def measure(i: int) -> None:
        found[i] = function(i)

    workers = [threading.Thread(target=measure, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def _library() -> ctypes.CDLL:
    source = os.path.join(ROOT, "Benchmarks", "limits.c")
    target = os.path.join(ROOT, ".build", "bench", "liblimits.so")
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        flags = ["-O3", "-march=native", "-shared", "-fPIC", "-pthread"]
        subprocess.run(["gcc", *flags, source, "-o", target], check=True)
    library = ctypes.CDLL(target)
    library.maas_line_seconds.restype = ctypes.c_double
    for peak in (library.maas_peak_flops, library.maas_peak_byte_ops, library.maas_peak_read):
        peak.restype = ctypes.c_double
        peak.argtypes = [ctypes.c_double]
    library.maas_peak_read.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_double]
    return library
