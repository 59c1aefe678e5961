"""Networks of dense layers with the methods that scikit-learn's estimators have.

They are scikit-learn's estimators where scikit-learn is installed, and work without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from .layers import activation_word
from .trainer import Epoch, Trainer

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import column_or_1d, validate_data
except ImportError:
    from ._plain import (
        BaseEstimator,
        ClassifierMixin,
        NotFittedError,
        RegressorMixin,
        check_classification_targets,
        column_or_1d,
        validate_data,
    )

#: Samples are asked about in multiples of so many.
_ROWS = 32
_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")


class _MLP(BaseEstimator):
    """What both estimators share. Parameters are those of scikit-learn's classes of these names, with the same meaning;
    `threads` 0 stands for one for each CPU, and changes no result."""

    _loss = ""

    def __init__(
        self, hidden_layer_sizes: int | Sequence[int] = (100,), activation: str = "relu", *, solver: str = "adam",
        alpha: float = 1e-4, batch_size: int | str = "auto", learning_rate_init: float = 1e-3, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10, threads: int = 0,
    ):  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.threads = threads

    # What a fitted estimator can be asked for.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the network as an ONNX model; a classifier's answers with scores of classes."""
        with open(path, "wb") as file:
            file.write(self._fitted().to_onnx())

    def to_onnx(self) -> bytes:
        """The network as the bytes of an ONNX model."""
        return self._fitted().to_onnx()

    def _scores(self, X: Any) -> np.ndarray:
        trainer = self._fitted()
        X = validate_data(self, X, reset=False, dtype=np.float32)
        # Kernels are chosen by the number of rows, and with them the last bit: a sample's answer shall not depend on
        # who is asked about beside it.
        rows = -(-len(X) // _ROWS) * _ROWS
        padded = X if rows == len(X) else np.concatenate([X, np.zeros((rows - len(X), X.shape[1]), np.float32)])
        return trainer.predict(padded)[: len(X)]

    def _fitted(self) -> Trainer:
        trainer = getattr(self, "_trainer", None)
        if trainer is None:
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet: call fit() first")
        return trainer

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_trainer" in state:
            state["_trainer"] = state["_trainer"].to_onnx()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_trainer" in state:
            self._trainer = Trainer.open(state["_trainer"], **self._options(1, self.n_outputs_))

    # Training.

    def _train(self, X: np.ndarray, y: np.ndarray, outputs: int, epochs: int, goes_on: bool) -> None:
        trainer = getattr(self, "_trainer", None) if goes_on else None
        if trainer is None:
            trainer = Trainer(self._text(X.shape[1], outputs), **self._options(len(X), outputs))
            self.loss_curve_: list[float] = []
            self.n_iter_ = 0
        self._trainer = trainer
        held = None
        if self.early_stopping and epochs > 1:
            X, y, held = self._split(X, y)
        trainer.set(epochs=epochs, batch_size=self._batch(len(X)))
        watch = _Watch(self, self._scale(outputs))
        found = trainer.fit(X, y, validation=held, callback=watch)
        self.loss_curve_ += (found["loss"] / watch.scale).tolist()
        self.n_iter_ += len(found["loss"])
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = watch.best
        self.n_layers_, self.n_outputs_ = len(self._hidden()) + 2, outputs
        self.out_activation_ = "softmax" if self._loss == "cross-entropy" else "identity"

    def _text(self, features: int, outputs: int) -> str:
        if self.activation not in _ACTIVATIONS:
            raise InvalidArgument(f"activation must be one of {', '.join(_ACTIVATIONS)}: found {self.activation!r}")
        word = activation_word(self.activation)
        lines = [f"dense {size}" + ("" if word == "none" else f" activation={word}") for size in self._hidden()]
        return "\n".join([f"input {features}", *lines, f"dense {outputs}"])

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        found = [
            int(size) for size in (sizes if np.iterable(sizes) else [sizes])]  # type: ignore[union-attr, list-item]
        if any(size < 1 for size in found):
            raise InvalidArgument(f"hidden_layer_sizes must be > 0: found {sizes!r}")
        return found

    def _scale(self, outputs: int) -> float:
        """Our loss over scikit-learn's, as their gradients have it."""
        return 1.0

    def _options(self, samples: int, outputs: int) -> dict[str, Any]:
        rules: dict[str, Callable[[], dict[str, Any]]] = {
            "sgd": lambda: {"momentum": self.momentum, "nesterov": self.nesterovs_momentum and self.momentum > 0},
            "adam": lambda: {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon},
        }
        if self.solver not in rules:
            raise InvalidArgument(f"solver must be one of {', '.join(rules)}: found {self.solver!r}")
        own = {"loss": self._loss, "update_rule": self.solver, **rules[self.solver]()}
        scale = self._scale(outputs)
        # scikit-learn's penalty is alpha / 2 |w|² over the samples of a batch. Adam does not see a loss's scale.
        return own | {
            "learning_rate": self.learning_rate_init / (scale if self.solver == "sgd" else 1),
            "l2": scale * self.alpha / self._batch(samples), "shuffle": self.shuffle, "seed": self._seed(),
            "threads": self.threads,
        }  # fmt: skip

    def _batch(self, samples: int) -> int:
        if isinstance(self.batch_size, str):
            if self.batch_size != "auto":
                raise InvalidArgument(f"batch_size must be 'auto' or a number: found {self.batch_size!r}")
            return min(200, samples)
        return max(1, min(int(self.batch_size), samples))

    def _seed(self) -> int:
        state = self.random_state
        if state is None:
            return int(np.random.default_rng().integers(1 << 31))
        if isinstance(state, (int, np.integer)):
            return int(state)
        return int(state.randint(1 << 31) if hasattr(state, "randint") else state.integers(1 << 31))

    def _split(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Samples to train with, and some at random to validate with."""
        order = np.random.default_rng(self._seed()).permutation(len(X))
        count = max(1, int(len(X) * self.validation_fraction))
        if not 0 < self.validation_fraction < 1 or count >= len(X):
            raise InvalidArgument(
                f"validation_fraction must leave samples on both sides: found {self.validation_fraction}"
            )
        held, kept = order[:count], order[count:]
        return X[kept], y[kept], (X[held], y[held])


class _Watch:
    """Ends a training when `n_iter_no_change` epochs have brought the loss down by less than `tol`."""

    def __init__(self, estimator: _MLP, scale: float):
        self.estimator, self.scale = estimator, scale
        self.best, self.waited = np.inf, 0

    def __call__(self, epoch: Epoch) -> bool:
        estimator, loss = self.estimator, epoch["loss"] / self.scale
        judged = epoch.get("validation_loss", epoch["loss"]) / self.scale if estimator.early_stopping else loss
        if estimator.verbose:
            print(f"Iteration {int(epoch['epoch'])}, loss = {loss:.8f}")
        self.waited = 0 if judged < self.best - estimator.tol else self.waited + 1
        self.best = min(self.best, judged)
        return self.waited > estimator.n_iter_no_change


class MLPClassifier(ClassifierMixin, _MLP):
    """A classifier: dense layers, and a softmax of scores of classes."""

    _loss = "cross-entropy"

    def fit(self, X: Any, y: Any) -> MLPClassifier:
        """Trains from the start, or with `warm_start` from where an earlier call ended."""
        X, y = self._checked(X, y)
        classes, targets = np.unique(y, return_inverse=True)
        goes_on = self.warm_start and hasattr(self, "classes_")
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(f"warm_start needs the same classes as before: expected {self.classes_}, found {classes}")
        self.classes_ = classes
        self._train(X, targets.astype(np.int64), max(2, len(classes)), self.max_iter, goes_on)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> MLPClassifier:
        """One epoch with these samples; the first call says what `classes` there are."""
        begins = getattr(self, "_trainer", None) is None
        X, y = self._checked(X, y, reset=begins)
        if begins:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(classes)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"`y` has classes not in `self.classes_`: {unknown}")
        self._train(X, np.searchsorted(self.classes_, y).astype(np.int64), max(2, len(self.classes_)), 1, True)
        return self

    def _checked(self, X: Any, y: Any, reset: bool = True) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float32)
        check_classification_targets(y)
        return X, y

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`."""
        scores = self._scores(X).astype(np.float64)
        scores = np.exp(scores - scores.max(1, keepdims=True))
        return (scores / scores.sum(1, keepdims=True))[:, : len(self.classes_)]

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each sample."""
        scores = self._scores(X)
        return self.classes_[scores[:, : len(self.classes_)].argmax(1)]


class MLPRegressor(RegressorMixin, _MLP):
    """A regressor: dense layers, and the mean squared error."""

    _loss = "mse"

    def _scale(self, outputs: int) -> float:
        # A mean of squares against half the sum over outputs.
        return 2.0 / outputs

    def fit(self, X: Any, y: Any) -> MLPRegressor:
        """Trains from the start, or with `warm_start` from where an earlier call ended."""
        return self._trained(X, y, self.max_iter, self.warm_start, reset=True)

    def partial_fit(self, X: Any, y: Any) -> MLPRegressor:
        """One epoch with these samples."""
        return self._trained(X, y, 1, True, reset=getattr(self, "_trainer", None) is None)

    def _trained(self, X: Any, y: Any, epochs: int, goes_on: bool, reset: bool) -> MLPRegressor:
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float32, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._is_flat = y.ndim == 1
        y = np.asarray(y, np.float32).reshape(len(y), -1)
        self._train(X, y, y.shape[1], epochs, goes_on)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each sample."""
        found = self._scores(X)
        return found[:, 0] if self._is_flat else found
