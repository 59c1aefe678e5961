"""Python objects whose memory libmaas borrows, kept until it gives the memory back."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

ReleaseFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_borrowed: dict[int, Any] = {}
#: What came back and is to be dropped, see `let_go`.
returned: list[Any] = []
_numbers = itertools.count(1)


def _note(number: int) -> None:
    """Only notes that the memory came back: dropping it here could close a handle, and a release must not call maas."""
    returned.append(_borrowed.pop(number, None))


#: What libmaas calls with the number of `borrow` when it no longer needs the memory.
RELEASE = ReleaseFunction(_note)


def borrow(owner: Any) -> int:
    """Keeps `owner` until libmaas calls `RELEASE` with the number that is returned."""
    number = next(_numbers)
    _borrowed[number] = owner
    return number


def borrowed(number: int) -> Any:
    """The owner that `borrow` keeps under a number."""
    return _borrowed[number]


def refused(number: int) -> None:
    """libmaas did not take what `borrow` was called for."""
    del _borrowed[number]


def let_go() -> None:
    """Drops what came back; other threads do the same meanwhile."""
    while returned:
        try:
            returned.pop()
        except IndexError:
            return
