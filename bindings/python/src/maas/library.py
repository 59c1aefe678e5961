"""Finds and loads libmaas."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import TypeVar

_Library = TypeVar("_Library", bound=ctypes.CDLL)

_PACKAGE = os.path.dirname(os.path.realpath(__file__))
_NAMES = ("libmaas.so.1", "libmaas.so")


def _candidates() -> Iterator[str]:
    """Where libmaas may be, best first."""
    chosen = os.environ.get("MAAS_LIBRARY")
    if chosen:
        yield chosen
        return
    yield os.path.join(_PACKAGE, _NAMES[0])
    root = os.path.normpath(os.path.join(_PACKAGE, *[".."] * 4))  # of a source tree: bindings/python/src/maas
    if os.path.isfile(os.path.join(root, "include", "maas.h")):
        yield from (os.path.join(root, ".build", "release", name) for name in _NAMES)
    yield from _NAMES


def load(kind: type[_Library]) -> tuple[_Library, str]:
    """The library as that class and the name it was found under. Raises ImportError that tells all that was tried."""
    tried = []
    for name in _candidates():
        if os.sep in name and not os.path.exists(name):
            tried.append(f"{name}: no such file")
            continue
        try:
            return kind(name), name
        except OSError as error:
            tried.append(str(error) if name in str(error) else f"{name}: {error}")
    raise ImportError(
        "libmaas was not found; build it with `make build` or set MAAS_LIBRARY to its path. Tried:\n  "
        + "\n  ".join(tried)
    )
