"""The functions of include/maas.h as ctypes sees them; `lib` is the loaded library.

Every function that returns a status is checked, so no call can be made whose failure goes unseen.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, NoReturn

from . import handle
from .errors import InvalidArgument, MaasError, error_class
from .library import load
from .memory import ReleaseFunction, let_go

ABI = (1, 1)

LogFunction = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
OperatorFunction = CFUNCTYPE(c_int, c_void_p, c_void_p)
SampleFunction = CFUNCTYPE(c_int, c_void_p, c_size_t, c_void_p)
EpochFunction = CFUNCTYPE(c_int, c_void_p, c_void_p)


class Status(c_int):
    """A `maas_status`; functions with this result are checked."""


_model, _info, _session = handle.ModelHandle, handle.ValuePointer, handle.SessionHandle
_value, _values = handle.ValueHandle, POINTER(c_void_p)
_options, _run_options = handle.SessionOptionsHandle, handle.RunOptionsHandle
_tensor, _binding = handle.TensorHandle, handle.BindingHandle
_operators, _node = handle.OperatorsHandle, handle.NodePointer
_quantization = handle.QuantizationHandle
_trainer, _trainer_options, _dataset = handle.TrainerHandle, handle.TrainerOptionsHandle, handle.DatasetHandle
_enum, _bytes = c_int, c_void_p
_string, _strings, _pointers = POINTER(c_char_p), POINTER(c_char_p), POINTER(c_void_p)
_size, _number, _dims, _enum_out = POINTER(c_size_t), POINTER(c_int64), POINTER(c_int64), POINTER(c_int)
_model_bytes = (_bytes, c_size_t, _options, ReleaseFunction, c_void_p)
_elements = (_enum, _dims, c_size_t, _bytes, c_size_t)

#: name: (result, arguments…), in the order of the header.
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "maas_version": (c_char_p,),
    "maas_abi_version": (c_uint32,),
    "maas_status_name": (c_char_p, _enum),
    "maas_status_text": (c_char_p, _enum),
    "maas_error_message": (c_char_p,),
    "maas_error_set": (Status, _enum, c_char_p),
    "maas_dtype_name": (c_char_p, _enum),
    "maas_dtype_bits": (c_size_t, _enum),
    "maas_text_free": (None, c_void_p),
    "maas_log_set_callback": (Status, _enum, LogFunction, c_void_p),
    "maas_pool_set_threads": (Status, c_size_t),
    "maas_pool_threads": (Status, _size),
    "maas_session_options_create": (Status, POINTER(_options)),
    "maas_session_options_close": (Status, _options),
    "maas_session_options_set": (Status, _options, c_char_p, c_char_p),
    "maas_session_options_get": (Status, _options, c_char_p, _string),
    "maas_session_options_set_threads": (Status, _options, c_size_t),
    "maas_session_options_set_optimization": (Status, _options, _enum),
    "maas_session_options_set_memory_limit": (Status, _options, c_uint64),
    "maas_session_options_set_copy": (Status, _options, c_int),
    "maas_session_options_set_operators": (Status, _options, _operators),
    "maas_model_open": (Status, c_char_p, _options, POINTER(_model)),
    "maas_model_open_memory": (Status, *_model_bytes, POINTER(_model)),
    "maas_model_close": (Status, _model),
    "maas_model_input_count": (Status, _model, _size),
    "maas_model_output_count": (Status, _model, _size),
    "maas_model_input": (Status, _model, c_size_t, POINTER(_info)),
    "maas_model_output": (Status, _model, c_size_t, POINTER(_info)),
    "maas_model_input_index": (Status, _model, c_char_p, _size),
    "maas_model_output_index": (Status, _model, c_char_p, _size),
    "maas_model_text": (Status, _model, _enum, _string),
    "maas_model_version": (Status, _model, _number),
    "maas_model_ir_version": (Status, _model, _number),
    "maas_model_opset_count": (Status, _model, _size),
    "maas_model_opset": (Status, _model, c_size_t, _string, _number),
    "maas_model_metadata_count": (Status, _model, _size),
    "maas_model_metadata": (Status, _model, c_size_t, _string, _string),
    "maas_value_info_name": (Status, _info, _string),
    "maas_value_info_dtype": (Status, _info, _enum_out),
    "maas_value_info_rank": (Status, _info, _number),
    "maas_value_info_dim": (Status, _info, c_size_t, _number, _string),
    "maas_value_info_type": (Status, _info, _string),
    "maas_tensor_create": (Status, _enum, _dims, c_size_t, POINTER(_tensor)),
    "maas_tensor_copy": (Status, *_elements, POINTER(_tensor)),
    "maas_tensor_borrow": (Status, *_elements, ReleaseFunction, c_void_p, POINTER(_tensor)),
    "maas_tensor_close": (Status, _tensor),
    "maas_tensor_dtype": (Status, _tensor, _enum_out),
    "maas_tensor_shape": (Status, _tensor, POINTER(_dims), _size),
    "maas_tensor_elements": (Status, _tensor, _size),
    "maas_tensor_data": (Status, _tensor, _pointers, _size),
    "maas_tensor_create_strings": (Status, _dims, c_size_t, _strings, _size, c_size_t, POINTER(_tensor)),
    "maas_tensor_read_strings": (Status, _dims, c_size_t, c_void_p, c_void_p, c_size_t, POINTER(_tensor)),
    "maas_tensor_string": (Status, _tensor, c_size_t, _pointers, _size),
    "maas_tensor_strings": (Status, _tensor, c_void_p, c_size_t, _size),
    "maas_tensor_map_strings": (Status, _tensor, c_void_p, c_char_p, c_void_p),
    "maas_value_of_tensor": (Status, _tensor, POINTER(_value)),
    "maas_value_sequence": (Status, _values, c_size_t, POINTER(_value)),
    "maas_value_optional": (Status, _value, POINTER(_value)),
    "maas_value_map": (Status, _tensor, _tensor, POINTER(_value)),
    "maas_value_close": (Status, _value),
    "maas_value_get_kind": (Status, _value, _enum_out),
    "maas_value_count": (Status, _value, _size),
    "maas_value_element": (Status, _value, c_size_t, POINTER(_value)),
    "maas_value_tensor": (Status, _value, POINTER(_tensor)),
    "maas_value_map_entries": (Status, _value, POINTER(_tensor), POINTER(_tensor)),
    "maas_run_options_create": (Status, POINTER(_run_options)),
    "maas_run_options_close": (Status, _run_options),
    "maas_run_options_set_deadline": (Status, _run_options, c_int64),
    "maas_run_options_cancel": (Status, _run_options),
    "maas_run_options_reset": (Status, _run_options),
    "maas_session_create": (Status, _model, _options, POINTER(_session)),
    "maas_session_open": (Status, c_char_p, _options, POINTER(_session)),
    "maas_session_open_memory": (Status, *_model_bytes, POINTER(_session)),
    "maas_session_close": (Status, _session),
    "maas_session_model": (Status, _session, POINTER(_model)),
    "maas_session_run": (
        Status, _session, _run_options, _strings, _pointers, c_size_t, _strings, _pointers, c_size_t,
    ),
    "maas_session_run_values": (
        Status, _session, _run_options, _strings, _values, c_size_t, _strings, _values, c_size_t,
    ),
    "maas_session_statistic": (Status, _session, _enum, _number),
    "maas_session_profile_start": (Status, _session),
    "maas_session_profile_stop": (Status, _session, c_char_p, _pointers),
    "maas_binding_create": (Status, _session, POINTER(_binding)),
    "maas_binding_close": (Status, _binding),
    "maas_binding_set_input": (Status, _binding, c_char_p, _tensor),
    "maas_binding_set_input_buffer": (Status, _binding, c_char_p, *_elements),
    "maas_binding_set_output": (Status, _binding, c_char_p, _tensor),
    "maas_binding_set_output_buffer": (Status, _binding, c_char_p, _bytes, c_size_t),
    "maas_binding_clear_inputs": (Status, _binding),
    "maas_binding_clear_outputs": (Status, _binding),
    "maas_binding_run": (Status, _binding, _run_options),
    "maas_binding_output": (Status, _binding, c_char_p, POINTER(_tensor)),
    "maas_operators_create": (Status, POINTER(_operators)),
    "maas_operators_close": (Status, _operators),
    "maas_operators_add": (
        Status, _operators, c_char_p, c_char_p, c_int64, OperatorFunction, OperatorFunction, ReleaseFunction, c_void_p,
    ),
    "maas_node_input_count": (Status, _node, _size),
    "maas_node_output_count": (Status, _node, _size),
    "maas_node_input_info": (Status, _node, c_size_t, POINTER(_info)),
    "maas_node_input": (Status, _node, c_size_t, POINTER(handle.LentTensor)),
    "maas_node_set_shape": (Status, _node, c_size_t, _enum, _dims, _strings, c_int64),
    "maas_node_output": (Status, _node, c_size_t, POINTER(handle.LentTensor)),
    "maas_node_set_output": (Status, _node, c_size_t, _tensor),
    "maas_node_attribute": (Status, _node, c_char_p, POINTER(handle.LentTensor)),
    "maas_node_int": (Status, _node, c_char_p, _number),
    "maas_node_float": (Status, _node, c_char_p, POINTER(c_float)),
    "maas_node_string": (Status, _node, c_char_p, _string, _size),
    "maas_quantization_create": (Status, POINTER(_quantization)),
    "maas_quantization_close": (Status, _quantization),
    "maas_quantization_set": (Status, _quantization, c_char_p, c_char_p),
    "maas_quantization_set_labels": (Status, _quantization, _number, c_size_t),
    "maas_quantization_set_samples": (Status, _quantization, SampleFunction, c_void_p),
    "maas_sample_set": (Status, c_void_p, c_char_p, _tensor),
    "maas_quantize": (Status, c_char_p, c_char_p, _quantization, _pointers),
    "maas_trainer_options_create": (Status, POINTER(_trainer_options)),
    "maas_trainer_options_close": (Status, _trainer_options),
    "maas_trainer_options_set": (Status, _trainer_options, c_char_p, c_char_p),
    "maas_trainer_create": (Status, c_char_p, _trainer_options, POINTER(_trainer)),
    "maas_trainer_open": (Status, c_char_p, _trainer_options, POINTER(_trainer)),
    "maas_trainer_open_memory": (Status, _bytes, c_size_t, _trainer_options, POINTER(_trainer)),
    "maas_trainer_close": (Status, _trainer),
    "maas_trainer_output_name": (Status, _trainer, _string),
    "maas_trainer_set": (Status, _trainer, c_char_p, c_char_p),
    "maas_dataset_create": (Status, _pointers, c_size_t, _tensor, _tensor, POINTER(_dataset)),
    "maas_dataset_close": (Status, _dataset),
    "maas_trainer_step": (Status, _trainer, _dataset, POINTER(c_float)),
    "maas_epoch_number": (Status, c_void_p, c_char_p, POINTER(c_double)),
    "maas_trainer_fit": (Status, _trainer, _dataset, _dataset, EpochFunction, c_void_p),
    "maas_trainer_history": (Status, _trainer, c_char_p, POINTER(c_double), c_size_t, _size),
    "maas_trainer_metric_name": (Status, _trainer, c_size_t, _string),
    "maas_trainer_evaluate": (Status, _trainer, _dataset, POINTER(c_double), c_size_t),
    "maas_trainer_predict": (Status, _trainer, _pointers, c_size_t, POINTER(_tensor)),
    "maas_trainer_parameter_count": (Status, _trainer, _size),
    "maas_trainer_parameter_name": (Status, _trainer, c_size_t, _string),
    "maas_trainer_parameter": (Status, _trainer, c_char_p, POINTER(_tensor)),
    "maas_trainer_set_parameter": (Status, _trainer, c_char_p, _tensor),
    "maas_trainer_save": (Status, _trainer, c_char_p),
    "maas_trainer_restore": (Status, _trainer, c_char_p),
    "maas_trainer_export": (Status, _trainer, c_char_p),
    "maas_trainer_export_memory": (Status, _trainer, POINTER(_tensor)),
}  # fmt: skip


def check(status: int, _function: Any, arguments: tuple[Any, ...]) -> None:
    """Raises what `status` means. Runs after every call, so it also drops memory that the call gave back."""
    let_go()
    if status:
        if status == InvalidArgument.status:
            _refuse_closed(arguments)
        raise_status(status)


def _refuse_closed(arguments: tuple[Any, ...]) -> None:
    """A closed object is NULL for C, which only says which of its arguments that is."""
    for argument in arguments:
        if getattr(argument, "_as_parameter_", 0) is None:
            raise InvalidArgument(f"the {type(argument).__name__} is closed")


def raise_status(status: int) -> NoReturn:
    """Raises the failure of the last call of this thread."""
    message = text(lib.maas_error_message())
    cause = _failure.taken(message)
    if cause is not None and not isinstance(cause, Exception):
        raise cause  # an interrupt
    raise error_class(status)(message) from cause


class _CallbackFailure(threading.local):
    """The last exception of a callback on this thread, for the call of maas that fails because of it."""

    text = ""
    error: BaseException | None = None

    def taken(self, message: str) -> BaseException | None:
        """The exception, if the message is about it."""
        error, self.error = self.error, None
        return error if message.endswith(self.text) else None


_failure = _CallbackFailure()


def failed_callback(error: BaseException) -> int:
    """Keeps an exception of a callback for the call that led to it; gives the status to return."""
    words = " ".join(str(error).split())
    is_own = isinstance(error, MaasError)
    _failure.text = words if is_own else f"{type(error).__name__}: {words}".removesuffix(": ")
    _failure.error = error
    lib.maas_error_set(0, _failure.text.encode(errors="replace").replace(b"\0", b"?"))
    return max(error.status, 1) if isinstance(error, MaasError) else InvalidArgument.status


def text(value: bytes | None) -> str:
    """A string of C's; "" for none."""
    return (value or b"").decode(errors="replace")


def encoded(value: str, what: str) -> bytes:
    """A string as C takes it. C would not see what comes after a zero byte, so there must be none."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgument(f"{what} cannot have a zero byte: found {value!r}")
    return value.encode(errors="surrogateescape")


def unchecked(name: str) -> Any:
    """A function that gives its status and converts nothing, for calls that cost more to check than to do.

    Every argument must be an object of ctypes or None.
    """
    function = lib[name]
    function.restype = c_int
    return function


class Library(ctypes.CDLL):
    """libmaas. Its functions are declared when they are first used, as programs use few of them."""

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise AttributeError(f"libmaas has no function {name}")
        function = self._declared(name, *FUNCTIONS[name])
        setattr(self, name, function)
        return function

    def _declared(self, name: str, result: Any, *arguments: Any) -> Any:
        try:
            function = self[name]
        except AttributeError:
            raise ImportError(
                f"{self._name} has no function {name}: it is not a libmaas with ABI {ABI[0]}.{ABI[1]}"
            ) from None
        function.argtypes = arguments
        function.restype = c_int if result is Status else result
        if result is Status:
            function.errcheck = check
        return function


def _require_abi(library: Library, path: str) -> None:
    version = library.maas_abi_version()
    major, minor = version >> 16, version & 0xFFFF
    if major != ABI[0] or minor < ABI[1]:
        raise ImportError(f"{path} has ABI {major}.{minor}; this package needs {ABI[0]}.{ABI[1]} or a later {ABI[0]}.x")


def _let_handles_close(library: Library) -> None:
    for name, signature in FUNCTIONS.items():
        if name.endswith("_close"):
            signature[1].close_function = getattr(library, name)


lib, library_path = load(Library)
_require_abi(lib, library_path)
_let_handles_close(lib)
