"""onnxruntime's names: programs written for its common part run on maas as they are."""

from __future__ import annotations

import itertools
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .binding import Binding
from .dtypes import element_type as number_of
from .dtypes import name_of
from .errors import InvalidArgument, Unsupported
from .model import Model, ModelMetadata, NodeArg
from .options import RunOptions, SessionOptions
from .session import Session
from .tensor import Tensor, Wrapping, byte_count
from .values import Value, ValueKind

PROVIDER = "CPUExecutionProvider"

#: Traces of one process within one second.
_traces = itertools.count(1)


def get_available_providers() -> list[str]:
    """What can run models: the CPU."""
    return [PROVIDER]


def get_all_providers() -> list[str]:
    """As `get_available_providers`."""
    return [PROVIDER]


def get_device() -> str:
    """Always "CPU"."""
    return "CPU"


def set_default_logger_severity(severity: int) -> None:
    """Without effect: maas logs nothing unless `set_log_callback` asks for it."""


def set_default_logger_verbosity(verbosity: int) -> None:
    """Without effect, as `set_default_logger_severity`."""


def disable_telemetry_events() -> None:
    """Without effect: maas has no telemetry."""


class InferenceSession(Session):
    """A model ready to run, with onnxruntime's methods."""

    def __init__(
        self,
        path_or_bytes: str | os.PathLike[str] | bytes | Model | Any,
        sess_options: SessionOptions | None = None,
        providers: Sequence[str | tuple[str, Mapping[str, Any]]] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
    ):
        """Opens a path or bytes. Providers other than the CPU get a warning, and the CPU runs the model."""
        if sess_options is not None and not isinstance(sess_options, SessionOptions):
            raise TypeError(f"sess_options is a maas.SessionOptions, not {type(sess_options).__name__}")
        _look_at_providers(providers, provider_options)
        super().__init__(path_or_bytes, sess_options)
        self._session_options = sess_options or SessionOptions()
        self._profiling = self._session_options.enable_profiling
        if self._profiling:
            self.start_profile()

    def get_inputs(self) -> list[NodeArg]:
        """What a run takes, in the model's order: `name`, `shape`, `type`. Initializers are not among them."""
        return self.inputs

    def get_outputs(self) -> list[NodeArg]:
        """What a run gives, in the model's order."""
        return self.outputs

    def get_overridable_initializers(self) -> list[NodeArg]:
        """None: maas takes initializers as constants, also those that are listed as inputs."""
        return []

    def get_modelmeta(self) -> ModelMetadata:
        """What the model file says about itself. `version` is 0 where the file has none."""
        return self.model.metadata

    def get_session_options(self) -> SessionOptions:
        """The options the session was made with; changing them does not touch it."""
        return self._session_options

    def get_providers(self) -> list[str]:
        """What runs the model: the CPU."""
        return [PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """No options for the CPU."""
        return {PROVIDER: {}}

    def set_providers(self, providers: Any = None, provider_options: Any = None) -> None:
        """Checks its arguments as the constructor does; the CPU goes on running the model."""
        _look_at_providers(providers, provider_options)

    def disable_fallback(self) -> None:
        """Without effect: there is one provider."""

    def enable_fallback(self) -> None:
        """Without effect, as `disable_fallback`."""

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """As `run`, with OrtValues in and out. Inputs are used where they are; outputs have memory of their own."""
        feed = {name: value.content for name, value in input_dict_ort_values.items()}
        run = self.run_tensors if self._has_tensors_only else self.run_values
        return [OrtValue(content) for content in run(output_names, feed, run_options)]

    def io_binding(self) -> IOBinding:
        """A binding for this session. Threads that run at once need one each."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Runs once with what is bound. Raises ValueError for a binding of another session, else as `run`."""
        if iobinding.binding.session is not self:
            raise ValueError("the binding belongs to another session; use one made by this session's io_binding()")
        iobinding.binding.run(run_options)

    def end_profiling(self) -> str:
        """Writes the trace and gives its file's name; "" when `enable_profiling` was not set."""
        if not self._profiling:
            return ""
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        path = f"{self._session_options.profile_file_prefix}_{stamp}_{os.getpid()}-{next(_traces)}.json"
        self.stop_profile(path)
        self._profiling = False
        return path


class IOBinding:
    """Inputs and outputs that stay the same over many runs, with onnxruntime's methods."""

    def __init__(self, session: InferenceSession):
        self.binding = Binding(session)
        self._bound: dict[str, None] = {}

    def bind_cpu_input(self, name: str, arr_on_cpu: np.ndarray) -> None:
        """Binds an array, which is read where it is at each run.

        One that is not row-major, aligned and native is copied now. Raises NotFound, TypeMismatch or ShapeMismatch.
        """
        self.binding.set_input(name, arr_on_cpu)

    def bind_input(
        self, name: str, device_type: str, device_id: int, element_type: Any, shape: Sequence[int], buffer_ptr: int
    ) -> None:
        """Binds memory of the caller, which must stay valid while it is bound."""
        _require_cpu(device_type)
        number = number_of(element_type)
        self.binding.set_input_memory(name, number, shape, buffer_ptr, byte_count(number, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Binds the memory of a value, which is read at each run."""
        self.binding.set_input(name, ortvalue.tensor)

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Binds memory of the caller, which must stay valid while bound; without `buffer_ptr`, memory of maas."""
        _require_cpu(device_type)
        if buffer_ptr is None:
            self.binding.set_output(name, None)
        elif element_type is None or shape is None:
            raise ValueError("memory for an output needs its `element_type` and `shape`, too")
        else:
            self.binding.set_output(name, Tensor.at(buffer_ptr, element_type, shape))
        self._bound[name] = None

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Binds the memory of a value, which each run overwrites. A result of another shape is refused by the run."""
        self.binding.set_output(name, ortvalue.tensor)
        self._bound[name] = None

    def synchronize_inputs(self) -> None:
        """Nothing to wait for on a CPU."""

    def synchronize_outputs(self) -> None:
        """Nothing to wait for on a CPU."""

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run in the order they were bound; all, in the model's order, when none was.

        They show the bound memory, which the next run overwrites.
        """
        names = self._bound or [value.name for value in self.binding.session.outputs]
        return [OrtValue(self.binding.output(name)) for name in names]

    def copy_outputs_to_cpu(self) -> list[np.ndarray]:
        """Copies of the outputs of the last run, in the order of `get_outputs`. Raises NotReady before the first."""
        return [value.numpy() for value in self.get_outputs()]

    def clear_binding_inputs(self) -> None:
        """Forgets all inputs."""
        self.binding.clear_inputs()

    def clear_binding_outputs(self) -> None:
        """Forgets all outputs; the next run allocates them."""
        self.binding.clear_outputs()
        self._bound.clear()


class OrtValue(Wrapping):
    """A Tensor, or a Value of another kind, with onnxruntime's methods."""

    def __init__(self, content: Tensor | Value):
        content = content.inside() if isinstance(content, Value) else content
        is_tensor = isinstance(content, Value) and content.kind == ValueKind.TENSOR
        #: What it is in maas: a Tensor if it is one, also in an optional.
        self.content = content.tensor() if is_tensor else content

    @property
    def tensor(self) -> Tensor:
        """The tensor that it is. Raises TypeMismatch when it is none."""
        return self.content if isinstance(self.content, Tensor) else self.content.tensor()

    @classmethod
    def ortvalue_from_numpy(cls, numpy_obj: np.ndarray, device_type: str = "cpu", device_id: int = 0) -> OrtValue:
        """A value over the array's own memory."""
        _require_cpu(device_type)
        return cls(Tensor.from_numpy(numpy_obj))

    @classmethod
    def ortvalue_from_numpy_with_onnx_type(cls, data: np.ndarray, /, onnx_element_type: int) -> OrtValue:
        """A value over the array's own memory, whose bits are elements of another type of the same size."""
        return cls(Tensor.from_numpy(data, element_type=onnx_element_type))

    @classmethod
    def ortvalue_from_shape_and_type(
        cls, shape: Sequence[int], element_type: Any, device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """A value with memory of its own, all zero."""
        _require_cpu(device_type)
        return cls(Tensor.zeros(shape, element_type))

    @classmethod
    def from_dlpack(cls, data: Any) -> OrtValue:
        """A value over the memory of anything with `__dlpack__` that lies in main memory."""
        return cls(Tensor.from_dlpack(data))

    def numpy(self) -> np.ndarray:
        """A copy of the elements."""
        return self.tensor.numpy().copy()

    def update_inplace(self, data: Any) -> None:
        """Overwrites the elements with those of an array or value of the same dtype and shape."""
        self.tensor.copy_from(data.tensor if isinstance(data, OrtValue) else data)

    def shape(self) -> list[int]:
        """The sizes, outermost first."""
        return list(self.tensor.shape)

    def element_type(self) -> int:
        """ONNX's number of the element type."""
        return self.tensor.element_type

    def data_type(self) -> str:
        """As onnxruntime writes it, e.g. "tensor(float)" or "seq(tensor(float))"."""
        return f"tensor({name_of(self.tensor.element_type)})" if self.is_tensor() else self.content.type

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.tensor.address

    def tensor_size_in_bytes(self) -> int:
        """Bytes of all elements."""
        return self.tensor.nbytes

    def device_name(self) -> str:
        """Always "cpu"."""
        return "cpu"

    def has_value(self) -> bool:
        """False for an optional with nothing in it."""
        return self.is_tensor() or not self.content.is_empty()

    def is_tensor(self) -> bool:
        """Whether it is a tensor."""
        return isinstance(self.content, Tensor)

    def is_sparse_tensor(self) -> bool:
        """False."""
        return False

    def is_tensor_sequence(self) -> bool:
        """Whether it is a sequence of tensors."""
        return not self.is_tensor() and self.content.type.startswith("seq(tensor(")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.tensor.__array__(dtype, copy)

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.tensor.__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.tensor.__dlpack_device__()


def _require_cpu(device_type: str) -> None:
    if device_type.lower() != "cpu":
        raise Unsupported(f"maas runs on CPUs: expected device 'cpu', found {device_type!r}")


def _look_at_providers(providers: Any, provider_options: Any) -> None:
    """Accepts what onnxruntime accepts, and says what has no effect."""
    if providers is None:
        return
    if isinstance(providers, str) or not isinstance(providers, Sequence):
        raise InvalidArgument(f"providers is a list of names: expected [{PROVIDER!r}], found {providers!r}")
    if provider_options is not None and len(provider_options) != len(providers):
        raise InvalidArgument(
            f"providers and provider_options must have one length: found {len(providers)} and {len(provider_options)}"
        )
    for provider in providers:
        name = provider[0] if isinstance(provider, tuple) and provider else provider
        if not isinstance(name, str):
            raise InvalidArgument(f"a provider is a name, or a name and its options: found {provider!r}")
        if name != PROVIDER:
            warnings.warn(f"maas has no provider {name!r}; {PROVIDER!r} runs the model", stacklevel=4)
