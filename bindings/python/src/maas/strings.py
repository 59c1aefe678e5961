"""Tensors of strings, which NumPy has as objects or as text of one width. They are always copied."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_int64, c_size_t, c_void_p
from typing import Any

import numpy as np

from .abi import check, lib, library_path
from .errors import TypeMismatch
from .handle import TensorHandle


def shape_array(shape: Sequence[int]) -> Any:
    """Dimensions as C takes them."""
    return (c_int64 * len(shape))(*shape)


def _python(name: str, *arguments: Any) -> Any:
    """A function of libmaas that calls functions of Python's, and so must keep its lock."""
    function = getattr(ctypes.PyDLL(library_path, handle=lib._handle), name)
    function.argtypes = arguments
    return function


_AS_UTF8 = ctypes.cast(ctypes.pythonapi.PyUnicode_AsUTF8AndSize, c_void_p)
_DECODE = ctypes.cast(ctypes.pythonapi.PyUnicode_DecodeUTF8, c_void_p)
_read = _python("maas_tensor_read_strings", c_void_p, c_size_t, c_void_p, c_void_p, c_size_t, c_void_p)
_map = _python("maas_tensor_map_strings", c_void_p, c_void_p, c_char_p, c_void_p)


def tensor_of(array: np.ndarray, what: str) -> TensorHandle:
    """A tensor with the strings of an array: UTF-8 for `str`, `bytes` as they are. `what` names it in the error."""
    handle = TensorHandle()
    if _was_read(array, handle):
        return handle
    texts = [_encoded(element, array.dtype, what) for element in array.ravel().tolist()]
    starts, lengths = (c_char_p * len(texts))(*texts), (c_size_t * len(texts))(*map(len, texts))
    lib.maas_tensor_create_strings(
        shape_array(array.shape), array.ndim, starts, lengths, len(texts), byref(handle)
    )
    return handle


def _was_read(array: np.ndarray, handle: TensorHandle) -> bool:
    """Makes the tensor where all elements are `str` that are Unicode, as they mostly are."""
    shape, objects = array.shape, np.ascontiguousarray(array, object)
    try:
        return not _read(shape_array(shape), len(shape), objects.ctypes.data, _AS_UTF8, array.size, byref(handle))
    except (TypeError, UnicodeEncodeError):
        return False


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
    # What is written over are references to None, which nobody needs to count.
    array = np.empty(shape, object)
    check(_map(tensor._as_parameter_, _DECODE, b"surrogateescape", array.ctypes.data), _map, (tensor,))
    return array
