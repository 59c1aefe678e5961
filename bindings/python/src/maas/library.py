"""Finds and loads libmaas."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_NAMES = ("libmaas.so.1", "libmaas.so")


def _candidates() -> Iterator[str]:
    """Where libmaas may be, best first."""
    chosen = os.environ.get("MAAS_LIBRARY")
    if chosen:
        yield chosen
        return
    yield str(_PACKAGE / _NAMES[0])
    if len(_PACKAGE.parents) > 3:  # bindings/python/src/maas in a source tree
        root = _PACKAGE.parents[3]
        if (root / "include" / "maas.h").is_file():
            yield from (str(root / ".build" / "release" / name) for name in _NAMES)
    yield from _NAMES


def load() -> tuple[ctypes.CDLL, str]:
    """The library and the name it was found under. Raises ImportError that tells everything that was tried."""
    tried = []
    for name in _candidates():
        if os.sep in name and not os.path.exists(name):
            tried.append(f"{name}: no such file")
            continue
        try:
            return ctypes.CDLL(name), name
        except OSError as error:
            tried.append(str(error) if name in str(error) else f"{name}: {error}")
    raise ImportError(
        "libmaas was not found; build it with `make build` or set MAAS_LIBRARY to its path. Tried:\n  "
        + "\n  ".join(tried)
    )
