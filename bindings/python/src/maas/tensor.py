"""Tensors, and the way between NumPy arrays and them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int, c_int64, c_size_t, c_void_p
from typing import Any

import numpy as np

from .abi import lib
from . import strings
from .dtypes import PACKED_BITS, STRING, dtype_of, element_type, is_shared, name_of, number_of
from .errors import InvalidArgument, ShapeMismatch, TypeMismatch
from .handle import Closing, TensorHandle
from .memory import RELEASE, ReleaseFunction, borrow, refused
from .packed import packed, unpacked
from .strings import shape_array

_NO_RELEASE = ReleaseFunction()


def byte_count(element_type: int, shape: Sequence[int]) -> int:
    """Bytes of a tensor; of elements below a byte, the last byte is filled up."""
    bits: int = lib.maas_dtype_bits(element_type)
    return (math.prod(shape) * bits + 7) // 8


def dense(array: np.ndarray) -> np.ndarray:
    """`array` as tensors are: row-major without gaps, aligned, in the machine's byte order; itself if it is so."""
    flags = array.flags
    # NumPy calls all arrays without elements aligned.
    aligned = flags.aligned and (array.size > 0 or array.ctypes.data % array.dtype.alignment == 0)
    if flags.c_contiguous and aligned and array.dtype.isnative:
        return array
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


class Wrapping:
    """A class around a Tensor or a Value, which is taken in its place."""

    content: Any


def unwrapped(value: Any) -> Any:
    """The Tensor or Value in an OrtValue; else the value itself."""
    return value.content if isinstance(value, Wrapping) else value


def as_array(value: Any, expected: np.dtype | None = None) -> np.ndarray:
    """What callers may give for a tensor as an array, without a copy where it already has one.

    Arrays and everything that speaks DLPack keep their dtype. Python's numbers and lists have none: they take
    `expected` if that loses nothing but precision, also when 1 becomes True.
    """
    value = unwrapped(value)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Tensor):
        return value.numpy()
    if hasattr(value, "__dlpack__"):
        return _from_dlpack(value)
    array = np.asarray(value)
    if hasattr(value, "dtype") or expected is None or array.dtype.kind not in "biuf":
        return array
    converted = array.astype(expected)
    return array if expected.kind in "biu" and not np.array_equal(converted, array) else converted


def _from_dlpack(value: Any) -> np.ndarray:
    try:
        return np.from_dlpack(value)
    except BufferError as error:
        raise TypeMismatch(
            f"a {type(value).__name__} cannot be read through DLPack: {error}; give a NumPy array or a maas.OrtValue"
        ) from error


def lend(array: np.ndarray, what: str) -> TensorHandle:
    """A tensor over the memory of a dense array, which must outlive it, or a copy of what tensors keep otherwise."""
    return _over(array, what, _NO_RELEASE, None)


def _require_size(array: np.ndarray, element_type: int) -> None:
    bits: int = lib.maas_dtype_bits(element_type)
    if bits != array.itemsize * 8:
        raise TypeMismatch(
            f"elements of {array.dtype} cannot be read as {name_of(element_type)}: "
            f"expected {bits} bits, found {array.itemsize * 8}"
        )


def _over(
    array: np.ndarray, what: str, release: Any, context: int | None, element_type: int | None = None
) -> TensorHandle:
    handle = TensorHandle()
    number = number_of(array.dtype, what) if element_type is None else element_type
    if number == STRING:
        return strings.tensor_of(array, what)
    if number in PACKED_BITS:
        data = packed(array, PACKED_BITS[number])
        lib.maas_tensor_copy(
            number, shape_array(array.shape), array.ndim, data.ctypes.data, data.nbytes, byref(handle)
        )
        return handle
    lib.maas_tensor_borrow(
        number, shape_array(array.shape), array.ndim, array.ctypes.data, array.nbytes, release, context, byref(handle),
    )  # fmt: skip
    return handle


class _Memory:
    """Shows NumPy the memory of a tensor; the array keeps this object, and this object the tensor's handle."""

    def __init__(self, tensor: Tensor, dtype: np.dtype, shape: tuple[int, ...]):
        self._handle = tensor._as_parameter_
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            # Only NumPy's own types can be named here; the others are shown as bytes.
            "typestr": dtype.str if dtype.isbuiltin == 1 else f"|V{dtype.itemsize}",
            "data": (tensor.address, not tensor._writable),
        }


class Tensor(Closing):
    """An n-dimensional dense array that libmaas can use in place; NumPy and DLPack see its memory without a copy."""

    def __init__(self, handle: TensorHandle, writable: bool = True):
        self._as_parameter_ = handle
        self._writable = writable

    @classmethod
    def from_numpy(cls, array: np.ndarray, element_type: int | None = None) -> Tensor:
        """A tensor over the memory of `array`, or of a copy when that is not row-major, aligned and native.

        Strings and elements below a byte are copied, too, as tensors keep them in another way.
        `element_type`, a number of ONNX's, says that the array's bits are elements of that type, of the same size.
        """
        array = dense(np.asarray(array))
        if element_type is not None:
            _require_size(array, element_type)
        elif not is_shared(array.dtype):
            return cls(_over(array, "", _NO_RELEASE, None), writable=number_of(array.dtype) != STRING)
        number = borrow(array)
        try:
            return cls(_over(array, "", RELEASE, number, element_type), array.flags.writeable)
        except BaseException:
            refused(number)
            raise

    @classmethod
    def from_dlpack(cls, source: Any) -> Tensor:
        """A tensor over the memory of anything with `__dlpack__` that lies in main memory, e.g. a torch tensor."""
        return cls.from_numpy(_from_dlpack(source))

    @classmethod
    def zeros(cls, shape: Sequence[int], dtype: Any = np.float32) -> Tensor:
        """A tensor with memory of its own, all zero. `dtype` is a NumPy type or a number of ONNX's."""
        handle = TensorHandle()
        lib.maas_tensor_create(element_type(dtype), shape_array(shape), len(shape), byref(handle))
        return cls(handle)

    @classmethod
    def at(cls, address: int, dtype: Any, shape: Sequence[int]) -> Tensor:
        """A tensor over memory at `address`, which must outlive it."""
        number, handle = element_type(dtype), TensorHandle()
        lib.maas_tensor_borrow(
            number, shape_array(shape), len(shape), address, byte_count(number, shape), _NO_RELEASE, None, byref(handle)
        )
        return cls(handle)

    @property
    def element_type(self) -> int:
        """ONNX's number of the element type."""
        number = c_int()
        lib.maas_tensor_dtype(self, byref(number))
        return number.value

    @property
    def dtype(self) -> np.dtype:
        """The NumPy type of the elements. Raises Unsupported where NumPy has none."""
        return dtype_of(self.element_type)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, outermost first."""
        dims, rank = POINTER(c_int64)(), c_size_t()
        lib.maas_tensor_shape(self, byref(dims), byref(rank))
        return tuple(dims[: rank.value])

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        size = c_size_t()
        lib.maas_tensor_data(self, None, byref(size))
        return size.value

    @property
    def address(self) -> int:
        """Where the first element is."""
        data = c_void_p()
        lib.maas_tensor_data(self, byref(data), None)
        return data.value or 0

    def numpy(self) -> np.ndarray:
        """An array over the tensor's memory, which stays as long as the array does, also after `close()`.

        Strings are copied to an array of objects, elements below a byte to one with a byte for each.
        """
        number = self.element_type
        if number == STRING:
            return strings.array_of(self, self.shape)
        dtype = dtype_of(number)
        if number in PACKED_BITS:
            return unpacked(self._bytes(), dtype, self.shape, PACKED_BITS[number])
        array = np.asarray(_Memory(self, dtype, self.shape))
        return array if array.dtype == dtype else array.view(dtype)

    def _bytes(self) -> np.ndarray:
        return np.asarray(_Memory(self, np.dtype(np.uint8), (self.nbytes,)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        converted = array if dtype is None else array.astype(dtype, copy=False)
        if copy is False and converted is not array:
            raise ValueError(f"a tensor of {array.dtype} cannot be an array of {np.dtype(dtype)} without a copy")
        return converted.copy() if copy and converted is array else converted

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.numpy().__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # kDLCPU

    def copy_from(self, source: Any) -> None:
        """Overwrites the elements with those of an array of the same dtype and shape."""
        if self.element_type == STRING:
            raise InvalidArgument("the strings of a tensor cannot be changed; make a new one")
        target, array = self.numpy(), as_array(source, self.dtype)
        if not self._writable:
            raise InvalidArgument("the tensor lies over a read-only array and cannot be changed; use a writable one")
        if array.dtype != target.dtype:
            raise TypeMismatch(f"the tensor has another element type: expected {target.dtype}, found {array.dtype}")
        if array.shape != target.shape:
            raise ShapeMismatch(f"the tensor has another shape: expected {target.shape}, found {array.shape}")
        bits = PACKED_BITS.get(self.element_type)
        if bits:
            np.copyto(self._bytes(), packed(array, bits))
        else:
            np.copyto(target, array)

    def __len__(self) -> int:
        return len(self.numpy())

    def __repr__(self) -> str:
        return f"maas.Tensor({self.dtype}, {self.shape})" if self._as_parameter_ else "maas.Tensor(closed)"
