"""Tensors of strings, which NumPy has as objects or as text of one width. They are always copied."""

from __future__ import annotations

import math
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
    texts = [_encoded(element, array.dtype, what) for element in array.ravel().tolist()]
    handle = TensorHandle()
    lib.maas_tensor_create_strings(
        shape_array(array.shape), array.ndim, (c_char_p * len(texts))(*texts), (c_size_t * len(texts))(*map(len, texts)),
        len(texts), byref(handle),
    )  # fmt: skip
    return handle


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
    for index in range(math.prod(shape)):
        flat[index] = _element(tensor, index)
    return array


def _element(tensor: Any, index: int) -> str:
    start, length = c_void_p(), c_size_t()
    lib.maas_tensor_string(tensor, index, byref(start), byref(length))
    return string_at(start.value or 0, length.value).decode(errors="surrogateescape") if length.value else ""
