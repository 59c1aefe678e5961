"""What maas has to say besides errors."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from enum import IntEnum

from .abi import LogFunction, lib, text


class LogLevel(IntEnum):
    """How grave a log line is; the numbers are those of `maas_log_level`."""

    ERROR = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3


LogCallback = Callable[[LogLevel, str], object]

_callback: LogCallback | None = None


def _pass_on(_context: int | None, level: int, message: bytes) -> None:
    callback = _callback
    if callback is not None:
        callback(LogLevel(level), text(message))


#: One function for all callbacks: libmaas may still be inside an old one when a new one is set.
_forward = LogFunction(_pass_on)


def set_log_callback(callback: LogCallback | None, level: LogLevel = LogLevel.INFO) -> None:
    """Sends log lines of `level` and graver ones to `callback(level, message)`, for the whole process; None: to nobody.

    The callback runs on the thread that logs, and must not call this function. What it raises is reported through
    `sys.unraisablehook`.
    """
    global _callback
    if callback is None:
        lib.maas_log_set_callback(LogLevel.ERROR, LogFunction(), None)
    _callback = callback
    if callback is not None:
        lib.maas_log_set_callback(LogLevel(level), _forward, None)


atexit.register(set_log_callback, None)
