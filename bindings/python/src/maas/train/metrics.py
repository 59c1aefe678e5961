"""Losses and metrics by the names that other libraries have for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import NotFound

#: What libmaas calls a loss, by the names it goes by.
LOSSES = {
    "mse": "mse", "mean_squared_error": "mse", "squared_error": "mse",
    "mae": "mae", "mean_absolute_error": "mae",
    "huber": "huber",
    "cross-entropy": "cross-entropy", "crossentropy": "cross-entropy", "cross_entropy": "cross-entropy",
    "sparse_categorical_crossentropy": "cross-entropy", "categorical_crossentropy": "cross-entropy",
    "bce": "bce", "binary_crossentropy": "bce",
    "hinge": "hinge",
    "kl": "kl", "kl_divergence": "kl", "kullback_leibler_divergence": "kl",
}  # fmt: skip

#: A number made of targets and predictions.
Metric = Callable[[np.ndarray, np.ndarray], float]


def loss_word(name: str) -> str:
    """What libmaas calls a loss."""
    if not isinstance(name, str):
        raise TypeError(f"a loss is a name, not {type(name).__name__}")
    word = LOSSES.get(name.lower())
    if word is None:
        raise NotFound(f"there is no loss '{name}'; there are {', '.join(LOSSES)}")
    return word


def accuracy(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The part of samples whose class is right; for one score a sample, whether it is on the side of the target."""
    if predictions.ndim < 2 or predictions.shape[1] == 1:
        scores = predictions.reshape(len(predictions))
        # Targets of -1 and 1 go with scores around 0, those of 0 and 1 with probabilities.
        middle = 0.0 if np.any(targets < 0) else 0.5
        return float(np.mean((scores > middle) == (targets.reshape(len(targets)) > middle)))
    classes = predictions.argmax(1)
    right = targets.argmax(1) if targets.ndim == predictions.ndim else targets
    return float(np.mean(classes == right))


def _difference(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return predictions.astype(np.float64) - targets.reshape(predictions.shape)


def mean_squared_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The mean of squared differences."""
    return float(np.mean(_difference(targets, predictions) ** 2))


def mean_absolute_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The mean of differences."""
    return float(np.mean(np.abs(_difference(targets, predictions))))


def root_mean_squared_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The root of the mean of squared differences."""
    return mean_squared_error(targets, predictions) ** 0.5


def r2_score(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The part of the targets' variance that predictions explain."""
    targets = targets.reshape(predictions.shape).astype(np.float64)
    total = np.sum((targets - targets.mean(0)) ** 2)
    return float(1 - np.sum(_difference(targets, predictions) ** 2) / total) if total else 0.0


_METRICS: dict[str, Metric] = {
    "accuracy": accuracy, "acc": accuracy, "mse": mean_squared_error, "mean_squared_error": mean_squared_error,
    "mae": mean_absolute_error, "mean_absolute_error": mean_absolute_error, "rmse": root_mean_squared_error,
    "r2": r2_score, "r2_score": r2_score,
}  # fmt: skip


def metrics_of(metrics: Sequence[str | Metric] | None) -> dict[str, Metric]:
    """Metrics by the names that a history has them under."""
    found: dict[str, Metric] = {}
    for metric in metrics or ():
        name: Any = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        function = _METRICS.get(name) if isinstance(metric, str) else metric
        if function is None:
            raise NotFound(f"there is no metric '{name}'; there are {', '.join(_METRICS)}, and functions of your own")
        found[name] = function
    return found
