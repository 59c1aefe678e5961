"""What training must reach."""

from __future__ import annotations

from collections.abc import Callable

from bars import Bar

from .processes import COMMAND, PROCESS, RANKS
from .table import Row, number, of_peak, ratio

Number = Callable[[Row], float | None]
TORCH = ("torch", "torch.compile")
#: With the backend that Keras has where none is chosen.
KERAS = "keras-tensorflow"


def _work(*starts: str, threads: int | None = None) -> Callable[[Row], bool]:
    return lambda row: row["work"].startswith(starts) and threads in (None, row["threads"])


def _beside(*names: str) -> Number:
    return lambda row: ratio(row, *names)


def _of(key: str, scale: float = 1) -> Number:
    def number_of(row: Row) -> float | None:
        value = number(row, "maas", key)
        return None if value is None else scale * value

    return number_of


REFERENCE, DIGITS, BIG, WIDE = "reference, 100 epochs", "digits", "60000x784", "1024 wide"
OTHERS = ("CNN", "transformer", "LSTM")

BARS = (
    Bar("reference: least ratio to JAX", _work(REFERENCE), _beside("jax"), min, least=1),
    Bar("reference: least ratio to PyTorch", _work(REFERENCE), _beside(*TORCH), min, least=30),
    Bar("reference as written: least ratio to Keras", _work("reference, as written"), _beside(KERAS), min, least=1000),
    Bar("reference, whole process: ms", lambda row: row["work"] == PROCESS, _of("seconds", 1e3), max, most=100),
    Bar("reference, one command: ms", _work(COMMAND), _of("seconds", 1e3), max, most=100),
    Bar("digits: least accuracy", _work(DIGITS), _of("accuracy"), min, least=0.97),
    Bar("digits: least ratio to JAX", _work(DIGITS), _beside("jax"), min, least=1.5),
    Bar("digits: least ratio to PyTorch", _work(DIGITS), _beside(*TORCH), min, least=5),
    Bar("60000x784, 1 thread: ratio", _work(BIG, threads=1), _beside(), min, least=1.3),
    Bar("60000x784, 2 threads: ratio", _work(BIG, threads=2), _beside(), min, least=1.3),
    Bar("1024 wide: least part of the peak", _work(WIDE), of_peak, min, least=0.75),
    Bar("1024 wide: least ratio", _work(WIDE), _beside(), min, least=1.15),
    Bar("CNN, transformer, LSTM: least ratio", _work(*OTHERS), _beside(), min, least=1),
    Bar("2 processes: times the epochs of one", _work(RANKS), _of("speedup"), min, least=1.8),
)  # fmt: skip
