"""How parameters follow their gradients, and how the learning rate goes on: objects for `Sequential.compile`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from ..errors import NotFound

#: What an option of libmaas is set to.
Settings = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate goes on, from `learning_rate`; `warm_up` steps let it rise to that first."""

    learning_rate: float = 1e-3
    warm_up: int = 0

    _kind = "constant"

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield "learning_rate", self.learning_rate
        yield "schedule", self._kind
        yield "warm_up", self.warm_up


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Is multiplied by `factor` every `epochs` epochs."""

    factor: float = 0.1
    epochs: int = 10

    _kind = "step"

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield from super().settings()
        yield "schedule_factor", self.factor
        yield "schedule_period", self.epochs


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Is multiplied by `factor` after each epoch."""

    factor: float = 0.95

    _kind = "exponential"

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield from super().settings()
        yield "schedule_factor", self.factor


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Goes down along half a cosine to the part `end` of what it was."""

    end: float = 0.0

    _kind = "cosine"

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield from super().settings()
        yield "schedule_end", self.end


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Rises from a part for three tenths of the steps, then falls to nearly nothing."""

    _kind = "one-cycle"


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Is multiplied by `factor` after `patience` epochs without a better loss."""

    factor: float = 0.1
    patience: int = 10

    _kind = "plateau"

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield from super().settings()
        yield "schedule_factor", self.factor
        yield "schedule_period", self.patience


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An update rule; `learning_rate` is a number or a `Schedule`."""

    learning_rate: float | Schedule = 1e-3
    weight_decay: float = 0.0
    #: The largest norm of all gradients together, and the largest magnitude of one element; 0: any.
    clip_norm: float = 0.0
    clip_value: float = 0.0
    #: How slowly an average of the parameters follows them, which evaluation and export then use; 0: none.
    ema: float = 0.0
    #: Batches whose gradients are averaged for a step.
    accumulate: int = 1

    _rule = ""

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield "update_rule", self._rule
        rate = self.learning_rate
        yield from (rate if isinstance(rate, Schedule) else Schedule(float(rate))).settings()
        for field in fields(self):
            if field.name != "learning_rate":
                yield field.name, getattr(self, field.name)


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Gradient descent, with momentum of the plain kind or Nesterov's."""

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    _rule = "sgd"


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """By Kingma and Ba (2015); `weight_decay` is part of the gradient."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    _rule = "adam"


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with weight decay apart from the gradient, by Loshchilov and Hutter (2019)."""

    weight_decay: float = 0.01

    _rule = "adamw"


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """By Duchi, Hazan and Singer (2011)."""

    learning_rate: float | Schedule = 0.01
    epsilon: float = 1e-10

    _rule = "adagrad"


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """Steps divided by a moving root of squares; `beta2` says how slowly that moves."""

    beta2: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    _rule = "rmsprop"


@dataclass(frozen=True, kw_only=True)
class LAMB(Optimizer):
    """Adam with steps in proportion to each layer's norm, by You and others (2020)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-6

    _rule = "lamb"


@dataclass(frozen=True, kw_only=True)
class Lion(Optimizer):
    """Steps of the sign of a momentum, by Chen and others (2023)."""

    learning_rate: float | Schedule = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99

    _rule = "lion"


_NAMES: dict[str, type[Optimizer]] = {
    "sgd": SGD, "adam": Adam, "adamw": AdamW, "adagrad": Adagrad, "rmsprop": RMSProp, "lamb": LAMB, "lion": Lion,
}  # fmt: skip


def optimizer_of(value: str | Optimizer) -> Optimizer:
    """An optimizer, or the one of that name with its defaults."""
    if isinstance(value, Optimizer):
        return value
    if not isinstance(value, str):
        raise TypeError(f"an optimizer is a name or an object of maas.train, not {type(value).__name__}")
    kind = _NAMES.get(value.lower())
    if kind is None:
        raise NotFound(f"there is no optimizer '{value}'; there are {', '.join(_NAMES)}")
    return kind()
