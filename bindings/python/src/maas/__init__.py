"""maas: loads ONNX models and runs them on CPUs.

    import maas
    session = maas.InferenceSession("model.onnx")
    [answer] = session.run(None, {session.get_inputs()[0].name: array})

`InferenceSession`, `SessionOptions`, `RunOptions`, `IOBinding` and `OrtValue` are what onnxruntime calls so; `Session`,
`Model`, `Binding` and `Tensor` are maas's own plain classes below them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .abi import lib as _lib
from .abi import library_path
from .abi import text as _text
from .errors import (
    BufferTooSmall,
    Busy,
    Cancelled,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    InvalidModel,
    IoError,
    LimitExceeded,
    MaasError,
    MissingInput,
    NotFound,
    NotReady,
    OutOfMemory,
    OutOfRange,
    ShapeMismatch,
    TypeMismatch,
    Unsupported,
)

if TYPE_CHECKING:
    from .binding import Binding
    from .log import LogLevel, set_log_callback
    from .model import Model, ModelMetadata, NodeArg
    from .operators import CustomOperators, Node
    from .options import ExecutionMode, GraphOptimizationLevel, RunOptions, SessionOptions
    from .ort import (
        InferenceSession,
        IOBinding,
        OrtValue,
        disable_telemetry_events,
        get_all_providers,
        get_available_providers,
        get_device,
        set_default_logger_severity,
        set_default_logger_verbosity,
    )
    from .pool import set_threads, threads
    from .quantization import QuantizationReport, quantize
    from .session import Session, Statistic
    from .tensor import Tensor
    from .values import Value, ValueKind

__version__ = _text(_lib.maas_version())

__all__ = [
    "Binding",
    "BufferTooSmall",
    "Busy",
    "Cancelled",
    "CustomOperators",
    "DeadlineExceeded",
    "ExecutionMode",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "Internal",
    "InvalidArgument",
    "InvalidModel",
    "IoError",
    "LimitExceeded",
    "LogLevel",
    "MaasError",
    "MissingInput",
    "Model",
    "ModelMetadata",
    "Node",
    "NodeArg",
    "NotFound",
    "NotReady",
    "OrtValue",
    "OutOfMemory",
    "OutOfRange",
    "QuantizationReport",
    "RunOptions",
    "Session",
    "SessionOptions",
    "ShapeMismatch",
    "Statistic",
    "Tensor",
    "TypeMismatch",
    "Unsupported",
    "Value",
    "ValueKind",
    "__version__",
    "disable_telemetry_events",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "library_path",
    "quantize",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
    "set_log_callback",
    "set_threads",
    "threads",
]

#: Modules that are imported when they, or names that they give to the package, are asked for: training needs few.
_LAZY = {
    "binding": ("Binding",),
    "log": ("LogLevel", "set_log_callback"),
    "model": ("Model", "ModelMetadata", "NodeArg"),
    "operators": ("CustomOperators", "Node"),
    "options": ("ExecutionMode", "GraphOptimizationLevel", "RunOptions", "SessionOptions"),
    "ort": (
        "IOBinding",
        "InferenceSession",
        "OrtValue",
        "disable_telemetry_events",
        "get_all_providers",
        "get_available_providers",
        "get_device",
        "set_default_logger_severity",
        "set_default_logger_verbosity",
    ),
    "pool": ("set_threads", "threads"),
    "quantization": ("QuantizationReport", "quantize"),
    "session": ("Session", "Statistic"),
    "tensor": ("Tensor",),
    "values": ("Value", "ValueKind"),
}
_MODULES = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f".{name}", __name__)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})
