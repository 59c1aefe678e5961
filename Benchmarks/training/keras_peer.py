"""Keras on JAX, which is its fastest backend here; and on TensorFlow, its default, as a program has it that trains
once."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np

from peers import Unsupported

from .peers import Training, limited
from .works import Layer, TrainWork


class Keras:
    name = "keras"
    backend = "jax"

    def __init__(self) -> None:
        os.environ |= {"KERAS_BACKEND": self.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        import keras

        self.keras = keras
        self.version = f"keras {keras.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        limited(threads)
        return _KerasTraining(self.keras, work, threads)


class KerasTensorFlow(Keras):
    name = "keras-tensorflow"
    backend = "tensorflow"

    def __init__(self) -> None:
        super().__init__()
        import tensorflow

        self.version = f"keras on tensorflow {tensorflow.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        if not work.anew:
            raise Unsupported("Keras on JAX is faster")
        return super().open(path, work, threads)


class _KerasTraining(Training):
    def __init__(self, keras: Any, work: TrainWork, threads: int):
        self.keras = keras
        super().__init__(work, threads)
        self.x = self._laid(self.data.x)

    def _laid(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x

    def start(self, seed: int) -> None:
        keras, work = self.keras, self.work
        keras.utils.set_random_seed(seed)
        self.model = network(keras, work.layers, self._laid(self.data.x[:1]))
        kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
        loss = "mse" if work.loss == "mse" else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(kinds[work.optimizer](work.rate), loss)

    def train(self) -> float:
        """A plain `fit`; as a program has it, with the progress that it prints."""
        work, silence = self.work, {} if self.work.anew else {"verbose": 0}
        with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
            found = self.model.fit(self.x, self.data.y, batch_size=work.batch, epochs=work.epochs, **silence)
        return float(found.history["loss"][-1])

    def scores(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(self._laid(x), verbose=0)


def network(keras: Any, layers: tuple[Layer, ...], sample: np.ndarray) -> Any:
    """The layers as Keras has them."""
    own = keras.layers
    value = first = keras.Input(sample.shape[1:], dtype=sample.dtype)
    for name, *sizes in layers:
        match name:
            case "dense":
                value = own.Dense(sizes[0], activation=sizes[1])(value)
            case "conv":
                value = own.Conv2D(sizes[0], 3, padding="same", activation=sizes[1])(value)
            case "pool":
                value = own.MaxPooling2D(2)(value)
            case "flatten":
                value = own.Flatten()(value)
            case "embedding":
                value = own.Embedding(*sizes)(value)
            case "positional":
                places = keras.ops.arange(value.shape[1])[None]
                value = value + own.Embedding(value.shape[1], value.shape[2])(places)
            case "transformer":
                value = _block(own, value, *sizes)
            case "norm":
                value = own.LayerNormalization(epsilon=1e-5)(value)
            case "mean":
                value = own.GlobalAveragePooling1D()(value)
            case "lstm":
                value = own.LSTM(sizes[0])(value)
    return keras.Model(first, value)


def _block(own: Any, x: Any, heads: int, inner: int) -> Any:
    width = x.shape[-1]
    y = own.LayerNormalization(epsilon=1e-5)(x)
    x = x + own.MultiHeadAttention(heads, width // heads)(y, y)
    y = own.LayerNormalization(epsilon=1e-5)(x)
    return x + own.Dense(width)(own.Dense(inner, activation="gelu")(y))
