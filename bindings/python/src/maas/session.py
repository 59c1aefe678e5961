"""Sessions: models made ready to run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from ctypes import byref, c_char_p, c_int64, c_void_p
from enum import IntEnum
from typing import Any

import numpy as np

from .abi import encoded, lib, text
from .binding import Binding
from .dtypes import dtype_of
from .errors import InvalidArgument, ShapeMismatch
from .handle import Closing, SessionHandle, TensorHandle, ValueHandle
from .model import Model, NodeArg, opened
from .options import RunOptions, SessionOptions
from .prepared import MOST_ARENA_BYTES, Prepared, prepare, signature_of
from .tensor import Tensor, as_array, dense, lend, unwrapped
from .values import Value, array_of


#: For so many threads or shapes a session keeps runs prepared.
_MOST_IDLE = 8


def _idle() -> deque[Prepared]:
    """Runs that no thread is at, those used last at the end. One too many pushes out the first."""
    return deque(maxlen=_MOST_IDLE)


def _put_last(idle: deque[Prepared], unfit: Prepared) -> None:
    """To where it is tried after all others. Not with appendleft, which pushes out what was used last."""
    idle.append(unfit)
    idle.rotate(1)


class Statistic(IntEnum):
    """What `Session.statistic` counts. "Plan" is the one used or made last."""

    STEPS = 0
    ARENA_BYTES = 1
    PACKED_BYTES = 2
    PLANS = 3
    RUNS = 4
    ALLOCATIONS = 5


class Session(Closing):
    """A model ready to run. Any number of threads may run one session at once; Python goes on meanwhile."""

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | Model | Any,
        options: SessionOptions | None = None,
        **named_options: Any,
    ):
        """Opens a path, bytes, or a Model. Options are given as an object or by name, e.g. `threads=2`."""
        if options is None or named_options:
            options = _with(options, named_options)
        handle = SessionHandle()
        if isinstance(source, Model):
            lib.maas_session_create(source, options, byref(handle))
        else:
            opened(source, options, lib.maas_session_open, lib.maas_session_open_memory, handle)
        self._as_parameter_ = handle
        self.model = Model.of_session(self)
        self._inputs_by_name = {value.name: value for value in self.model.inputs}
        self._output_names = [value.name for value in self.model.outputs]
        self._has_tensors_only = all(value.is_tensor for value in self.model.inputs + self.model.outputs)
        self._seen: deque[Any] = deque(maxlen=_MOST_IDLE)
        self._idle = _idle()
        self._prepares = True

    @property
    def inputs(self) -> list[NodeArg]:
        """What a run takes, in the model's order."""
        return self.model.inputs

    @property
    def outputs(self) -> list[NodeArg]:
        """What a run gives, in the model's order."""
        return self.model.outputs

    def __call__(self, *inputs: Any, **named_inputs: Any) -> dict[str, np.ndarray]:
        """Runs once with inputs in the model's order, then those by name; gives all outputs by name."""
        if len(inputs) > len(self.inputs):
            raise TypeError(f"the model has {len(self.inputs)} inputs, {len(inputs)} were given")
        feed = dict(zip((value.name for value in self.inputs), inputs))
        for name in feed.keys() & named_inputs.keys():
            raise TypeError(f"input '{name}' is given twice, by its place and by its name")
        feed.update(named_inputs)
        return dict(zip(self._output_names, self.run(None, feed)))

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Any]:
        """Runs once and gives the outputs asked for, or all when `output_names` is None or empty.

        Arrays are used where they are if they are row-major, aligned and in the machine's byte order, else copied. An
        input may also be a Tensor, an OrtValue, anything with `__dlpack__`, or Python numbers. The outputs belong to
        the caller: no other run or object writes to them, and they outlive the session. Only what they need is
        computed. Sequences are lists, optionals None or what is there, maps dicts.

        Any number of threads may call this at once; each goes on without Python's lock until its run is over. Raises
        NotFound, MissingInput, TypeMismatch, ShapeMismatch, OutOfRange, OutOfMemory, LimitExceeded, Cancelled or
        DeadlineExceeded.
        """
        if run_options is not None:
            _require_run_options(run_options)
        idle = self._idle
        if idle and (output_names is None or output_names == self._output_names) and isinstance(input_feed, dict):
            # Here and not in a function, whose call a small model's run would feel.
            try:
                prepared = idle.pop()
                results = prepared.run(input_feed, run_options)
                if results is not None:
                    idle.append(prepared)
                    return results
                results = self._run_another(idle, prepared, input_feed, run_options)
                if results is not None:
                    return results
            except ShapeMismatch:
                # Either the shapes of outputs depend on more than those of inputs, or this run fails in any way.
                self._prepares = False
            except IndexError:
                pass  # other threads were quicker
        if not self._has_tensors_only:
            return [value.python() for value in self.run_values(output_names, input_feed, run_options)]
        if output_names is not None and not self._are_all(output_names):
            return [tensor.numpy() for tensor in self.run_tensors(output_names, input_feed, run_options)]
        return self._run_and_prepare(input_feed, run_options)

    def _are_all(self, output_names: Any) -> bool:
        """Whether these are the names of all outputs, in order, or no names, which stands for them."""
        return isinstance(output_names, (list, tuple)) and list(output_names) in ([], self._output_names)

    def _run_another(
        self, idle: deque[Prepared], unfit: Prepared, feed: dict[str, Any], options: RunOptions | None
    ) -> list[np.ndarray] | None:
        """Runs with what else is prepared for the dtypes and shapes of `feed`; None when nothing is."""
        for _ in range(len(idle)):
            # At once: other threads would miss it and prepare another.
            _put_last(idle, unfit)
            unfit = idle.pop()
            results = unfit.run(feed, options)
            if results is not None:
                idle.append(unfit)
                return results
        _put_last(idle, unfit)
        return None

    def _run_and_prepare(self, feed: Mapping[str, Any], options: RunOptions | None) -> list[np.ndarray]:
        """Runs; the second time with the same shapes, prepares for more."""
        results = [tensor.numpy() for tensor in self.run_tensors(None, feed, options)]
        if self._prepares and self.statistic(Statistic.ARENA_BYTES) <= MOST_ARENA_BYTES:
            signature = signature_of(feed, results)
            if signature in self._seen:
                if self._as_parameter_ is not None:
                    self._prepare(feed, results)
            elif signature is not None:
                self._seen.append(signature)
        return results

    def _prepare(self, feed: Mapping[str, Any], results: list[np.ndarray]) -> None:
        """Prepares runs like the one that gave `results`, unless its outputs are not what the model declares."""
        try:
            self._idle.append(prepare(self, dict(feed), results))
        except ShapeMismatch:
            self._prepares = False

    def close(self) -> None:
        """Gives the session back, now or when the last run of it returns. Closing twice is fine."""
        super().close()
        # What runs of other threads give back goes to the old list, and with it when they return.
        self._idle = _idle()

    def run_tensors(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Tensor]:
        """As `run`, with Tensors instead of arrays."""
        # The arrays are named here to live until the call is over.
        names, handles, _arrays = self._feed(input_feed)
        wanted, outputs = self._call(lib.maas_session_run, run_options, names, handles, output_names)
        tensors = {name: Tensor(TensorHandle(output)) for name, output in outputs.items()}
        return [tensors[name] for name in wanted]

    def run_values(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Value]:
        """As `run`, with Values instead of arrays, for models of any kind of inputs and outputs."""
        _require_mapping(input_feed)
        values = [self._value(name, value) for name, value in input_feed.items()]
        names, handles = [encoded(name, "an input's name") for name in input_feed], [v._as_parameter_ for v in values]
        wanted, outputs = self._call(lib.maas_session_run_values, run_options, names, handles, output_names)
        types = {encoded(value.name, "an output's name"): value.type for value in self.outputs}
        results = {name: Value(ValueHandle(output), types[name]) for name, output in outputs.items()}
        return [results[name] for name in wanted]

    def _call(
        self, function: Any, options: RunOptions | None, names: list[bytes], handles: list[Any],
        output_names: Sequence[str] | None,
    ) -> tuple[list[bytes], dict[bytes, int | None]]:  # fmt: skip
        """The names of the outputs asked for, and a new handle for each that is among them."""
        if options is not None:
            _require_run_options(options)
        wanted = self._wanted(output_names)
        distinct = list(dict.fromkeys(wanted))
        outputs = (c_void_p * len(distinct))()
        function(
            self, options,
            (c_char_p * len(names))(*names), array_of(handles), len(handles),
            (c_char_p * len(distinct))(*distinct), outputs, len(distinct),
        )  # fmt: skip
        return wanted, dict(zip(distinct, outputs))

    def _value(self, name: str, value: Any) -> Value:
        known = self._inputs_by_name.get(name)
        declared = (known.type, known.element_type) if known else ("", 0)
        made = Value.of(value, *declared, what=f"input '{name}'")
        if made._as_parameter_ is None:
            raise InvalidArgument(f"input '{name}': the value is closed")
        return made

    def _wanted(self, output_names: Sequence[str] | None) -> list[bytes]:
        if isinstance(output_names, str):
            raise TypeError(f"output_names is a list of names: write [{output_names!r}]")
        names = self._output_names if output_names is None or len(output_names) == 0 else output_names
        return [encoded(name, "an output's name") for name in names]

    def _feed(self, input_feed: Mapping[str, Any]) -> tuple[list[bytes], list[TensorHandle], list[np.ndarray]]:
        _require_mapping(input_feed)
        names, handles, arrays = [], [], []
        for name, value in input_feed.items():
            names.append(encoded(name, "an input's name"))
            value = unwrapped(value)
            if isinstance(value, Value):
                value = value.tensor()
            if isinstance(value, Tensor):
                handles.append(value._as_parameter_ or TensorHandle())
                continue
            array = dense(self._array(name, value))
            arrays.append(array)
            handles.append(lend(array, f"input '{name}'"))
        return names, handles, arrays

    def _array(self, name: str, value: Any) -> np.ndarray:
        if isinstance(value, np.ndarray):
            return value
        known = self._inputs_by_name.get(name)
        return as_array(value, dtype_of(known.element_type, f"input '{name}'") if known else None)

    def bind(self) -> Binding:
        """Inputs and outputs that stay the same over many runs. Threads that run at once need a binding each."""
        return Binding(self)

    def statistic(self, which: Statistic) -> int:
        """A number about the session; 0 before the first plan."""
        number = c_int64()
        lib.maas_session_statistic(self, which, byref(number))
        return number.value

    def start_profile(self) -> None:
        """Starts recording the time of every step of every run. Raises Busy when that is already so."""
        lib.maas_session_profile_start(self)

    def stop_profile(self, path: str | os.PathLike[str] | None = None) -> str:
        """Stops recording; gives the trace as JSON for Chrome's trace viewer, and writes it to `path` when given."""
        trace = c_void_p()
        lib.maas_session_profile_stop(self, os.fsencode(path) if path is not None else None, byref(trace))
        try:
            return text(c_char_p(trace.value).value)
        finally:
            lib.maas_text_free(trace)


def _require_mapping(input_feed: Any) -> None:
    if not isinstance(input_feed, Mapping):
        raise TypeError(f"input_feed is a dict of names and arrays, not {type(input_feed).__name__}")


def _require_run_options(options: Any) -> None:
    if not isinstance(options, RunOptions):
        raise TypeError(f"run_options is a maas.RunOptions, not {type(options).__name__}")


def _with(options: SessionOptions | None, named: Mapping[str, Any]) -> SessionOptions | None:
    if not named:
        return options
    if options is not None:
        raise TypeError("options are given as an object or by name, not both")
    return SessionOptions(**named)
