"""What a run of a small model can have ready when the shapes are those of the run before.

Looking up names, making tensors and their arrays takes longer than the run of a small model. `Prepared` does that once:
the inputs of later runs are only pointed at, and the outputs copied out of arrays of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, c_char, c_char_p, c_int, c_size_t, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from .abi import encoded, lib, raise_status
from .binding import Binding
from .dtypes import is_shared, number_of
from .strings import shape_array
from .tensor import dense

if TYPE_CHECKING:
    from .options import RunOptions
    from .session import Session

#: Above this many bytes of outputs, copying them costs more than it saves.
MOST_OUTPUT_BYTES = 1 << 15
#: What is prepared keeps the memory of a run; models that need more are not small.
MOST_ARENA_BYTES = 1 << 20


def signature_of(feed: Mapping[str, Any], results: Sequence[np.ndarray]) -> Any:
    """What must be the same for a run to use what another has prepared; None when nothing should be prepared."""
    if not all(is_shared(array.dtype) for array in results) or sum(array.nbytes for array in results) > MOST_OUTPUT_BYTES:
        return None
    if not all(
        type(array) is np.ndarray and dense(array) is array and is_shared(array.dtype) for array in feed.values()
    ):
        return None
    return [(name, array.dtype, array.shape) for name, array in feed.items()], [array.shape for array in results]


# Without argument types ctypes only passes on: every argument below is an object of ctypes, made once.
_set_input, _run = lib["maas_binding_set_input_buffer"], lib["maas_binding_run"]
_set_input.restype = _run.restype = c_int
_copy = np.ndarray.copy
_in_buffer: Callable[[Any], c_char] = c_char.from_buffer


class _Input:
    """An input that has one dtype and shape, and may be somewhere else at each run."""

    __slots__ = ("address", "arguments", "dtype", "is_buffer", "name", "pointer", "shape")

    def __init__(self, binding: Binding, name: str, array: np.ndarray):
        self.name, self.dtype, self.shape = name, array.dtype, array.shape
        self.address = 0
        # Of arrays of these kinds the address comes quickly through the buffer protocol.
        self.is_buffer = array.dtype.isbuiltin == 1 and array.size > 0
        self.pointer = c_void_p()
        self.arguments = (
            binding._as_parameter_, c_char_p(encoded(name, "an input's name")), c_int(number_of(array.dtype)),
            shape_array(array.shape), c_size_t(array.ndim), self.pointer, c_size_t(array.nbytes),
        )  # fmt: skip


class Prepared:
    """A binding of all inputs and outputs for the dtypes and shapes of one run. For one thread at a time."""

    __slots__ = ("_binding", "_handle", "_inputs", "_outputs")

    def __init__(self, session: Session, feed: dict[str, np.ndarray], outputs: Sequence[np.ndarray]):
        self._binding = Binding(session)
        self._handle = self._binding._as_parameter_
        self._inputs = [_Input(self._binding, name, array) for name, array in feed.items()]
        self._outputs = [np.empty_like(array) for array in outputs]
        for value, array in zip(session.outputs, self._outputs):
            self._binding.set_output(value.name, array)

    def run(self, feed: dict[str, Any], options: RunOptions | None) -> list[np.ndarray] | None:
        """The outputs; None when `feed` is not what this was made for, ShapeMismatch when the outputs are not."""
        if len(feed) != len(self._inputs):
            return None
        for value in self._inputs:
            array = feed.get(value.name)
            if type(array) is not np.ndarray or array.dtype != value.dtype or array.shape != value.shape:
                return None
            flags = array.flags
            if value.is_buffer and flags.carray:
                address = addressof(_in_buffer(array))
            elif flags.c_contiguous and flags.aligned:
                address = array.ctypes.data
            else:
                return None
            if address != value.address:
                value.address, value.pointer.value = 0, address
                status = _set_input(*value.arguments)
                if status:
                    raise_status(status)
                value.address = address
        status = _run(self._handle, options)
        if status:
            raise_status(status)
        return list(map(_copy, self._outputs))
