"""Elements below a byte: NumPy keeps one in a byte, tensors keep two or four, the first in the lowest bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def _shifts(bits: int) -> np.ndarray:
    return np.arange(0, 8, bits, dtype=np.uint8)


def packed(array: np.ndarray, bits: int) -> np.ndarray:
    """The bytes of a tensor with the elements of `array`."""
    codes = np.ascontiguousarray(array).reshape(-1).view(np.uint8) & np.uint8((1 << bits) - 1)
    groups = np.zeros((-(-codes.size * bits // 8), 8 // bits), np.uint8)
    groups.reshape(-1)[: codes.size] = codes
    return np.bitwise_or.reduce(groups << _shifts(bits), axis=1, dtype=np.uint8)


def unpacked(data: np.ndarray, dtype: np.dtype, shape: Sequence[int], bits: int) -> np.ndarray:
    """The elements in the bytes of a tensor as an array of their own."""
    codes = (data[:, None] >> _shifts(bits)) & np.uint8((1 << bits) - 1)
    return codes.reshape(-1)[: math.prod(shape)].view(dtype).reshape(shape)
