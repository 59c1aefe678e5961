"""What `Sequential.fit` calls after each epoch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidArgument

if TYPE_CHECKING:
    from .sequential import Sequential

Logs = dict[str, float]


class Callback:
    """Hears of a training. `self.model` is the `Sequential`; `self.model.stop_training = True` ends it."""

    model: Sequential

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch, counted from 0, with its loss and metrics."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""


class LambdaCallback(Callback):
    """Calls a function after each epoch; a true answer ends the training."""

    def __init__(self, on_epoch_end: Callable[[int, Logs], Any]):
        self._function = on_epoch_end

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Calls the function."""
        if self._function(epoch, logs):
            self.model.stop_training = True


class _Watching(Callback):
    """Knows whether a number is the best so far."""

    def __init__(self, monitor: str, mode: str, min_delta: float):
        if mode not in ("auto", "min", "max"):
            raise InvalidArgument(f"the mode of a callback is 'auto', 'min' or 'max', not {mode!r}")
        self.monitor, self.min_delta = monitor, abs(min_delta)
        rises = mode == "max" or (mode == "auto" and any(word in monitor for word in ("acc", "r2", "auc")))
        self._sign = -1.0 if rises else 1.0
        self.best = np.inf * self._sign

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets what was best."""
        self.best = np.inf * self._sign

    def is_best(self, logs: Logs) -> bool:
        """Whether the number is better than all before; it is then the best."""
        if self.monitor not in logs:
            raise InvalidArgument(f"there is no '{self.monitor}' to watch: an epoch has {', '.join(logs)}")
        value = logs[self.monitor]
        if self._sign * (self.best - value) <= self.min_delta:
            return False
        self.best = value
        return True


class EarlyStopping(_Watching):
    """Ends the training after `patience` epochs without a better `monitor`, and brings the best parameters back."""

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0.0, patience: int = 0, mode: str = "auto",
        restore_best_weights: bool = True,
    ):  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.best_epoch = self.stopped_epoch = 0
        self._weights: dict[str, np.ndarray] | None = None
        self._waited = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets what was best."""
        super().on_train_begin(logs)
        self._waited, self._weights = 0, None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Keeps the parameters when they are the best; ends the training when it has waited long enough."""
        if self.is_best(logs):
            self._waited, self.best_epoch = 0, epoch
            if self.restore_best_weights:
                self._weights = self.model.get_weights()
            return
        self._waited += 1
        if self._waited >= max(1, self.patience):
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Brings the best parameters back."""
        if self._weights is not None:
            self.model.set_weights(self._weights)


class ModelCheckpoint(_Watching):
    """Writes the model to an ONNX file after each epoch, or only when it is the best so far."""

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
    ):
        super().__init__(monitor, mode, 0.0)
        self.filepath, self.save_best_only = os.fspath(filepath), save_best_only

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Writes the model; `filepath` may have `{epoch}` and names of numbers in it."""
        if not self.save_best_only or self.is_best(logs):
            self.model.save(self.filepath.format(epoch=epoch, **logs))
