"""Values of any kind: sequences are lists, optionals None or what is there, maps dicts, tensors arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_int, c_size_t, c_void_p
from enum import IntEnum
from typing import Any

import numpy as np

from .abi import lib
from .dtypes import dtype_of
from .errors import TypeMismatch
from .handle import Closing, TensorHandle, ValueHandle
from .tensor import Tensor, as_array, unwrapped


class ValueKind(IntEnum):
    """What a value can be."""

    TENSOR = 0
    SEQUENCE = 1
    OPTIONAL = 2
    MAP = 3


class Value(Closing):
    """An input or output of a run, of whatever kind. Its elements are shared, not copied."""

    def __init__(self, handle: ValueHandle, type: str):
        self._as_parameter_ = handle
        #: As ONNX writes it, e.g. "seq(tensor(float))"; "" where the model leaves it open.
        self.type = type

    @classmethod
    def of(cls, value: Any, type: str, element_type: int = 0, what: str = "the value") -> Value:
        """What Python's `value` is as a value of this type; `element_type` is the number of the type inside.

        Without a type, the value itself says what it is. `what` names it in errors.
        """
        value = unwrapped(value)
        return value if isinstance(value, Value) else cls(_made(value, type, element_type, what), type)

    @property
    def kind(self) -> ValueKind:
        """Whether it is a tensor, a sequence, an optional or a map."""
        kind = c_int()
        lib.maas_value_get_kind(self, byref(kind))
        return ValueKind(kind.value)

    def tensor(self) -> Tensor:
        """The tensor that it is. Raises TypeMismatch when it is none."""
        return _tensor(self)

    def is_empty(self) -> bool:
        """Whether it is an optional with nothing in it."""
        return self.kind == ValueKind.OPTIONAL and not _count(self)

    def inside(self) -> Value:
        """What is in an optional; itself when it is none or nothing is in it."""
        return next(iter(self.elements()), self) if self.kind == ValueKind.OPTIONAL else self

    def elements(self) -> list[Value]:
        """The values of a sequence, or what is in an optional."""
        handles = [ValueHandle() for _ in range(_count(self))]
        for index, handle in enumerate(handles):
            lib.maas_value_element(self, index, byref(handle))
        return [Value(handle, _kind_in(self.type)[1]) for handle in handles]

    def python(self) -> Any:
        """Arrays, in lists and dicts as the value has them; None for an optional with nothing in it."""
        return _TO_PYTHON[self.kind](self)


def _count(value: Value) -> int:
    count = c_size_t()
    lib.maas_value_count(value, byref(count))
    return count.value


def _tensor(value: Value) -> Tensor:
    handle = TensorHandle()
    lib.maas_value_tensor(value, byref(handle))
    return Tensor(handle)


def _list(value: Value) -> list[Any]:
    return [element.python() for element in value.elements()]


def _dict(value: Value) -> dict[Any, Any]:
    keys, elements = TensorHandle(), TensorHandle()
    lib.maas_value_map_entries(value, byref(keys), byref(elements))
    return dict(zip(Tensor(keys).numpy().tolist(), Tensor(elements).numpy().tolist()))


_TO_PYTHON: dict[ValueKind, Callable[[Any], Any]] = {
    ValueKind.TENSOR: lambda value: _tensor(value).numpy(),
    ValueKind.SEQUENCE: _list,
    ValueKind.OPTIONAL: lambda value: next(iter(_list(value)), None),
    ValueKind.MAP: _dict,
}


def _kind_in(type: str) -> tuple[str, str]:
    """The outermost kind of a type and what it holds: `seq` and `tensor(float)` of `seq(tensor(float))`."""
    kind, _, inner = type.partition("(")
    return kind, inner[:-1]


def _kind_of(value: Any) -> str:
    """The kind of a value whose type nobody says."""
    if value is None:
        return "optional"
    if isinstance(value, Mapping):
        return "map"
    return "seq" if isinstance(value, (list, tuple)) else "tensor"


def _made(value: Any, type: str, element_type: int, what: str) -> ValueHandle:
    value = unwrapped(value)
    if isinstance(value, Value):
        return value._as_parameter_ or ValueHandle()
    kind, inner = _kind_in(type) if type else (_kind_of(value), "")
    return _MAKERS[kind](value, inner, element_type, what)


def _expect(value: Any, types: Any, expected: str, what: str) -> None:
    if not isinstance(value, types):
        raise TypeMismatch(f"{what} is of the wrong kind: expected {expected}, found {type(value).__name__}")


def _tensor_value(value: Any, _inner: str, element_type: int, what: str) -> ValueHandle:
    if value is None or isinstance(value, Mapping):
        _expect(value, np.ndarray, "an array", what)
    if not isinstance(value, Tensor):
        value = Tensor.from_numpy(as_array(value, dtype_of(element_type, what) if element_type else None))
    handle = ValueHandle()
    lib.maas_value_of_tensor(value, byref(handle))
    return handle


def _sequence(value: Any, inner: str, element_type: int, what: str) -> ValueHandle:
    _expect(value, (list, tuple), "a list", what)
    elements = [_made(element, inner, element_type, f"{what}[{index}]") for index, element in enumerate(value)]
    handle = ValueHandle()
    lib.maas_value_sequence(array_of(elements), len(elements), byref(handle))
    return handle


def _optional(value: Any, inner: str, element_type: int, what: str) -> ValueHandle:
    handle = ValueHandle()
    content = None if value is None else _made(value, inner, element_type, what)
    lib.maas_value_optional(content, byref(handle))
    return handle


def _map(value: Any, inner: str, element_type: int, what: str) -> ValueHandle:
    _expect(value, Mapping, "a dict", what)
    keys = np.array(list(value.keys()), _key_type(value, inner))
    elements = np.array(list(value.values()), dtype_of(element_type, what) if element_type else None)
    handle = ValueHandle()
    lib.maas_value_map(Tensor.from_numpy(keys), Tensor.from_numpy(elements), byref(handle))
    return handle


def _key_type(value: Mapping[Any, Any], inner: str) -> Any:
    named = inner.startswith("string") if inner else any(isinstance(key, str) for key in value)
    return object if named else np.int64


_MAKERS: dict[str, Callable[[Any, str, int, str], ValueHandle]] = {
    "tensor": _tensor_value,
    "seq": _sequence,
    "optional": _optional,
    "map": _map,
}


def array_of(handles: Sequence[Any]) -> Any:
    """Handles as C takes them; the caller keeps them."""
    return (c_void_p * len(handles))(*(handle.value for handle in handles))
