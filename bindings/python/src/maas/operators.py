"""Operators of the caller's own, written in Python."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from ctypes import byref, c_char_p, c_int64, c_size_t
from typing import Any

import numpy as np

from .abi import OperatorFunction, encoded, failed_callback, lib
from .dtypes import element_type
from .errors import InvalidArgument, NotFound
from .handle import Closing, LentTensor, NodePointer, OperatorsHandle, ValuePointer
from .memory import RELEASE, borrow, borrowed, refused
from .model import NodeArg, described
from .tensor import Tensor, as_array

#: What an output is: as an input, or an element type and dimensions. A dimension is a number, a symbol, or None where
#: it is not known; None for all of them where not even their number is.
OutputInfo = NodeArg | tuple[Any, Sequence[int | str | None] | None]


class Node:
    """A node of the model while one of its operator's functions works for it; afterwards it is closed."""

    def __init__(self, pointer: int):
        self._as_parameter_: NodePointer | None = NodePointer(pointer)

    def _count(self, function: Callable[..., None]) -> int:
        count = c_size_t()
        function(self, byref(count))
        return count.value

    @property
    def input_count(self) -> int:
        """How many inputs the node has, those left out before others included."""
        return self._count(lib.maas_node_input_count)

    @property
    def output_count(self) -> int:
        """How many outputs the node has, those left out before others included."""
        return self._count(lib.maas_node_output_count)

    @property
    def inputs(self) -> list[NodeArg | None]:
        """What is known of the inputs; None for one that is left out."""
        return [self._info(index) for index in range(self.input_count)]

    def _info(self, index: int) -> NodeArg | None:
        info = ValuePointer()
        lib.maas_node_input_info(self, index, byref(info))
        return described(info) if info else None

    def constant(self, index: int) -> np.ndarray | None:
        """The elements of an input, if the model has it as a constant."""
        tensor = self._tensor(lib.maas_node_input, index)
        return None if tensor is None else tensor.numpy().copy()

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute: an int, float or str, or an array; `default` where the node does not have it."""
        value = LentTensor()
        try:
            lib.maas_node_attribute(self, encoded(name, "a name"), byref(value))
        except NotFound:
            return default
        array = Tensor(value, writable=False).numpy().copy()
        return array if array.ndim else array.item()

    def _tensor(self, function: Callable[..., None], index: int) -> Tensor | None:
        handle = LentTensor()
        function(self, index, byref(handle))
        return Tensor(handle, writable=False) if handle else None

    def _set_shape(self, index: int, info: OutputInfo) -> None:
        dtype, dims = (info.element_type, info.dims) if isinstance(info, NodeArg) else info
        known = [] if dims is None else list(dims)
        sizes = [-1 if dim is None or isinstance(dim, str) else int(dim) for dim in known]
        symbols = [encoded(dim, "a symbol") if isinstance(dim, str) else None for dim in known]
        count = len(known)
        lib.maas_node_set_shape(
            self, index, element_type(dtype), (c_int64 * count)(*sizes), (c_char_p * count)(*symbols),
            -1 if dims is None else count,
        )  # fmt: skip

    def _set_output(self, index: int, value: Any) -> None:
        place = self._tensor(lib.maas_node_output, index)
        array = as_array(value, None if place is None else place.dtype)
        if place is None and array.base is not None:
            array = array.copy()  # it may be an input, and is kept beyond the call
        lib.maas_node_set_output(self, index, Tensor.from_numpy(array))


ShapeFunction = Callable[[Node], OutputInfo | list[OutputInfo]]
ComputeFunction = Callable[..., Any]


class _Operator:
    """What was added under one name."""

    def __init__(self, shape: ShapeFunction, compute: ComputeFunction):
        self._shape = shape
        self._compute = compute

    def shape(self, node: Node) -> None:
        infos = self._shape(node)
        for index, info in enumerate(_each(infos, list, node.output_count, "shape")):
            node._set_shape(index, info)

    def compute(self, node: Node) -> None:
        for index, reference in enumerate(self._computed(node)):
            if reference() is not None:
                raise InvalidArgument(
                    f"the compute function keeps input {index}, whose memory is lent for the call: keep a copy"
                )

    def _computed(self, node: Node) -> list[Callable[[], Any]]:
        """Gives the outputs; returns references to the arrays that must not be there any more."""
        inputs = [node._tensor(lib.maas_node_input, index) for index in range(node.input_count)]
        arrays = [None if tensor is None else tensor.numpy() for tensor in inputs]
        results = self._compute(node, *arrays)
        for index, value in enumerate(_each(results, (list, tuple), node.output_count, "compute")):
            if value is not None:
                node._set_output(index, value)
        # Strings, and elements below a byte, are copies: they have no base.
        return [_nothing if array is None or array.base is None else weakref.ref(array) for array in arrays]


def _nothing() -> None:
    """A reference to no array."""


def _each(found: Any, several: Any, count: int, what: str) -> Sequence[Any]:
    """One for each output, from a single one or several."""
    values: Sequence[Any] = found if isinstance(found, several) else [found]
    if len(values) != count:
        raise InvalidArgument(f"the {what} function gives {len(values)} outputs: expected {count}")
    return values


def _guarded(work: Callable[[_Operator, Node], None]) -> Any:
    """What libmaas can call: an exception becomes a status and a message."""

    def call(number: int, pointer: int) -> int:
        node = Node(pointer)
        try:
            work(borrowed(number), node)
            return 0
        except BaseException as error:
            import traceback  # which costs every start of a program more than it is worth

            # The frames have arrays over memory that is not there any more when somebody looks at them.
            traceback.clear_frames(error.__traceback__)
            return failed_callback(error)
        finally:
            node._as_parameter_ = None

    return OperatorFunction(call)


_SHAPE = _guarded(_Operator.shape)
_COMPUTE = _guarded(_Operator.compute)


class CustomOperators(Closing):
    """Operators for the nodes of domains other than ai.onnx, see `SessionOptions.register_custom_ops`.

    What is added counts for models that are opened afterwards. Sessions keep the operators that they use.
    """

    def __init__(self) -> None:
        self._as_parameter_ = OperatorsHandle()
        lib.maas_operators_create(byref(self._as_parameter_))

    def add(
        self, domain: str, name: str, shape: ShapeFunction, compute: ComputeFunction, *, since_version: int = 1
    ) -> None:
        """Adds an operator as it is from a version of its domain on, up to the next version that is added.

        `shape(node)` says what the outputs are: one `OutputInfo`, or a list of them. It is called when a model is
        opened, with what can be known then, and for each set of input shapes that is run.

        `compute(node, *inputs)` is called once in each run, on the thread that runs. Inputs are read-only arrays over
        maas's memory, None for those left out, and must not be kept after the call. It returns an array, or one for
        each output. Exceptions of both become a MaasError with their text and as its `__cause__`.
        """
        if not callable(shape) or not callable(compute):
            raise TypeError("shape and compute are functions")
        number = borrow(_Operator(shape, compute))
        try:
            lib.maas_operators_add(
                self, encoded(domain, "a domain"), encoded(name, "a name"), since_version, _SHAPE, _COMPUTE, RELEASE,
                number,
            )  # fmt: skip
        except BaseException:
            refused(number)
            raise

    def operator(
        self, domain: str, name: str, *, shape: ShapeFunction, since_version: int = 1
    ) -> Callable[[ComputeFunction], ComputeFunction]:
        """`add` as a decorator of the compute function."""

        def decorate(compute: ComputeFunction) -> ComputeFunction:
            self.add(domain, name, shape, compute, since_version=since_version)
            return compute

        return decorate
