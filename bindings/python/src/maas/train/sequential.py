"""A network of layers, one behind the other, with the methods that Keras's class of this name has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgument, NotReady, ShapeMismatch
from ..tensor import as_array
from .callbacks import Callback, LambdaCallback, Logs
from .layers import Embedding, Input, Layer
from .metrics import Metric, loss_word, metrics_of
from .optimizers import Optimizer, optimizer_of
from .trainer import Epoch, Trainer


class History:
    """What became of each epoch: `history["loss"]` is a list with a number for each in `epoch`."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def add(self, epoch: int, logs: Logs) -> None:
        """Appends the numbers of an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"History({len(self.epoch)} epochs: {', '.join(self.history)})"


class Sequential:
    """Layers one behind the other.

        model = Sequential([Dense(10, activation="relu"), Dense(1)])
        model.compile(optimizer="adam", loss="mse")
        history = model.fit(x, y, epochs=100)
        model.save("model.onnx")

    The shape of the input is an `Input` layer's, or follows from the data. All random numbers follow from `seed`;
    results do not depend on the number of `threads`, of which 0 means one for each CPU.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, threads: int = 0):
        self.layers: list[Layer] = []
        self.seed, self.threads = seed, threads
        self.stop_training = False
        self._trainer: Trainer | None = None
        self._settings: dict[str, Any] = {}
        self._metrics: dict[str, Metric] = {}
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Appends a layer."""
        if not isinstance(layer, Layer):
            raise TypeError(f"a layer is an object of maas.train, not {type(layer).__name__}")
        if self._trainer is not None:
            raise InvalidArgument("layers cannot be added to a network that is built")
        self.layers.append(layer)

    def compile(
        self, optimizer: str | Optimizer = "adam", loss: str = "mse", metrics: Sequence[str | Metric] | None = None,
        *, label_smoothing: float = 0.0, **options: Any,
    ) -> Sequential:  # fmt: skip
        """Says how to train; gives the network back. Compiling again keeps the parameters.

        optimizer: an object such as `Adam(learning_rate=0.01)`, or its name in small letters.
        loss: one of libmaas's, or Keras's name for it. Losses of classes and of yes-or-no questions look at scores;
            where the network ends in softmax or sigmoid, at what comes before it.
        metrics: what is measured beside the loss: names, or functions of targets and predictions.
        label_smoothing: the part of a class's probability that goes to all classes.
        options: those of `maas.h` by name, e.g. `l2=1e-4`.
        """
        settings = {
            "loss": loss_word(loss),
            "label_smoothing": label_smoothing,
            "seed": self.seed,
            "threads": self.threads,
        }
        self._settings = {**settings, **dict(optimizer_of(optimizer).settings()), **options}
        self._metrics = metrics_of(metrics)
        if self._trainer is not None:
            self._trainer = Trainer.open(self._trainer.to_onnx(), **self._settings)
        return self

    def text(self, input_shape: Sequence[int] | None = None) -> str:
        """The text of the network that libmaas reads."""
        layers = self.layers
        if not layers or not isinstance(layers[0], Input):
            if input_shape is None:
                raise NotReady("the shape of the input is not known: begin with an Input layer, or give it to build()")
            dtype = "int64" if layers and isinstance(layers[0], Embedding) else "float32"
            layers = [Input(tuple(input_shape), dtype), *layers]
        return "\n".join(line for layer in layers for line in layer.lines())

    def build(self, input_shape: Sequence[int] | None = None) -> None:
        """Makes the parameters; `input_shape` is that of one sample, where the first layer is no `Input`."""
        settings = self._settings or {"seed": self.seed, "threads": self.threads}
        self._trainer = Trainer(self.text(input_shape), **settings)

    @property
    def trainer(self) -> Trainer:
        """What trains the network, once it is built."""
        if self._trainer is None:
            if not self.layers or not isinstance(self.layers[0], Input):
                raise NotReady("the network is not built yet: call fit() or build() first")
            self.build()
        assert self._trainer is not None
        return self._trainer

    def fit(
        self, x: Any, y: Any, batch_size: int | None = None, epochs: int = 1, verbose: int | str = "auto",
        callbacks: Iterable[Callback | Callable[[int, Logs], Any]] | None = None, validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None, shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None, sample_weight: Any = None,
    ) -> History:  # fmt: skip
        """Trains; goes on from where an earlier call ended. Gives the numbers of all epochs of this call.

        x: the samples' features, [samples, …]: anything that NumPy takes, or tensors by DLPack.
        y: the targets, [samples] or [samples, …]; for a loss of classes their numbers, or a column for each class.
        batch_size: samples of a step; None: 32.
        epochs: how often all samples are seen.
        verbose: 1 prints a line for each epoch, 0 nothing; "auto" prints on a terminal.
        callbacks: `Callback` objects, or functions of the epoch and its numbers whose true answer ends the training.
        validation_split: the part of the data, its end, that is not trained with and is measured after each epoch.
        validation_data: (x, y) or (x, y, weights) for that, instead of such a part.
        shuffle: whether each epoch has an order of its own, which follows from the seed.
        class_weight: how much samples of a class count, by its number; 1 for those that are not named.
        sample_weight: how much each sample counts, [samples].

        An exception of a callback ends the training and comes out; what was learned until then stays.
        """
        self._needs_compile("fit")
        features, targets = self._features(x), self._targets(y)
        weights = _weights(sample_weight, class_weight, targets)
        held = self._held(validation_data)
        if held is None and validation_split:
            features, targets, weights, held = _split(features, targets, weights, validation_split)
        trainer = self._built(features)
        trainer.set(epochs=epochs, batch_size=32 if batch_size is None else batch_size, shuffle=shuffle)
        return _Fit(self, (features, targets, weights), held, callbacks or (), verbose, epochs).run()

    def _needs_compile(self, method: str) -> None:
        if not self._settings:
            raise NotReady(f"{method}() needs an optimizer and a loss: call compile(optimizer=…, loss=…) first")

    def _built(self, features: np.ndarray) -> Trainer:
        if self._trainer is None:
            self.build(features.shape[1:])
        return self.trainer

    def _features(self, x: Any) -> np.ndarray:
        array = as_array(x)
        first = self.layers[0] if self.layers else None
        has_indices = isinstance(first, Embedding) or (isinstance(first, Input) and first.dtype.startswith("int"))
        return _numbers(array, np.int64 if has_indices else np.float32, "the features")

    def _targets(self, y: Any) -> np.ndarray:
        array = as_array(y)
        if self._settings.get("loss") != "cross-entropy" or (array.ndim > 1 and array.shape[1] > 1):
            return _numbers(array, np.float32, "the targets")
        # Classes, perhaps as a column, perhaps as floats.
        array = array[:, 0] if array.ndim == 2 else array
        classes = _numbers(array, np.int64, "the targets")
        if array.dtype.kind == "f" and not np.array_equal(classes, array):
            raise InvalidArgument("classes must be whole numbers, or probabilities with a column for each class")
        return classes

    def _held(self, data: Sequence[Any] | None) -> tuple[Any, ...] | None:
        if data is None:
            return None
        x, y, *weights = data
        return (self._features(x), self._targets(y), *weights)

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: int | str = "auto", sample_weight: Any = None, *,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """The loss, or a list of it and the metrics where there are any; with `return_dict` all by name.

        `batch_size` and `verbose` are for programs that were written for Keras: libmaas chooses how many samples it
        looks at together, which changes nothing, and prints nothing.
        """
        self._needs_compile("evaluate")
        features, targets = self._features(x), self._targets(y)
        found = self.numbers((features, targets, sample_weight))
        if return_dict:
            return found
        return list(found.values()) if len(found) > 1 else found["loss"]

    def numbers(self, data: Sequence[Any], loss: float | None = None) -> Logs:
        """The loss of data, unless it is given, and the metrics, by name."""
        if loss is None:
            loss = self.trainer.evaluate(*data)["loss"]
        found = {"loss": loss}
        if self._metrics:
            predictions = self.trainer.predict(data[0])
            found |= {name: float(metric(data[1], predictions)) for name, metric in self._metrics.items()}
        return found

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = "auto") -> np.ndarray:
        """What the network answers, [samples, …]; `batch_size` and `verbose` as for `evaluate`."""
        return self.trainer.predict(self._features(x))

    __call__ = predict

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """One step with all of these samples as a batch; gives the loss before it."""
        self._needs_compile("train_on_batch")
        features = self._features(x)
        return self._built(features).step(features, self._targets(y), sample_weight)

    def get_weights(self) -> dict[str, np.ndarray]:
        """Copies of all parameters by name."""
        return {name: self.trainer.parameter(name) for name in self.trainer.parameter_names}

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Gives parameters other values, by the names that `get_weights` has; those not named stay."""
        for name, value in weights.items():
            self.trainer.set_parameter(name, value)

    def count_params(self) -> int:
        """How many numbers are trained."""
        return sum(value.size for value in self.get_weights().values())

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Prints the layers and how many parameters each has, by `print_fn`."""
        counts: dict[str, int] = {}
        for name, value in self.get_weights().items():
            layer = name.split("/")[0]
            counts[layer] = counts.get(layer, 0) + value.size
        width = max([len(name) for name in counts] + [5]) + 2
        lines = [f"{'layer':{width}}parameters", *(f"{name:{width}}{count:,}" for name, count in counts.items())]
        print_fn("\n".join([*lines, f"{'all':{width}}{sum(counts.values()):,}"]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the network as an ONNX model, which anything that runs ONNX can run."""
        self.trainer.export(path)

    def to_onnx(self) -> bytes:
        """The network as the bytes of an ONNX model."""
        return self.trainer.to_onnx()


class _Fit:
    """One call of `fit`: callbacks, metrics and lines of text around the loop of libmaas."""

    def __init__(
        self, model: Sequential, data: Sequence[Any], held: Sequence[Any] | None,
        callbacks: Iterable[Callback | Callable[[int, Logs], Any]], verbose: int | str, epochs: int,
    ):  # fmt: skip
        self.model, self.data, self.held, self.epochs = model, data, held, epochs
        self.callbacks = [each if isinstance(each, Callback) else LambdaCallback(each) for each in callbacks]
        self.prints = sys.stdout.isatty() if verbose == "auto" else bool(verbose)
        self.history = History()

    def run(self) -> History:
        model = self.model
        model.stop_training = False
        for callback in self.callbacks:
            callback.model = model
            callback.on_train_begin()
        needs_epochs = bool(self.callbacks or self.prints or model._metrics)
        found = model.trainer.fit(*self.data, validation=self.held, callback=self._epoch if needs_epochs else None)
        if not needs_epochs:
            self._take(found)
        for callback in self.callbacks:
            callback.on_train_end()
        return self.history

    def _take(self, found: Mapping[str, np.ndarray]) -> None:
        names = {"loss": "loss", "validation_loss": "val_loss"}
        columns = {names[name]: values.tolist() for name, values in found.items() if name in names}
        for epoch in range(len(columns["loss"])):
            self.history.add(epoch, {name: values[epoch] for name, values in columns.items()})

    def _epoch(self, epoch: Epoch) -> bool:
        number, model = len(self.history.epoch), self.model
        logs = model.numbers(self.data, epoch["loss"])
        if self.held is not None:
            held = model.numbers(self.held, epoch["validation_loss"])
            logs |= {f"val_{name}": value for name, value in held.items()}
        self.history.add(number, logs)
        if self.prints:
            print(
                f"epoch {number + 1}/{self.epochs}: " + ", ".join(f"{k} {v:.4g}" for k, v in logs.items()), flush=True
            )
        for callback in self.callbacks:
            callback.on_epoch_end(number, logs)
        return model.stop_training


def _numbers(array: np.ndarray, dtype: Any, what: str) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be numbers, not {array.dtype}")
    return array.astype(dtype, copy=False)


def _weights(sample_weight: Any, class_weight: Mapping[int, float] | None, targets: np.ndarray) -> np.ndarray | None:
    """A weight for each sample; that of its class, too."""
    weights = None if sample_weight is None else np.asarray(as_array(sample_weight), np.float32)
    if class_weight is None:
        return weights
    if not all(weight >= 0 for weight in class_weight.values()):
        raise InvalidArgument(f"class_weight must be numbers from 0 on: found {dict(class_weight)}")
    classes = targets.argmax(1) if targets.ndim > 1 and targets.shape[1] > 1 else targets.reshape(len(targets))
    own = np.array([class_weight.get(int(c), 1.0) for c in classes], np.float32)
    return own if weights is None else own * weights


def _split(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, part: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[Any, ...]]:
    """The first samples, and the last ones, which are held back."""
    if not 0 < part < 1:
        raise InvalidArgument(f"validation_split is a part between 0 and 1, not {part}")
    if len(features) != len(targets):
        raise ShapeMismatch(f"there are {len(features)} samples of features, but {len(targets)} of targets")
    first = int(len(features) * (1 - part))
    held = (features[first:], targets[first:], None if weights is None else weights[first:])
    return features[:first], targets[:first], None if weights is None else weights[:first], held
