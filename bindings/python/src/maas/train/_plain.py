"""What the estimators need of scikit-learn, where that is not installed: parameters, scores, checks of arrays."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from .metrics import r2_score


class NotFittedError(ValueError, AttributeError):
    """An estimator is asked before it is fitted."""


class BaseEstimator:
    """Parameters are the arguments of `__init__`, kept under their names."""

    @classmethod
    def _names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All parameters by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> BaseEstimator:
        """Sets parameters by name."""
        for name, value in params.items():
            if name not in self._names():
                raise InvalidArgument(f"there is no parameter '{name}'; there are {', '.join(self._names())}")
            setattr(self, name, value)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class ClassifierMixin:
    """A classifier is judged by the part of samples whose class is right."""

    def score(self, X: Any, y: Any) -> float:
        """The accuracy."""
        return float(np.mean(self.predict(X) == np.asarray(y)))  # type: ignore[attr-defined]


class RegressorMixin:
    """A regressor is judged by the part of the targets' variance that it explains."""

    def score(self, X: Any, y: Any) -> float:
        """The coefficient of determination."""
        return r2_score(np.asarray(y), self.predict(X))  # type: ignore[attr-defined]


def check_classification_targets(y: np.ndarray) -> None:
    """Refuses numbers that are no classes."""
    if y.dtype.kind == "f" and np.any(y != np.floor(y)):
        raise InvalidArgument("Unknown label type: continuous. Classes are whole numbers or texts")


def column_or_1d(y: Any, *, warn: bool = False) -> np.ndarray:
    """A column as a row."""
    return np.asarray(y).reshape(-1)


def validate_data(
    estimator: Any, X: Any, y: Any = None, *, reset: bool = True, dtype: Any = None, multi_output: bool = False,
    y_numeric: bool = False,
) -> Any:  # fmt: skip
    """Arrays of the shapes and types that an estimator takes; remembers or compares the number of features."""
    features = np.asarray(X, dtype)
    if features.ndim != 2:
        raise InvalidArgument(f"X must have a row for each sample: expected 2 dimensions, found {features.ndim}")
    if not np.isfinite(features).all():
        raise InvalidArgument("X has NaN or infinity")
    if reset:
        estimator.n_features_in_ = features.shape[1]
    elif features.shape[1] != estimator.n_features_in_:
        raise InvalidArgument(f"X has {features.shape[1]} features, expected {estimator.n_features_in_}")
    if y is None:
        return features
    targets = np.asarray(y) if multi_output else column_or_1d(y)
    if len(targets) != len(features):
        raise InvalidArgument(f"X has {len(features)} samples, y {len(targets)}")
    if targets.dtype.kind == "f" and not np.isfinite(targets).all():
        raise InvalidArgument("y has NaN or infinity")
    return features, targets
