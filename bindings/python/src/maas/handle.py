"""Ownership of handles of libmaas: a type for each, so that one cannot be passed for another."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, TypeVar

_Self = TypeVar("_Self", bound="Closing")


class Owned(ctypes.c_void_p):
    """A handle, closed when nothing refers to it any more; a call on another thread does refer to it.

    At the end of the process handles stay open: what their closing would call may be gone already.
    """

    #: `maas_x_close`, set when the library is loaded.
    close_function: Callable[[Any], None]

    def __del__(self, _finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if self.value and not _finalizing():
            self.close_function(self)


class ModelHandle(Owned):
    pass


class SessionHandle(Owned):
    pass


class SessionOptionsHandle(Owned):
    pass


class RunOptionsHandle(Owned):
    pass


class TensorHandle(Owned):
    pass


class LentTensor(TensorHandle):
    """A tensor that belongs to a node of a custom operator."""

    def __del__(self) -> None:
        """Nothing to close."""


class BindingHandle(Owned):
    pass


class OperatorsHandle(Owned):
    pass


class QuantizationHandle(Owned):
    pass


class TrainerOptionsHandle(Owned):
    pass


class TrainerHandle(Owned):
    pass


class DatasetHandle(Owned):
    pass


class ValueHandle(Owned):
    pass


class NodePointer(ctypes.c_void_p):
    """A `maas_node`, which is there while a callback works on it."""


class ValuePointer(ctypes.c_void_p):
    """A `maas_value_info`, which belongs to its model."""


class Closing:
    """A class over one handle, which ctypes passes on as `_as_parameter_`. Usable in a `with` statement."""

    _as_parameter_: Any = None

    def close(self) -> None:
        """Gives the handle back, now or when the last call on it returns. Closing twice is fine."""
        self._as_parameter_ = None

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
