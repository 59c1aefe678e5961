"""The networks that benchmarks run: each is written once and becomes an ONNX file or a torch network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import onnx

from . import dense, quantized, recurrent, transformers, trees, vision
from .network import Network
from .onnx_writer import OnnxWriter

#: Networks by name.
NETWORKS: dict[str, Callable[[Network], None]] = {
    "three": dense.three,
    "mlp-10": lambda net: dense.perceptron(net, 10, 10, 1),
    "mlp-16": lambda net: dense.perceptron(net, 16, 32, 32, 4),
    "mlp-784": lambda net: dense.perceptron(net, 784, 512, 256, 10),
    "mlp-1024": lambda net: dense.perceptron(net, *[1024] * 5, last_relu=True),
    "mlp-4096": lambda net: dense.perceptron(net, *[4096] * 5, last_relu=True),
    "chain-4": lambda net: dense.perceptron(net, *[4] * (dense.STEPS + 1), last_relu=True),
    "chain-128": lambda net: dense.perceptron(net, *[128] * 101, last_relu=True),
    "product-1024": lambda net: dense.product(net, 1024),
    "product-4096": lambda net: dense.product(net, 4096),
    "bert": transformers.bert,
    "vit": transformers.vit,
    "gpt2": transformers.gpt2,
    "resnet18": vision.resnet18,
    "resnet50": vision.resnet50,
    "mobilenetv2": vision.mobilenet_v2,
    "unet": vision.unet,
    "lstm": recurrent.lstm,
}

#: Models that are no networks.
ENSEMBLES: dict[str, Callable[[], onnx.ModelProto]] = {
    "trees-100": lambda: trees.ensemble(100, 8, 1),
    "trees-1000": lambda: trees.ensemble(1000, 6, 1),
    "forest-100": lambda: trees.ensemble(100, 10, trees.CLASSES),
}

#: ViT is written as exporters did before LayerNormalization became an operator.
_OPSETS = {"vit": 16}

#: Networks of bytes: the network that each is made of, and how.
QUANTIZED = {
    f"{name}-{form}": (name, form)
    for names, forms in (
        (("mlp-784", "mlp-1024", "mlp-4096", "bert"), ("int8", "int8-dynamic")),
        (("resnet18", "mobilenetv2", "product-1024", "product-4096"), ("int8",)),
        (("mlp-4096",), ("int4",)),
    )
    for name in names
    for form in forms
}

MODELS = (*NETWORKS, *QUANTIZED, *ENSEMBLES)


def model(name: str) -> onnx.ModelProto:
    if name in ENSEMBLES:
        return ENSEMBLES[name]()
    writer = OnnxWriter({"N": 1, "S": 1, "P": 1}, opset=_OPSETS.get(name, 17))
    NETWORKS[name](writer)
    return writer.model(name)


def of_floats(name: str) -> str:
    """The network that a network of bytes was made of; other names as they are."""
    return QUANTIZED[name][0] if name in QUANTIZED else name


def smaller(name: str) -> float:
    """How many times as large the weights of the network of floats are."""
    return quantized.FORMS[QUANTIZED[name][1]].smaller if name in QUANTIZED else 1


def openvino_file(name: str, folder: str) -> str:
    """The path of OpenVINO's own form of a network of bytes, which is made when it is not there."""
    path = os.path.join(folder, f"{name}.xml")
    if not os.path.exists(path):
        quantized.write_for_openvino(file(of_floats(name), folder), QUANTIZED[name][1], path)
    return path


def file(name: str, folder: str) -> str:
    """The path of a model, which is made when it is not there."""
    path = os.path.join(folder, f"{name}.onnx")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as unfinished:
            if name not in QUANTIZED:
                unfinished.write(model(name).SerializeToString())
        if name in QUANTIZED:
            quantized.write(file(of_floats(name), folder), QUANTIZED[name][1], unfinished.name)
        os.replace(unfinished.name, path)
    return path
