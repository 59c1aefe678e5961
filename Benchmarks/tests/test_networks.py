"""Networks are what they are said to be, and maas computes them as ONNX Runtime does."""

import networks
import onnx
import pytest
from measure import TOLERANCE, difference
from peers import Maas, OnnxRuntime
from saturation import saturates, session
from works import WORKS, Work

SMALL = ("three", "mlp-10", "mlp-16", "mlp-784", "mlp-784-int8", "mlp-784-int8-dynamic", "mobilenetv2", "lstm",
    "trees-100", "forest-100")

# Multiply-adds and parameters as the networks' papers and torchvision's documentation give them.
PUBLISHED = (
    ("resnet18", 1.81e9, 11.69e6),
    ("resnet50", 4.09e9, 25.56e6),
    ("mobilenetv2", 0.30e9, 3.50e6),
)


def work(model: str) -> Work:
    return next(work for work in WORKS if work.model == model)


@pytest.mark.parametrize("model, multiply_adds, parameters", PUBLISHED)
def test_arithmetic_and_weights_are_those_published(model, multiply_adds, parameters):
    net = work(model).network()
    assert net.flops / 2 == pytest.approx(multiply_adds, rel=0.01)
    # Batch normalisation has gone into the weights: a bias for each channel in place of scale, shift and the like.
    assert net.weight_bytes / 4 == pytest.approx(parameters, rel=0.01)


def test_arithmetic_of_a_layer_of_bert():
    tokens, width = 128, 768
    products = 4 * width * width + 2 * width * 4 * width  # Vaswani et al. 2017: projections, then feed-forward
    layer = 2 * tokens * products + 4 * tokens * tokens * width
    pooler = 2 * width * width
    net = next(work for work in WORKS if work.name == "bert seq 128").network()
    assert net.flops == 4 * layer + pooler


@pytest.mark.parametrize("model", SMALL)
def test_outputs_are_those_of_onnxruntime(model, tmp_path):
    path = networks.file(model, str(tmp_path))
    onnx.checker.check_model(path, full_check=True)
    mine, theirs = (peer().open(path, work(model), 1) for peer in (Maas, OnnxRuntime))
    mine.run()
    theirs.run()
    right = theirs.outputs()
    if work(model).of_bytes and saturates():
        right = session(path).run(None, work(model).feed())
    assert difference(mine.outputs(), right) < TOLERANCE


def test_files_are_made_once(tmp_path):
    path = networks.file("mlp-10", str(tmp_path))
    with open(path, "rb") as file:
        first = file.read()
    assert networks.file("mlp-10", str(tmp_path)) == path
    assert first == networks.model("mlp-10").SerializeToString()
