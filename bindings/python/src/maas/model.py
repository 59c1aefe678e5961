"""Models: what a file says about itself, its inputs and its outputs."""

from __future__ import annotations

import os
from collections.abc import Callable
from ctypes import byref, c_char_p, c_int, c_int64, c_size_t
from typing import Any, TypeVar

import numpy as np

from .abi import encoded, lib, text
from .dtypes import dtype_of
from .errors import InvalidArgument
from .handle import Closing, ModelHandle, ValuePointer
from .memory import RELEASE, borrow, refused
from .options import SessionOptions
from .record import Record

_T = TypeVar("_T")

_FIELDS = ("producer_name", "producer_version", "domain", "description", "graph_name", "graph_description")


class NodeArg(Record):
    """What a model says about one of its inputs or outputs."""

    name: str
    #: ONNX's number of the element type.
    element_type: int
    #: The dimensions: a number, a symbol or expression, or None for one without a name. None: the rank is open.
    dims: tuple[int | str | None, ...] | None
    #: As ONNX and onnxruntime write it, e.g. "tensor(float)".
    type: str

    @property
    def is_tensor(self) -> bool:
        """Whether it is a plain tensor, not a sequence, an optional or a map."""
        return self.type.startswith("tensor(")

    @property
    def dtype(self) -> np.dtype:
        """The NumPy type, for strings that of objects. Raises Unsupported where NumPy has none."""
        return dtype_of(self.element_type)

    @property
    def shape(self) -> list[int | str | None]:
        """The dimensions as onnxruntime gives them: a list, empty when the rank is open and for sequences and maps."""
        return list(self.dims or ()) if self.type.startswith(("tensor(", "optional(tensor(")) else []


class ModelMetadata(Record):
    """What a model says about itself."""

    producer_name: str
    producer_version: str
    domain: str
    description: str
    graph_name: str
    graph_description: str
    #: The producer's own count.
    version: int
    ir_version: int
    #: Versions of the operator sets by domain; "" is ONNX's own.
    opsets: dict[str, int]
    #: The model's own keys and values.
    custom_metadata_map: dict[str, str]


def opened(
    source: Any,
    options: SessionOptions | None,
    open_path: Callable[..., None],
    open_memory: Callable[..., None],
    handle: Any,
) -> None:
    """Fills `handle` from a path, or from the bytes of a model, which are used where they are."""
    if isinstance(source, (str, os.PathLike)):
        open_path(_path(source), options, byref(handle))
        return
    data = _bytes(source)
    number = borrow(data)
    try:
        open_memory(data.ctypes.data, data.nbytes, options, RELEASE, number, byref(handle))
    except BaseException:
        refused(number)
        raise


def _path(source: Any) -> bytes:
    path = os.fsencode(source)
    if b"\0" in path:
        raise InvalidArgument(f"a path cannot have a zero byte: found {source!r}")
    return path


def _bytes(source: Any) -> np.ndarray:
    try:
        view = memoryview(source).cast("B")
    except TypeError:
        raise TypeError(f"a model is opened from a path or bytes, not from {type(source).__name__}") from None
    return np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)


def _number(function: Callable[..., None], *arguments: Any) -> int:
    number = c_int64()
    function(*arguments, byref(number))
    return number.value


def _string(function: Callable[..., None], *arguments: Any) -> str:
    string = c_char_p()
    function(*arguments, byref(string))
    return text(string.value)


def _each(model: Any, count: Callable[..., None], get: Callable[[int], _T]) -> list[_T]:
    size = c_size_t()
    count(model, byref(size))
    return [get(index) for index in range(size.value)]


def _dim(value: ValuePointer, axis: int) -> int | str | None:
    size, symbol = c_int64(), c_char_p()
    lib.maas_value_info_dim(value, axis, byref(size), byref(symbol))
    return size.value if symbol.value is None else text(symbol.value) or None


def _value(function: Callable[..., None], model: Any, index: int) -> NodeArg:
    value = ValuePointer()
    function(model, index, byref(value))
    return described(value)


def described(value: ValuePointer) -> NodeArg:
    """What libmaas says about a value."""
    dtype = c_int()
    lib.maas_value_info_dtype(value, byref(dtype))
    rank = _number(lib.maas_value_info_rank, value)
    dims = None if rank < 0 else tuple(_dim(value, axis) for axis in range(rank))
    name, type_text = (_string(get, value) for get in (lib.maas_value_info_name, lib.maas_value_info_type))
    return NodeArg(name, dtype.value, dims, type_text)


def _opset(model: Any, index: int) -> tuple[str, int]:
    domain, version = c_char_p(), c_int64()
    lib.maas_model_opset(model, index, byref(domain), byref(version))
    return text(domain.value), version.value


def _property(model: Any, index: int) -> tuple[str, str]:
    key, value = c_char_p(), c_char_p()
    lib.maas_model_metadata(model, index, byref(key), byref(value))
    return text(key.value), text(value.value)


class Model(Closing):
    """A loaded model. Any number of sessions may be made of it; they share its weights."""

    def __init__(self, source: str | os.PathLike[str] | bytes | Any, options: SessionOptions | None = None):
        """Opens a file, or a model in memory: anything with the buffer protocol, which must not change meanwhile.

        Files are mapped, not read, unless the option `copy` is set: do not overwrite them while the model is open.
        """
        handle = ModelHandle()
        opened(source, options, lib.maas_model_open, lib.maas_model_open_memory, handle)
        self._describe(handle)

    @classmethod
    def of_session(cls, session: Any) -> Model:
        """The model of a Session, as another handle of it."""
        model, handle = cls.__new__(cls), ModelHandle()
        lib.maas_session_model(session, byref(handle))
        model._describe(handle)
        return model

    def _describe(self, handle: ModelHandle) -> None:
        self._as_parameter_ = handle
        self.inputs = _each(self, lib.maas_model_input_count, lambda i: _value(lib.maas_model_input, self, i))
        self.outputs = _each(self, lib.maas_model_output_count, lambda i: _value(lib.maas_model_output, self, i))

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says about itself, read anew at each use."""
        return ModelMetadata(
            **{name: _string(lib.maas_model_text, self, field) for field, name in enumerate(_FIELDS)},
            version=_number(lib.maas_model_version, self),
            ir_version=_number(lib.maas_model_ir_version, self),
            opsets=dict(_each(self, lib.maas_model_opset_count, lambda i: _opset(self, i))),
            custom_metadata_map=dict(_each(self, lib.maas_model_metadata_count, lambda i: _property(self, i))),
        )

    def input_index(self, name: str) -> int:
        """The place of an input. Raises NotFound, with the nearest name."""
        return self._index(lib.maas_model_input_index, name)

    def output_index(self, name: str) -> int:
        """The place of an output. Raises NotFound, with the nearest name."""
        return self._index(lib.maas_model_output_index, name)

    def _index(self, function: Callable[..., None], name: str) -> int:
        index = c_size_t()
        function(self, encoded(name, "a name"), byref(index))
        return index.value
