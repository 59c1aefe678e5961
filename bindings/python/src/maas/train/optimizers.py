"""How parameters follow their gradients, and how the learning rate goes on: objects for `Sequential.compile`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..errors import NotFound
from ..record import Record, dataclass_transform

#: What an option of libmaas is set to.
Settings = Iterator[tuple[str, Any]]


class Schedule(Record):
    """How the learning rate goes on, from `learning_rate`; `warm_up` steps let it rise to that first."""

    learning_rate: float = 1e-3
    warm_up: int = 0

    _kind: ClassVar[str] = "constant"
    #: Names that libmaas has for the numbers of a kind.
    _names: ClassVar[dict[str, str]] = {
        "factor": "schedule_factor", "epochs": "schedule_period", "patience": "schedule_period", "end": "schedule_end",
    }  # fmt: skip

    def __init_subclass__(cls, kind: str = "") -> None:
        super().__init_subclass__()
        cls._kind = kind or cls._kind

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield "schedule", self._kind
        for name in self._fields:
            yield self._names.get(name, name), getattr(self, name)


class StepDecay(Schedule, kind="step"):
    """Is multiplied by `factor` every `epochs` epochs."""

    factor: float = 0.1
    epochs: int = 10


class ExponentialDecay(Schedule, kind="exponential"):
    """Is multiplied by `factor` after each epoch."""

    factor: float = 0.95


class CosineDecay(Schedule, kind="cosine"):
    """Goes down along half a cosine to the part `end` of what it was."""

    end: float = 0.0


class OneCycle(Schedule, kind="one-cycle"):
    """Rises from a part for three tenths of the steps, then falls to nearly nothing."""


class ReduceOnPlateau(Schedule, kind="plateau"):
    """Is multiplied by `factor` after `patience` epochs without a better loss."""

    factor: float = 0.1
    patience: int = 10


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Optimizer(Record):
    """An update rule; `learning_rate` is a number or a `Schedule`.

    Every rule has these: `weight_decay`; `clip_norm` and `clip_value`, the largest norm of all gradients together and
    the largest magnitude of one element, 0 for any; `ema`, how slowly an average of the parameters follows them, which
    evaluation and export then use, 0 for none; `accumulate`, the batches whose gradients are averaged for a step.
    """

    learning_rate: float | Schedule = 1e-3
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    ema: float = 0.0
    accumulate: int = 1

    _named_only: ClassVar[bool] = True
    _rule: ClassVar[str] = ""
    _rules: ClassVar[dict[str, type[Optimizer]]] = {}

    def __init_subclass__(cls, rule: str = "") -> None:
        super().__init_subclass__()
        if rule:
            cls._rule, cls._rules[rule] = rule, cls

    def settings(self) -> Settings:
        """The options of libmaas."""
        yield "update_rule", self._rule
        rate = self.learning_rate
        yield from (rate if isinstance(rate, Schedule) else Schedule(float(rate))).settings()
        for name in self._fields:
            if name != "learning_rate":
                yield name, getattr(self, name)


class SGD(Optimizer, rule="sgd"):
    """Gradient descent, with momentum of the plain kind or Nesterov's."""

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False


class Adam(Optimizer, rule="adam"):
    """By Kingma and Ba (2015); `weight_decay` is part of the gradient."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


class AdamW(Adam, rule="adamw"):
    """Adam with weight decay apart from the gradient, by Loshchilov and Hutter (2019)."""

    weight_decay: float = 0.01


class Adagrad(Optimizer, rule="adagrad"):
    """By Duchi, Hazan and Singer (2011)."""

    learning_rate: float | Schedule = 0.01
    epsilon: float = 1e-10


class RMSProp(Optimizer, rule="rmsprop"):
    """Steps divided by a moving root of squares; `beta2` says how slowly that moves."""

    beta2: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8


class LAMB(Adam, rule="lamb"):
    """Adam with steps in proportion to each layer's norm, by You and others (2020)."""

    epsilon: float = 1e-6


class Lion(Optimizer, rule="lion"):
    """Steps of the sign of a momentum, by Chen and others (2023)."""

    learning_rate: float | Schedule = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99


def optimizer_of(value: str | Optimizer) -> Optimizer:
    """An optimizer, or the one of that name with its defaults."""
    if isinstance(value, Optimizer):
        return value
    if not isinstance(value, str):
        raise TypeError(f"an optimizer is a name or an object of maas.train, not {type(value).__name__}")
    kind = Optimizer._rules.get(value.lower())
    if kind is None:
        raise NotFound(f"there is no optimizer '{value}'; there are {', '.join(Optimizer._rules)}")
    return kind()
