"""Training over the C interface: a network or a model, options by name, arrays."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_char_p, c_double, c_float, c_size_t, c_void_p
from typing import Any

import numpy as np

from ..abi import EpochFunction, encoded, lib, text
from ..errors import Busy, InvalidArgument, MaasError
from ..handle import Closing, DatasetHandle, TensorHandle, TrainerHandle, TrainerOptionsHandle
from ..tensor import Tensor, as_array, dense, lend

Arrays = Any
#: What a callback is told of an epoch: numbers by name. A true answer ends the training.
EpochCallback = Callable[["Epoch"], Any]


def _option_text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    if isinstance(value, (list, tuple, np.ndarray)):
        return ",".join(_option_text(item) for item in value)
    return str(value)


def _options(named: Mapping[str, Any]) -> TrainerOptionsHandle:
    handle = TrainerOptionsHandle()
    lib.maas_trainer_options_create(byref(handle))
    for name, value in named.items():
        lib.maas_trainer_options_set(handle, encoded(name, "an option"), encoded(_option_text(value), name))
    return handle


def _sample_array(value: Any, what: str) -> np.ndarray:
    """An array as tensors are."""
    array = as_array(value)
    if array.dtype == object and not all(isinstance(item, (str, bytes)) for item in array.flat):
        raise TypeError(f"{what}: arrays of objects cannot be trained with; give numbers or texts")
    return dense(array)


def _features(x: Arrays) -> list[np.ndarray]:
    """The arrays of all inputs: one, or a list or tuple of arrays with one for each."""
    if (
        isinstance(x, (list, tuple))
        and x
        and all(hasattr(item, "__array__") or hasattr(item, "__dlpack__") for item in x)
    ):
        return [_sample_array(item, f"features {i}") for i, item in enumerate(x)]
    return [_sample_array(x, "the features")]


def _handles(arrays: Sequence[np.ndarray]) -> tuple[Any, list[TensorHandle]]:
    """The handles of tensors over arrays as C takes them, and what keeps them."""
    tensors = [lend(array, f"features {i}") for i, array in enumerate(arrays)]
    return (c_void_p * len(tensors))(*(tensor.value for tensor in tensors)), tensors


def _sample_weights(value: Any) -> np.ndarray:
    """A weight for each sample, of float32. A loss that negative samples make smaller would have no least value."""
    weights = dense(np.asarray(as_array(value), np.float32))
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise InvalidArgument(
            f"weights of samples must be numbers from 0 on: sample {wrong[0]} has {weights.flat[wrong[0]]}")
    return weights


class Dataset(Closing):
    """Features, targets and weights as libmaas has them. Dense arrays of the types that the model reads are not
    copied."""

    def __init__(self, x: Arrays, y: Any, sample_weight: Any = None):
        # The arrays must live as long as the tensors that lie over them.
        self._arrays = [*_features(x), _sample_array(y, "the targets")]
        tensors, self._tensors = _handles(self._arrays)
        weights = None
        if sample_weight is not None:
            self._arrays.append(_sample_weights(sample_weight))
            weights = lend(self._arrays[-1], "the weights")
        handle = DatasetHandle()
        lib.maas_dataset_create(tensors, len(self._tensors) - 1, self._tensors[-1], weights, byref(handle))
        self._as_parameter_ = handle
        self._weights = weights


class Epoch:
    """What a callback is told of an epoch: `epoch["loss"]`, `epoch.get("validation_loss")`."""

    def __init__(self, pointer: int):
        self._pointer: c_void_p | None = c_void_p(pointer)

    def __getitem__(self, name: str) -> float:
        if self._pointer is None:
            raise MaasError("the epoch is over: its numbers can be read only in the callback")
        value = c_double()
        lib.maas_epoch_number(self._pointer, encoded(name, "a name"), byref(value))
        return value.value

    def get(self, name: str, default: float | None = None) -> float | None:
        """The number of that name, or `default` where an epoch has none."""
        try:
            return self[name]
        except LookupError:
            return default

    def _end(self) -> None:
        self._pointer = None


class _Callback:
    """Passes epochs on to a function; keeps what it raises until the call of libmaas is over."""

    def __init__(self, trainer: Trainer, function: EpochCallback | None):
        self.error: BaseException | None = None
        self._trainer, self._function = trainer, function
        self.pointer = EpochFunction() if function is None else EpochFunction(self._call)

    def _call(self, _: int, pointer: int) -> int:
        epoch = Epoch(pointer)
        self._trainer._in_callback = True
        try:
            return 1 if self._function is not None and self._function(epoch) else 0
        except BaseException as error:
            self.error = error
            return 1
        finally:
            self._trainer._in_callback = False
            epoch._end()


class Trainer(Closing):
    """Trains a network that a text describes, one layer a line, or goes on training a model.

        trainer = Trainer("input 10\\ndense 10 activation=relu\\ndense 1", loss="mse", learning_rate=0.01)
        history = trainer.fit(x, y)
        trainer.export("model.onnx")

    Options are those that `maas.h` lists at `maas_trainer_options_set()`. Results follow from `seed`, and not from the
    number of threads.
    """

    _in_callback = False

    def __init__(self, network: str, **options: Any):
        self._make(lib.maas_trainer_create, encoded(network, "a network"), _options(options))

    @classmethod
    def open(cls, model: str | os.PathLike[str] | bytes | bytearray | memoryview, **options: Any) -> Trainer:
        """A trainer of an ONNX model, from a path or bytes: `freeze="*conv*"`, `lora_rank=8`."""
        self = cls.__new__(cls)
        if isinstance(model, (str, os.PathLike)):
            self._make(lib.maas_trainer_open, os.fsencode(model), _options(options))
        else:
            data = np.frombuffer(model, np.uint8)
            self._make(lib.maas_trainer_open_memory, data.ctypes.data, data.nbytes, _options(options))
        return self

    def _make(self, function: Callable[..., None], *arguments: Any) -> None:
        handle = TrainerHandle()
        function(*arguments, byref(handle))
        self._as_parameter_ = handle
        self.metrics = tuple(self._names(lib.maas_trainer_metric_name, None))

    def _names(self, function: Callable[..., None], count: int | None) -> list[str]:
        """The texts that a getter gives for 0, 1, …: so many, or until there is none."""
        names: list[str] = []
        while count is None or len(names) < count:
            name = c_char_p()
            function(self, len(names), byref(name))
            if name.value is None:
                break
            names.append(text(name.value))
        return names

    def close(self) -> None:
        """Gives the handle back, now or when the last call on it returns. Closing twice is fine; a callback may not."""
        if self._in_callback:
            raise Busy("a callback of fit cannot close its trainer; end the fit by what the callback returns")
        super().close()

    @property
    def output_name(self) -> str:
        """The name of the output that is trained and predicted: the first one of floats that depends on a parameter."""
        name = c_char_p()
        lib.maas_trainer_output_name(self, byref(name))
        return text(name.value)

    def set(self, **options: Any) -> None:
        """Sets options that may change between calls, e.g. `epochs`, `batch_size` or `learning_rate`."""
        for name, value in options.items():
            lib.maas_trainer_set(self, encoded(name, "an option"), encoded(_option_text(value), name))

    def step(self, x: Arrays, y: Any, sample_weight: Any = None) -> float:
        """One step with a batch; gives the loss before it."""
        loss = c_float()
        lib.maas_trainer_step(self, Dataset(x, y, sample_weight), byref(loss))
        return loss.value

    def fit(
        self, x: Arrays, y: Any, sample_weight: Any = None, *, validation: Sequence[Any] | None = None,
        callback: EpochCallback | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Trains for as many epochs as the option says; gives the numbers of each, by name.

        `validation` is (x, y) or (x, y, weights). What `callback` answers, when true, ends the training.
        """
        data = Dataset(x, y, sample_weight)
        held = None if validation is None else Dataset(*validation)
        called = _Callback(weakref.proxy(self), callback)
        lib.maas_trainer_fit(self, data, held, called.pointer, None)
        if called.error is not None:
            raise called.error
        return self.history()

    def history(self) -> dict[str, np.ndarray]:
        """The numbers of each epoch of the last `fit`."""
        names = [*self.metrics, *(f"validation_{name}" for name in self.metrics), "learning_rate"]
        found = {}
        for name in names:
            try:
                found[name] = self._history(name)
            except LookupError:
                pass  # not measured while training, or nothing to validate with
        return found

    def _history(self, name: str) -> np.ndarray:
        count = c_size_t()
        lib.maas_trainer_history(self, name.encode(), None, 0, byref(count))
        values = (c_double * count.value)()
        lib.maas_trainer_history(self, name.encode(), values, count.value, byref(count))
        return np.array(values)

    def evaluate(self, x: Arrays, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """The loss and the metrics of data."""
        values = (c_double * len(self.metrics))()
        lib.maas_trainer_evaluate(self, Dataset(x, y, sample_weight), values, len(values))
        return dict(zip(self.metrics, values))

    def predict(self, x: Arrays) -> np.ndarray:
        """What the model answers."""
        # Named, so that arrays and tensors live until the call is over.
        arrays = _features(x)
        handles, _tensors = _handles(arrays)
        output = TensorHandle()
        lib.maas_trainer_predict(self, handles, len(arrays), byref(output))
        return Tensor(output).numpy()

    @property
    def parameter_names(self) -> list[str]:
        """The names of what is trained, and behind them those of running statistics."""
        count = c_size_t()
        lib.maas_trainer_parameter_count(self, byref(count))
        return self._names(lib.maas_trainer_parameter_name, count.value)

    def parameter(self, name: str) -> np.ndarray:
        """A copy of a parameter."""
        handle = TensorHandle()
        lib.maas_trainer_parameter(self, encoded(name, "a name"), byref(handle))
        return Tensor(handle).numpy()

    def set_parameter(self, name: str, value: Any) -> None:
        """Gives a parameter other values."""
        array = dense(np.asarray(as_array(value), np.float32))
        lib.maas_trainer_set_parameter(self, encoded(name, "a name"), lend(array, name))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a checkpoint, from which `restore` goes on to the same result: whole, or not at all."""
        lib.maas_trainer_save(self, os.fsencode(path))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Goes on from a checkpoint of the same network and options; `fit` then finishes what it was in."""
        lib.maas_trainer_restore(self, os.fsencode(path))

    def export(self, path: str | os.PathLike[str]) -> None:
        """Writes the trained network as an ONNX model: whole, or not at all."""
        lib.maas_trainer_export(self, os.fsencode(path))

    def to_onnx(self) -> bytes:
        """The trained network as the bytes of an ONNX model."""
        handle = TensorHandle()
        lib.maas_trainer_export_memory(self, byref(handle))
        return Tensor(handle).numpy().tobytes()
