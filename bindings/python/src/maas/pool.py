"""The threads of the process that all sessions share."""

from __future__ import annotations

import operator
import sys
from ctypes import byref, c_size_t

from .abi import lib
from .errors import InvalidArgument


def count(value: int, what: str) -> int:
    """`value` as a `size_t`, which C could not tell from a negative number, nor one that does not fit from another."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is an int, not {type(value).__name__}") from None
    if number < 0:
        raise InvalidArgument(f"{what} cannot be negative: found {number}; 0 means as many as the CPUs allow")
    if number > sys.maxsize:
        raise InvalidArgument(f"{what} is more than any process has: found {number}")
    return number


def set_threads(threads: int) -> None:
    """How many threads the process uses for runs, the calling one included; 0: one for each CPU it may use."""
    lib.maas_pool_set_threads(count(threads, "the number of threads"))


def threads() -> int:
    """How many threads the process uses for runs, the calling one included."""
    size = c_size_t()
    lib.maas_pool_threads(byref(size))
    return size.value
