"""What a run of a small model can have ready when the shapes are those of the run before.

Looking up names, making tensors and their arrays takes longer than the run of a small model. `Prepared` does that once:
the inputs of later runs are copied in or only pointed at, and the outputs copied out of arrays of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, c_char, c_char_p, c_int, c_size_t, c_void_p
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import ndarray

from .abi import encoded, raise_status, unchecked
from .binding import Binding
from .dtypes import is_shared, number_of
from .strings import shape_array, tensor_of
from .tensor import dense

if TYPE_CHECKING:
    from .options import RunOptions
    from .session import Session

#: Above this many bytes of outputs, copying them costs more than it saves.
MOST_OUTPUT_BYTES = 1 << 16
#: Above this many bytes, copying an input costs more than telling where it is.
MOST_COPIED_BYTES = 1 << 14
#: Above this many bytes, NumPy copies faster than ctypes does with memcpy on some CPUs, such as Zen 3.
MOST_RAW_BYTES = 1 << 11
#: What is prepared keeps the memory of a run; models that need more are not small.
MOST_ARENA_BYTES = 1 << 20


def signature_of(feed: Mapping[str, Any], results: Sequence[ndarray]) -> Any:
    """What must be the same for a run to use what another has prepared; None when nothing should be prepared."""
    if not all(is_shared(array.dtype) for array in results):
        return None
    if sum(array.nbytes for array in results) > MOST_OUTPUT_BYTES:
        return None
    if not all(_can_be_taken(array) for array in feed.values()):
        return None
    return [(name, array.dtype, array.shape) for name, array in feed.items()], [array.shape for array in results]


def _can_be_taken(array: Any) -> bool:
    """Whether a prepared run may take an input like this one. Only small numbers may have gaps: those are copied."""
    if type(array) is not ndarray or not array.dtype.isnative:
        return False
    is_text = array.dtype == object
    is_copied = not is_text and array.nbytes <= MOST_COPIED_BYTES
    return (is_text or is_shared(array.dtype)) and (is_copied or dense(array) is array)


_set_input, _run = unchecked("maas_binding_set_input_buffer"), unchecked("maas_binding_run")
_set_tensor = unchecked("maas_binding_set_input")
_in_buffer: Callable[[Any], c_char] = c_char.from_buffer


class _Place:
    """Where an input is that each run may find somewhere else."""

    __slots__ = ("address", "arguments", "is_buffer", "pointer")

    def __init__(self, binding: Binding, name: str, array: ndarray):
        self.address = 0
        # Of arrays of these kinds the address comes quickly through the buffer protocol.
        self.is_buffer = array.dtype.isbuiltin == 1 and array.size > 0
        self.pointer = c_void_p()
        self.arguments = (
            binding._as_parameter_, c_char_p(encoded(name, "an input's name")), c_int(number_of(array.dtype)),
            shape_array(array.shape), c_size_t(array.ndim), self.pointer, c_size_t(array.nbytes),
        )  # fmt: skip

    def take(self, array: ndarray) -> bool:
        """Binds the array's memory; False when that is not as tensors are."""
        flags = array.flags
        if self.is_buffer and flags.carray:
            address = addressof(_in_buffer(array))
        elif flags.c_contiguous and flags.aligned:
            address = array.ctypes.data
        else:
            return False
        if address != self.address:
            self.address, self.pointer.value = 0, address
            status = _set_input(*self.arguments)
            if status:
                raise_status(status)
            self.address = address
        return True


class _Texts:
    """An input of strings, which each run copies."""

    __slots__ = ("binding", "name", "what")

    def __init__(self, binding: Binding, name: str):
        self.binding, self.name, self.what = binding._as_parameter_, c_char_p(encoded(name, "an input's name")), name

    def take(self, array: ndarray) -> bool:
        """Binds a tensor of the array's strings."""
        tensor = tensor_of(array, f"input '{self.what}'")
        status = _set_tensor(self.binding, self.name, tensor)
        if status:
            raise_status(status)
        return True


def _is_raw(array: ndarray) -> bool:
    """Whether an input that is copied is so small that its bytes are copied as they are."""
    dtype = array.dtype
    if dtype.isbuiltin != 1 or dtype.hasobject or not array.flags.c_contiguous:
        return False
    return 0 < array.nbytes <= min(MOST_RAW_BYTES, MOST_COPIED_BYTES)


class _Input(NamedTuple):
    """One that each run takes: `buffer` its bytes, or `own` a copy of it; else `place` finds it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    #: The memory of `own` as ctypes writes to it, which is quicker.
    buffer: Any = None
    own: ndarray | None = None
    place: _Place | _Texts | None = None

    @classmethod
    def bound(cls, binding: Binding, name: str, array: ndarray) -> _Input:
        """For inputs like `array`. Small ones are copied, which is quicker than telling where they are."""
        kind = name, array.dtype, array.shape
        if array.dtype == object:
            return cls(*kind, place=_Texts(binding, name))
        if array.nbytes > MOST_COPIED_BYTES:
            return cls(*kind, place=_Place(binding, name, array))
        own = np.empty_like(array, order="C")
        binding.set_input(name, own)
        return cls(*kind, (c_char * own.nbytes).from_buffer(own) if _is_raw(array) else None, own)


class Prepared:
    """A binding of all inputs and outputs for the dtypes and shapes of one run. For one thread at a time."""

    __slots__ = ("_argument", "_binding", "_copies", "_copy", "_inputs")

    def __init__(self, session: Session, feed: dict[str, ndarray], outputs: Sequence[ndarray]):
        self._binding = Binding(session)
        # What ctypes would make of the handle in every call.
        self._argument = c_void_p.from_param(self._binding._as_parameter_.value)
        # Plain tuples are taken apart faster than named ones.
        self._inputs = [tuple(_Input.bound(self._binding, name, array)) for name, array in feed.items()]
        owned = [np.empty_like(array) for array in outputs]
        for value, array in zip(session.outputs, owned):
            self._binding.set_output(value.name, array)
        # To ask an array for its method takes a tenth of what the method does.
        self._copies = [array.copy for array in owned]
        self._copy = self._copies[0] if len(owned) == 1 else None

    def run(self, feed: dict[str, Any], options: RunOptions | None) -> list[ndarray] | None:
        """The outputs; None when `feed` is not what this was made for, ShapeMismatch when the outputs are not."""
        if len(feed) != len(self._inputs):
            return None
        for name, dtype, shape, buffer, own, place in self._inputs:
            array = feed.get(name)
            if type(array) is not ndarray or array.shape != shape:
                return None
            if array.dtype is not dtype and array.dtype != dtype:
                return None
            if buffer is not None:
                try:
                    buffer.raw = array
                except ValueError:  # It has gaps.
                    own[...] = array
            elif own is not None:
                own[...] = array
            elif not place.take(array):
                return None
        status = _run(self._argument, options)
        if status:
            raise_status(status)
        return [self._copy()] if self._copy is not None else [copy() for copy in self._copies]


class _PreparedOne(Prepared):
    """As for most small models: one raw input and one output. Repeats `run` without loops, which show in its time."""

    __slots__ = ("_buffer", "_dtype", "_name", "_own", "_shape")

    def __init__(self, session: Session, feed: dict[str, ndarray], outputs: Sequence[ndarray]):
        super().__init__(session, feed, outputs)
        [(self._name, self._dtype, self._shape, self._buffer, self._own, _)] = self._inputs

    def run(self, feed: dict[str, Any], options: RunOptions | None) -> list[ndarray] | None:
        array = feed.get(self._name)
        if type(array) is not ndarray or array.shape != self._shape or len(feed) != 1:
            return None
        if array.dtype is not self._dtype and array.dtype != self._dtype:
            return None
        try:
            self._buffer.raw = array
        except ValueError:  # It has gaps.
            self._own[...] = array
        status = _run(self._argument, options)
        if status:
            raise_status(status)
        return [self._copy()]


def prepare(session: Session, feed: dict[str, ndarray], outputs: Sequence[ndarray]) -> Prepared:
    """What runs like the one of `feed` that gave `outputs` can use; ShapeMismatch if these are not what is declared."""
    is_one = len(feed) == len(outputs) == 1 and all(_is_raw(array) for array in feed.values())
    return (_PreparedOne if is_one else Prepared)(session, feed, outputs)
