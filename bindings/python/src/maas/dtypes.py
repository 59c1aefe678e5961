"""Element types: ONNX's numbers, NumPy's types."""

from __future__ import annotations

from typing import Any

import numpy as np

from .abi import lib, text
from .errors import InvalidArgument, TypeMismatch, Unsupported

_NUMPY = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
}

#: Types that NumPy gets from the package ml_dtypes.
_ML_DTYPES = {
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
}

#: Bits of the elements of which a byte of a tensor holds several. In NumPy each has a byte.
PACKED_BITS = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}

#: Strings: in NumPy objects, or text of one width.
STRING = 8

_DTYPES = {number: np.dtype(name) for number, name in _NUMPY.items()}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}
_ML_NUMBERS = {name: number for number, name in _ML_DTYPES.items()}


def name_of(number: int) -> str:
    """ONNX's name of an element type, e.g. "float"."""
    return text(lib.maas_dtype_name(number))


def number_of(dtype: np.dtype, what: str = "") -> int:
    """ONNX's number of a NumPy type. `what` names the array in the error."""
    number = _NUMBERS.get(dtype) or _ML_NUMBERS.get(dtype.name) or (STRING if dtype.kind in "OSUT" else None)
    if number is None:
        raise TypeMismatch(
            f"{what}{': ' if what else ''}a NumPy array of dtype {dtype} cannot be a tensor:"
            " expected numbers, bools or strings"
        )
    return number


def dtype_of(number: int, what: str = "") -> np.dtype:
    """The NumPy type of an element type. `what` names the tensor in the error."""
    dtype = np.dtype(object) if number == STRING else _DTYPES.get(number)
    return _ml_dtype(number, what) if dtype is None else dtype


def is_shared(dtype: np.dtype) -> bool:
    """Whether tensors of such elements lie in memory as arrays do: strings and elements below a byte do not."""
    number = number_of(dtype)
    return number != STRING and number not in PACKED_BITS


def element_type(value: Any) -> int:
    """The number for what onnxruntime takes as an element type: a number of ONNX's or a NumPy type."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if not 1 <= value <= 0x7FFFFFFE:
            raise InvalidArgument(f"{value} is not an element type of ONNX")
        return int(value)
    return number_of(np.dtype(value))


def _ml_dtype(number: int, what: str) -> np.dtype:
    name = _ML_DTYPES.get(number)
    problem = f"{what}{': ' if what else ''}tensors of {name_of(number)} have no NumPy type"
    if name is None:
        raise Unsupported(f"{problem} that maas can use")
    try:
        import ml_dtypes
    except ImportError:
        raise Unsupported(f"{problem} without the package ml_dtypes; install it") from None
    dtype: np.dtype = np.dtype(getattr(ml_dtypes, name))
    return dtype
