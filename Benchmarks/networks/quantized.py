"""Networks as ONNX Runtime's quantizers write them: products of bytes, with the scales of activations known or not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnxruntime import quantization

WORDS, BATCH, SEQUENCE, SAMPLES = 8000, 4, 32, 4


class _Samples(quantization.CalibrationDataReader):
    """Random inputs like those that are measured."""

    def __init__(self, path: str):
        self._feeds = self._drawn(onnx.load(path, load_external_data=False).graph.input)

    @staticmethod
    def _drawn(inputs: list[onnx.ValueInfoProto]) -> Iterator[dict[str, np.ndarray]]:
        random, sizes = np.random.default_rng(2), {"N": BATCH, "S": SEQUENCE}
        for _ in range(SAMPLES):
            feed = {}
            for value in inputs:
                type_ = value.type.tensor_type
                shape = [d.dim_value or sizes[d.dim_param] for d in type_.shape.dim]
                integer = type_.elem_type == onnx.TensorProto.INT64
                feed[value.name] = random.integers(0, WORDS, shape) if integer else random.standard_normal(shape, np.float32)
                if value.name == "attention_mask":
                    feed[value.name] = np.ones(shape, np.int64)
                if value.name == "position_ids":
                    feed[value.name] = np.broadcast_to(np.arange(SEQUENCE), shape).copy()
            yield feed

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)


def _static(path: str, to: str) -> None:
    quantization.quantize_static(
        path, to, _Samples(path), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
        activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)  # fmt: skip


def _dynamic(path: str, to: str) -> None:
    quantization.quantize_dynamic(path, to, weight_type=quantization.QuantType.QInt8)


#: What a name ends with, and how such a file is made of the file of floats.
FORMS: dict[str, Callable[[str, str], None]] = {"int8": _static, "int8-dynamic": _dynamic}


def write(path: str, form: str, to: str) -> None:
    logging.disable(logging.WARNING)
    FORMS[form](path, to)
