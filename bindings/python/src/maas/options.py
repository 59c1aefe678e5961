"""How sessions and runs behave."""

from __future__ import annotations

from ctypes import byref, c_char_p
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from .abi import encoded, lib, text
from .errors import InvalidArgument, NotFound, Unsupported
from .handle import Closing, RunOptionsHandle, SessionOptionsHandle
from .pool import count

if TYPE_CHECKING:
    from .operators import CustomOperators


class GraphOptimizationLevel(IntEnum):
    """onnxruntime's levels. maas has three: none, basic, and all for the others."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(IntEnum):
    """onnxruntime's modes. maas runs the steps of a plan in sequence in either."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class _Named(Closing):
    """An object that refuses attributes it does not have, so that a mistyped option does not go unseen."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            import difflib

            names = [known for known in dir(type(self)) if not known.startswith("_")]
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no option '{name}'{hint}")
        super().__setattr__(name, value)


class ConfigEntries(dict[str, str]):
    """Entries under keys of onnxruntime's, which have a dot: "session.intra_op.allow_spinning"."""

    def keep(self, key: str, value: str) -> bool:
        """Keeps the entry, unless its key is none of onnxruntime's."""
        if "." not in key:
            return False
        self[key] = value
        return True

    def __missing__(self, key: str) -> str:
        raise NotFound(f"there is no entry '{key}'; add it first")


_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"


class SessionOptions(_Named):
    """How to load and run a model. Read when a session is made; changes later do not touch that session."""

    #: Records every step of every run; `InferenceSession.end_profiling()` writes the trace.
    enable_profiling = False
    #: The trace's file is named this, then the time, then ".json".
    profile_file_prefix = "maas_profile_"

    # Known to onnxruntime and without effect here: maas has one way for what they choose.
    enable_cpu_mem_arena = True
    enable_mem_pattern = True
    enable_mem_reuse = True
    execution_mode = ExecutionMode.ORT_SEQUENTIAL
    inter_op_num_threads = 0
    log_severity_level = -1
    log_verbosity_level = 0
    logid = ""
    use_deterministic_compute = False
    use_per_session_threads = True

    def __init__(self, **options: Any):
        self._as_parameter_ = SessionOptionsHandle()
        lib.maas_session_options_create(byref(self._as_parameter_))
        self._level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self._entries = ConfigEntries()
        for name, value in options.items():
            self.set(name, value)

    def set(self, name: str, value: Any) -> None:
        """Sets an option of maas by its name, e.g. `threads`, `memory_limit`, `copy`; `maas.h` lists them.

        Raises NotFound, with the nearest name, for an option that maas does not have.
        """
        word = str(value).lower() if isinstance(value, bool) else str(value)
        lib.maas_session_options_set(self, encoded(name, "an option"), encoded(word, "an option's value"))

    def get(self, name: str) -> str:
        """The value of an option of maas, also when it was never set."""
        value = c_char_p()
        lib.maas_session_options_get(self, encoded(name, "an option"), byref(value))
        return text(value.value)

    def register_custom_ops(self, operators: CustomOperators | None) -> None:
        """Opens models with these operators, in place of those given before; None for none."""
        lib.maas_session_options_set_operators(self, operators)

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Sets an option of maas, or an entry of onnxruntime's, whose keys have a dot.

        Of those, the folder of external data means the same here. The others tune onnxruntime; they are kept for
        `get_session_config_entry` and have no effect.
        """
        if key == _EXTERNAL_DATA_FOLDER:
            self.set("external_data_folder", value)
        if not self._entries.keep(key, value):
            self.set(key, value)

    def get_session_config_entry(self, key: str) -> str:
        """The value of an option of maas, or of an entry that was added. Raises NotFound when it was not."""
        return self._entries[key] if "." in key else self.get(key)

    @property
    def intra_op_num_threads(self) -> int:
        """Most threads a run uses; 0: all that the process has. Results never depend on it."""
        return int(self.get("threads"))

    @intra_op_num_threads.setter
    def intra_op_num_threads(self, threads: int) -> None:
        lib.maas_session_options_set_threads(self, count(threads, "intra_op_num_threads"))

    @property
    def graph_optimization_level(self) -> GraphOptimizationLevel:
        """How far the graph may be changed. ORT_ENABLE_BASIC and below keep the order of arithmetic."""
        return self._level

    @graph_optimization_level.setter
    def graph_optimization_level(self, level: GraphOptimizationLevel) -> None:
        self._level = GraphOptimizationLevel(level)
        lib.maas_session_options_set_optimization(self, min(self._level, 2))

    @property
    def optimized_model_filepath(self) -> str:
        """Always "": maas does not write models."""
        return ""

    @optimized_model_filepath.setter
    def optimized_model_filepath(self, path: str) -> None:
        if path:
            raise Unsupported("maas does not write optimized models; leave optimized_model_filepath empty")


class RunOptions(_Named):
    """When runs stop. One object may serve any number of runs, also at the same time."""

    # Known to onnxruntime and without effect here. Only what the wanted outputs need is computed in any case.
    log_severity_level = -1
    log_verbosity_level = 0
    logid = ""
    only_execute_path_to_fetches = False

    def __init__(self, *, deadline: float | None = None):
        self._as_parameter_ = RunOptionsHandle()
        lib.maas_run_options_create(byref(self._as_parameter_))
        self._terminate = False
        self._entries = ConfigEntries()
        self._deadline: float | None = None
        self.deadline = deadline

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Keeps an entry of onnxruntime's, which has no effect here. Raises NotFound for a key without a dot."""
        if not self._entries.keep(key, value):
            raise NotFound(f"maas has no run option '{key}'")

    def get_run_config_entry(self, key: str) -> str:
        """The value of an entry that was added. Raises NotFound when it was not."""
        return self._entries[key]

    def cancel(self) -> None:
        """Stops all runs that use these options, and lets later ones fail at once, with Cancelled, until `reset()`.

        May be called from any thread while runs go on.
        """
        self._terminate = True
        lib.maas_run_options_cancel(self)

    def reset(self) -> None:
        """Lets runs go on again."""
        self._terminate = False
        lib.maas_run_options_reset(self)

    @property
    def terminate(self) -> bool:
        """onnxruntime's name: setting True is `cancel()`, setting False is `reset()`."""
        return self._terminate

    @terminate.setter
    def terminate(self, value: bool) -> None:
        self.cancel() if value else self.reset()

    @property
    def deadline(self) -> float | None:
        """Seconds after its start at which a run stops with DeadlineExceeded; None for never."""
        return self._deadline

    @deadline.setter
    def deadline(self, seconds: float | None) -> None:
        if seconds is not None and not 0 < seconds < 1e9:
            raise InvalidArgument(
                f"a deadline is a positive number of seconds: found {seconds}; None means no deadline"
            )
        lib.maas_run_options_set_deadline(self, 0 if seconds is None else max(1, round(seconds * 1e9)))
        self._deadline = seconds
