"""Models with weights of 8, 4 or 2 bits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ctypes import byref, c_char_p, c_int64, c_void_p
from typing import Any

import numpy as np

from .abi import SampleFunction, encoded, failed_callback, lib, text
from .handle import QuantizationHandle
from .tensor import Tensor, as_array

Sample = Mapping[str, Any]
#: Samples that can be gone through several times.
Samples = Iterable[Sample] | Callable[[], Iterable[Sample]]


class QuantizationReport:
    """What became of a model: `layers`, a dict for each, and what holds for the whole. Keys are those of the JSON text,
    `json`; what was not measured is None."""

    def __init__(self, json_text: str):
        import json

        self.json = json_text
        self._found: dict[str, Any] = json.loads(json_text)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_found"][name]
        except KeyError:
            raise AttributeError(f"the report has no {name!r}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._found]

    def __repr__(self) -> str:
        totals = {key: value for key, value in self._found.items() if key != "layers" and value is not None}
        return f"QuantizationReport({', '.join(f'{key}={value!r}' for key, value in totals.items())})"


class _Feed:
    """Gives libmaas one sample after the other."""

    def __init__(self, samples: Samples):
        if isinstance(samples, Iterator):
            raise TypeError(
                "the calibration data are gone through several times: give a list, or a function that makes an iterator"
            )
        self._samples = samples
        self._rest: Iterator[Sample] = iter(())

    def give(self, index: int, sample: c_void_p) -> None:
        if index == 0:
            self._rest = iter(self._samples() if callable(self._samples) else self._samples)
        inputs = next(self._rest, None)
        if inputs is None:
            return
        if not isinstance(inputs, Mapping):
            raise TypeError(f"a sample is a dict of names and arrays, not {type(inputs).__name__}")
        for name, value in inputs.items():
            array = np.ascontiguousarray(as_array(value))
            lib.maas_sample_set(sample, encoded(name, "a name"), Tensor.from_numpy(array))


def _guarded(feed: _Feed) -> Any:
    """What libmaas can call: an exception becomes a status and a message."""

    def call(_: int, index: int, sample: int) -> int:
        try:
            feed.give(index, c_void_p(sample))
            return 0
        except BaseException as error:
            return failed_callback(error)

    return SampleFunction(call)


def quantize(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mode: str = "dynamic",
    bits: int = 8,
    block: int = 32,
    symmetric: bool = False,
    calibrate: Samples | None = None,
    method: str = "minmax",
    exclude: Sequence[str] = (),
    error_budget: float | None = None,
    sqnr: float | None = None,
    labels: Sequence[int] | np.ndarray | None = None,
    keep_only_faster: bool = False,
    threads: int = 0,
) -> QuantizationReport:
    """Quantizes the ONNX model in a file and writes the result, an ONNX model again, to another: whole, or not at all.

    `mode` is "dynamic" (weights are bytes; inputs of layers become bytes at each run), "static" (what flows between
    layers is bytes too) or "weights" (only weights, in blocks of `block`, of 8, 4 or 2 `bits`).

    `calibrate` are inputs like those the model will see, dicts of names and arrays: a list or another iterable that can
    be gone through several times, or a function that makes an iterator. One sample at a time is in memory.

    `error_budget` is the most the outputs may be off, as a part of their root mean square; with `labels`, the right
    class of each sample, the most accuracy that may be lost. `sqnr` is the least ratio of signal to error in decibels.
    Layers that take too much stay float; with `keep_only_faster` also those that are not faster on this machine,
    alone or in the whole model.
    """
    options = QuantizationHandle()
    lib.maas_quantization_create(byref(options))
    settings = {
        "mode": mode, "bits": bits, "block": block, "symmetric": "true" if symmetric else "false", "method": method,
        "error_budget": error_budget or 0, "sqnr": sqnr or 0, "threads": threads,
        "keep_only_faster": "true" if keep_only_faster else "false",
    }  # fmt: skip
    named = [*settings.items(), *(("exclude", name) for name in exclude)]
    for name, value in named:
        lib.maas_quantization_set(options, name.encode(), encoded(str(value), name))
    if labels is not None:
        classes = np.asarray(labels)
        if classes.dtype.kind not in "iu":
            raise TypeError(f"labels are whole numbers, not {classes.dtype}")
        numbers = classes.astype(np.int64).ravel()
        lib.maas_quantization_set_labels(options, (c_int64 * len(numbers))(*numbers), len(numbers))
    function = SampleFunction() if calibrate is None else _guarded(_Feed(calibrate))
    lib.maas_quantization_set_samples(options, function, None)
    report = c_void_p()
    lib.maas_quantize(os.fsencode(model), os.fsencode(output), options, byref(report))
    try:
        return QuantizationReport(text(c_char_p(report.value).value))
    finally:
        lib.maas_text_free(report)
