"""Tensors of strings, which NumPy has as objects or as text of one width. They are always copied."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_int64, c_size_t, c_void_p, string_at
from typing import Any

import numpy as np

from .abi import lib
from .errors import TypeMismatch
from .handle import TensorHandle


def shape_array(shape: Sequence[int]) -> Any:
    """Dimensions as C takes them."""
    return (c_int64 * len(shape))(*shape)


def tensor_of(array: np.ndarray, what: str) -> TensorHandle:
    """A tensor with the strings of an array: UTF-8 for `str`, `bytes` as they are. `what` names it in the error."""
    elements = array.ravel().tolist()
    starts, lengths = _joined(elements) or _separate([_encoded(element, array.dtype, what) for element in elements])
    handle = TensorHandle()
    lib.maas_tensor_create_strings(
        shape_array(array.shape), array.ndim, starts, lengths, len(elements), byref(handle)
    )
    return handle


def _separate(texts: list[bytes]) -> tuple[Any, Any]:
    """Where the strings are and how long, as C takes it."""
    return (c_char_p * len(texts))(*texts), (c_size_t * len(texts))(*map(len, texts))


def _joined(elements: list[Any]) -> tuple[Any, Any] | None:
    """As `_separate`, encoded in one piece, for elements that are all `str` and without zero bytes; else None."""
    try:
        text = "\0".join(elements).encode(errors="surrogateescape")
    except TypeError:
        return None
    data = np.frombuffer(text + b"\0", np.uint8)
    ends = np.flatnonzero(data == 0)
    if len(ends) != len(elements):
        return None
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    addresses = (c_char_p * len(ends)).from_buffer(starts + data.ctypes.data)
    addresses.data = data  # Lives as long as its addresses.
    return addresses, (c_size_t * len(ends)).from_buffer(ends - starts)


def _encoded(element: Any, dtype: np.dtype, what: str) -> bytes:
    if isinstance(element, str):
        return element.encode(errors="surrogateescape")
    if isinstance(element, bytes):
        return element
    raise TypeMismatch(
        f"{what}{': ' if what else ''}a NumPy array of dtype {dtype} holds a {type(element).__name__}: "
        "expected numbers, bools or strings"
    )


def array_of(tensor: Any, shape: Sequence[int]) -> np.ndarray:
    """The strings of a tensor as an array of `str`."""
    array = np.empty(shape, object)
    flat = array.reshape(-1)
    size = c_size_t()
    lib.maas_tensor_strings(tensor, None, 0, byref(size))
    data = ctypes.create_string_buffer(size.value)
    lib.maas_tensor_strings(tensor, data, size, byref(size))
    texts = data.raw.decode(errors="surrogateescape").split("\0")
    # Only where strings have zero bytes of their own there are more parts.
    flat[:] = texts[:-1] if len(texts) == flat.size + 1 else [_element(tensor, i) for i in range(flat.size)]
    return array


def _element(tensor: Any, index: int) -> str:
    start, length = c_void_p(), c_size_t()
    lib.maas_tensor_string(tensor, index, byref(start), byref(length))
    return string_at(start.value or 0, length.value).decode(errors="surrogateescape") if length.value else ""
