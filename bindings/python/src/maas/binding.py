"""Bindings: inputs and outputs that stay the same over many runs."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import TYPE_CHECKING, Any

import numpy as np

from .abi import check, encoded, lib, unchecked
from .dtypes import STRING, is_shared
from .errors import InvalidArgument
from .handle import BindingHandle, Closing, TensorHandle
from .memory import returned
from .options import RunOptions
from .strings import shape_array
from .tensor import Tensor, as_array, dense, unwrapped

if TYPE_CHECKING:
    from .session import Session


_run = unchecked("maas_binding_run")


class Binding(Closing):
    """Checks and looks up once, runs many times. One thread at a time; bindings of one session share all else."""

    def __init__(self, session: Session):
        self.session = session
        self._as_parameter_ = BindingHandle()
        lib.maas_binding_create(session, byref(self._as_parameter_))

    def set_input(self, name: str, value: Any) -> None:
        """Binds an array or Tensor. Write new values into it between runs: its memory is read at each run.

        An array that is not row-major, aligned and native is copied; later changes of it are then not seen.
        """
        lib.maas_binding_set_input(self, encoded(name, "an input's name"), _tensor(value))

    def set_output(self, name: str, value: Tensor | np.ndarray | None) -> None:
        """Binds the array or Tensor that receives an output at each run; None: memory of maas, used by each run."""
        if value is not None:
            value = unwrapped(value)
            value = value if isinstance(value, Tensor) else Tensor.from_numpy(_receiving(name, value))
            if value.element_type == STRING:
                raise InvalidArgument(
                    f"output '{name}': strings cannot be written to memory of the caller; bind the output without a "
                    "value and ask for it after the run"
                )
            if not value._writable:
                raise InvalidArgument(f"output '{name}': the array is read-only; give a writable one")
        lib.maas_binding_set_output(self, encoded(name, "an output's name"), value)

    def set_input_memory(self, name: str, element_type: int, shape: Sequence[int], address: int, nbytes: int) -> None:
        """Binds memory, which must stay valid until something else is bound."""
        lib.maas_binding_set_input_buffer(
            self, encoded(name, "an input's name"), element_type, shape_array(shape), len(shape), address, nbytes
        )

    def set_output_memory(self, name: str, address: int, nbytes: int) -> None:
        """Binds memory for an output of whatever shape; `output(name)` tells which after the run."""
        lib.maas_binding_set_output_buffer(self, encoded(name, "an output's name"), address, nbytes)

    def clear_inputs(self) -> None:
        """Forgets all inputs; a run then raises MissingInput until they are bound again."""
        lib.maas_binding_clear_inputs(self)

    def clear_outputs(self) -> None:
        """Gives all outputs back to maas."""
        lib.maas_binding_clear_outputs(self)

    def run(self, options: RunOptions | None = None) -> None:
        """Runs once with what is bound."""
        if options is not None:
            lib.maas_binding_run(self, options)
            return
        status = _run(self._as_parameter_, None)
        if status or returned:
            check(status, _run, (self,))

    def output(self, name: str) -> Tensor:
        """An output of the last run. It shows the bound memory, which the next run overwrites."""
        handle = TensorHandle()
        lib.maas_binding_output(self, encoded(name, "an output's name"), byref(handle))
        return Tensor(handle)


def _tensor(value: Any) -> Tensor:
    value = unwrapped(value)
    return value if isinstance(value, Tensor) else Tensor.from_numpy(as_array(value))


def _receiving(name: str, array: np.ndarray) -> np.ndarray:
    if not isinstance(array, np.ndarray) or dense(array) is not array or not is_shared(array.dtype):
        raise InvalidArgument(
            f"output '{name}': a result can only be written to a Tensor or a NumPy array that is row-major, aligned, "
            "in the machine's byte order and of numbers of at least a byte"
        )
    return array
