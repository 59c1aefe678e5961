"""Networks as the quantizers of ONNX Runtime write them, and NNCF for OpenVINO: products of bytes, with the scales of
activations known or not, and weights of 4 bits."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import onnx
from onnxruntime import quantization

WORDS, BATCH, SEQUENCE, SAMPLES = 8000, 4, 32, 4
#: Neighbours that share a scale of weights of 4 bits.
BLOCK = 32


class _Samples(quantization.CalibrationDataReader):
    """Random inputs like those that are measured."""

    def __init__(self, path: str):
        self.feeds = list(self._drawn(onnx.load(path, load_external_data=False).graph.input))
        self._left = iter(self.feeds)

    @staticmethod
    def _drawn(inputs: list[onnx.ValueInfoProto]) -> Iterator[dict[str, np.ndarray]]:
        random, sizes = np.random.default_rng(2), {"N": BATCH, "S": SEQUENCE}
        for _ in range(SAMPLES):
            feed = {}
            for value in inputs:
                type_ = value.type.tensor_type
                shape = [d.dim_value or sizes[d.dim_param] for d in type_.shape.dim]
                integer = type_.elem_type == onnx.TensorProto.INT64
                array = random.integers(0, WORDS, shape) if integer else random.standard_normal(shape, np.float32)
                feed[value.name] = array
                if value.name == "attention_mask":
                    feed[value.name] = np.ones(shape, np.int64)
                if value.name == "position_ids":
                    feed[value.name] = np.broadcast_to(np.arange(SEQUENCE), shape).copy()
            yield feed

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def _static(path: str, to: str) -> None:
    quantization.quantize_static(
        path, to, _Samples(path), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
        activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)  # fmt: skip


def _dynamic(path: str, to: str) -> None:
    quantization.quantize_dynamic(path, to, weight_type=quantization.QuantType.QInt8)


def _four_bits(path: str, to: str) -> None:
    """With activations of bytes where a runtime has such a product."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load(path)
    _unfold_gemms(model.graph)
    quantizer = MatMulNBitsQuantizer(model, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(to)


def _unfold_gemms(graph: onnx.GraphProto) -> None:
    """The quantizer knows MatMul only."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Gemm":
            nodes.append(node)
            continue
        x, weight, bias = node.input
        turned = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights[weight]).T.copy(), weight)
        weights[weight].CopyFrom(turned)
        product = f"{node.output[0]}/product"
        nodes.append(onnx.helper.make_node("MatMul", [x, weight], [product], f"{node.name}/MatMul"))
        nodes.append(onnx.helper.make_node("Add", [product, bias], node.output, f"{node.name}/Add"))
    del graph.node[:]
    graph.node.extend(nodes)


class Form(NamedTuple):
    """How a file is made of the file of floats, and how much smaller weights become."""

    make: Callable[[str, str], None]
    smaller: float


#: By what a name ends with. With their scales, 4 bits are 5.
FORMS = {"int8": Form(_static, 4), "int8-dynamic": Form(_dynamic, 4), "int4": Form(_four_bits, 6.4)}


def write(path: str, form: str, to: str) -> None:
    logging.disable(logging.WARNING)
    FORMS[form].make(path, to)


def write_for_openvino(path: str, form: str, to: str) -> None:
    """What OpenVINO's own quantizer makes of the file of floats; where activations have no known scales it has weights
    of bytes, and OpenVINO quantizes activations itself."""
    logging.disable(logging.WARNING)
    import nncf
    import openvino

    model = openvino.Core().read_model(path)
    if form == "int8":
        transformer = nncf.ModelType.TRANSFORMER if "bert" in os.path.basename(path) else None
        model = nncf.quantize(model, nncf.Dataset(_Samples(path).feeds), subset_size=SAMPLES, model_type=transformer)
    elif form == "int8-dynamic":
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
    else:
        mode = nncf.CompressWeightsMode.INT4_SYM
        model = nncf.compress_weights(model, mode=mode, group_size=BLOCK, ratio=1.0, all_layers=True)
    openvino.save_model(model, to, compress_to_fp16=False)
