"""What maas-model quantize must refuse: options that do not exist, calibration data that say nothing, models that
cannot be."""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from table import DIGITS, case


def cases(folder):
    data(folder)
    refuse("bits", "--bits 3", ["3 bits", "expected 8"])
    refuse("bits-of-mode", "--mode static --bits 4 --calibrate ten.npz", ["static", "4 bits", "expected 8"])
    refuse("bits-of-weights", "--mode weights --bits 16", ["16 bits", "8 or 4 or 2"])
    refuse("block", "--mode weights --block 48", ["blocks of 48", "16 or 32 or 64 or 128"])
    refuse("no-data", "--mode static", ["--calibrate"])
    refuse("no-samples", "--mode static --calibrate ten-none.npz", ["at least one sample", "0 samples"])
    refuse("no-files", "--mode static --calibrate no-samples", ["no-samples", ".npz"])
    refuse("nan", "--mode static --calibrate ten-nan.npz", ["'image'", "sample 3", "element 18", "NaN"])
    refuse("inf", "--mode weights --calibrate ten-inf.npz", ["'image'", "sample 3", "element 18", "infinite"])
    refuse("constant-zero", "--mode static --calibrate ten-zeros.npz", ["'scaled'", "0 in all calibration data"])
    refuse("data-shape", "--mode static --calibrate ten-wide.npz",
        ["'image'", "sample 0", "[N, 1, 8, 8]", "[1, 1, 8, 9]"])
    refuse("data-rank", "--mode static --calibrate ten-rank.npz", ["'image'", "[10, 8]"])
    refuse("data-type", "--mode static --calibrate ten-double.npz", ["'image'", "float", "double"])
    refuse("data-name", "--mode static --calibrate ten-name.npz", ["'picture'", "'image'"])
    refuse("data-cut", "--mode static --calibrate npz-cut.npz", ["npz-cut.npz"])
    refuse("budget", "--calibrate ten.npz --error-budget 200%", ["error budget", "100 %"])
    refuse("excluded", "--exclude no-such-node", ["no-such-node"])
    refuse("output", "--mode weights --report no-such-folder/r.html", ["no-such-folder/r.html"])
    models(folder)


def refuse(name, args, words, model="digits.onnx"):
    case(f"quantize-{name}", "quantize", model, "", words, inputs="", tensors="", args=args)


def data(folder):
    images = np.load(os.path.join(DIGITS, "images", "all.npy"))
    spoiled = {name: images.copy() for name in ("nan", "inf")}
    spoiled["nan"][3, 0, 2, 2], spoiled["inf"][3, 0, 2, 2] = np.nan, np.inf
    arrays = spoiled | {
        "none": images[:0], "zeros": 0 * images, "wide": np.zeros((10, 1, 8, 9), np.float32),
        "rank": np.zeros((10, 8), np.float32), "double": images.astype(np.float64),
    }  # fmt: skip
    np.savez(os.path.join(folder, "ten.npz"), image=images)
    np.savez(os.path.join(folder, "ten-name.npz"), picture=images)
    for name, array in arrays.items():
        np.savez(os.path.join(folder, f"ten-{name}.npz"), image=array)
    os.mkdir(os.path.join(folder, "no-samples"))


def models(folder):
    """A product behind bytes whose scale or zero point is none, one of numbers that overflow, and a model without any
    layer."""
    save(folder, "scale-zero.onnx", *rounded(0, np.uint8(3)))
    save(folder, "scale-nan.onnx", *rounded(np.nan, np.uint8(3)))
    save(folder, "zero-point-type.onnx", *rounded(1, np.int32(3)))
    save(folder, "no-layer.onnx", [helper.make_node("Relu", ["x"], ["y"], "relu")], {})
    grown = [helper.make_node("Mul", ["x", "huge"], ["h"], "grow"),
        helper.make_node("MatMul", ["h", "w"], ["y"], "product")]
    save(folder, "overflow.onnx", grown, {"huge": np.float32(1e30)})
    np.savez(os.path.join(folder, "large.npz"),
        x=np.array([1, 2, 1e9, 3], np.float32)[:, None, None] * np.ones((4, 2, 8), np.float32))
    refuse("overflow", "--mode static --calibrate large.npz", ["'h'", "sample 2", "infinity"], "overflow.onnx")
    refuse("scale-zero", "", ["to_bytes", "'scale'", "positive"], "scale-zero.onnx")
    refuse("scale-nan", "", ["to_bytes", "'scale'", "positive"], "scale-nan.onnx")
    refuse("zero-point-type", "", ["to_bytes", "int32"], "zero-point-type.onnx")
    refuse("no-layer", "", ["no layer to quantize"], "no-layer.onnx")
    refuse("no-model", "", ["no-such.onnx"], "no-such.onnx")


def rounded(scale, zero):
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], "to_bytes"),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["h"], "from_bytes"),
        helper.make_node("MatMul", ["h", "w"], ["y"], "product"),
    ]  # fmt: skip
    return nodes, {"scale": np.float32(scale), "zero": zero}


def save(folder, name, nodes, constants):
    constants = constants | {"w": np.ones((8, 8), np.float32)}
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 8]) for n in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, os.path.join(folder, name))
