"""Models of one or few operators that say what cannot be; each once crashed, hung, or read and wrote outside its
memory."""
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from table import case, write

FLOAT, DOUBLE, INT64, BOOL, UINT8 = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL,
    TensorProto.UINT8)


def value(name, dtype, dims):
    return helper.make_tensor_value_info(name, dtype, dims)


def x(dims, dtype=FLOAT):
    return ("x", dtype, dims)


def i64(*numbers):
    return np.array(numbers, np.int64)


def reals(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def bytes_of(*shape):
    return np.ones(shape, np.uint8)


def one(op, inputs, opset=18, outputs=1, **attributes):
    """One node; an input is an array, a constant, or a tuple, an input of the graph."""
    names = [i[0] if isinstance(i, tuple) else f"c{n}" for n, i in enumerate(inputs)]
    node = helper.make_node(op, names, [f"y{n}" for n in range(outputs)], "node", **attributes)
    constants = [numpy_helper.from_array(i, n) for n, i in zip(names, inputs) if not isinstance(i, tuple)]
    graph_inputs = [value(*i) for i in inputs if isinstance(i, tuple)]
    return model([node], graph_inputs, constants, "y0", opset)


def model(nodes, inputs, constants, output, opset=18):
    result = value(output, 0, None)
    result.ClearField("type")
    graph = helper.make_graph(nodes, "graph", inputs, [result], constants)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def doubled(times):
    """Concat of a tensor with itself, again and again: 2^times elements."""
    names = ["c"] + [f"y{i}" for i in range(times)]
    nodes = [helper.make_node("Concat", [a, a], [b], b, axis=0) for a, b in zip(names, names[1:])]
    return model(nodes, [], [numpy_helper.from_array(reals(1), "c")], names[-1])


def branch_with_two_conditions():
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["b"])], "branch", [], [value("b", FLOAT, None)])
    node = helper.make_node("If", ["c", "c"], ["y0"], "node", then_branch=branch, else_branch=branch)
    return model([node], [value("x", FLOAT, [4]), value("c", BOOL, [])], [], "y0")


LARGEST, SMALLEST = 2**63 - 1, -(2**63)

# name, model, status, words
OPERATORS = [
    ("matmul-bias", one("MatMul", [x([2, 3]), reals(3, 50), reals(2)]), "INVALID_MODEL", ["MatMul", "inputs"]),
    ("conv-residual", one("Conv", [x([1, 1, 9, 9]), reals(1, 1, 3, 3), reals(1), reals(1)]), "INVALID_MODEL",
        ["Conv", "inputs"]),
    ("conv-window-empty", one("Conv", [x([1, 1, 9, 9]), reals(1, 1, 0, 0)]), "SHAPE_MISMATCH", ["Conv", "window"]),
    ("reduce-axes-too-early", one("ReduceMean", [x([3, 2, 2]), i64(-2)], 17), "INVALID_MODEL",
        ["ReduceMean", "inputs"]),
    ("layer-norm-scale-type", one("LayerNormalization", [x([2, 64], DOUBLE), reals(64)]), "TYPE_MISMATCH",
        ["LayerNormalization", "double", "float"]),
    ("layer-norm-scale-grows", one("LayerNormalization", [x([2, 1]), reals(5)]), "SHAPE_MISMATCH",
        ["LayerNormalization"]),
    ("pad-value-empty", one("Pad", [x([2]), i64(4, 4), reals(0)]), "SHAPE_MISMATCH", ["Pad", "input 2"]),
    ("pad-value-rank", one("Pad", [x([2]), i64(4, 4), reals(5, 5)]), "SHAPE_MISMATCH", ["Pad", "input 2"]),
    ("pad-smallest", one("Pad", [x([8]), i64(SMALLEST, LARGEST)]), "OUT_OF_RANGE", ["Pad", str(SMALLEST)]),
    ("split-endless", one("Split", [x([6])], outputs=3, num_outputs=LARGEST), "INVALID_MODEL", ["Split", str(LARGEST)]),
    ("slice-by-reals", one("Slice", [x([6]), reals(1), reals(1)]), "TYPE_MISMATCH", ["Slice", "float"]),
    ("range-of-lists", one("Range", [reals(3), reals(0), reals(0)]), "SHAPE_MISMATCH", ["Range"]),
    ("unsqueeze-endless", one("Unsqueeze", [x([2]), ("a", INT64, [2**60])]), "INVALID_MODEL", ["a"]),
    ("rank-65", one("Relu", [x([1] * 65)]), "UNSUPPORTED", ["x", "65"]),
    ("dims-huge-beside-zero", one("Transpose", [x([0, 2**40, 2**40])]), "INVALID_MODEL", ["x"]),
    ("dims-huge", one("ArgMax", [x([2**62], UINT8)]), "INVALID_MODEL", ["x"]),
    ("expand-2^50", one("Expand", [reals(1), i64(2**25, 2**25)]), "INVALID_MODEL", ["Expand", "y0"]),
    ("doubled-60-times", doubled(60), "INVALID_MODEL", ["Concat"]),
    ("attention-heads-unknown", one("Attention", [x([1, 2, 8]), reals(1, 3, 8), reals(1, 3, 8)], 24), "INVALID_MODEL",
        ["Attention", "heads"]),
    ("attention-heads-uneven", one("Attention", [x([1, 3, 2, 4]), reals(1, 2, 3, 4), reals(1, 2, 3, 4)], 24),
        "SHAPE_MISMATCH", ["Attention", "heads"]),
    ("attention-mask-grows", one("Attention", [x([1, 1, 2, 4]), reals(1, 1, 3, 4), reals(1, 1, 3, 4), reals(2, 5)], 24),
        "SHAPE_MISMATCH", ["Attention", "mask"]),
    ("rotary-position", one("RotaryEmbedding", [x([1, 1, 8, 8]), reals(5, 4), reals(5, 4), np.full((1, 8), 9)], 23),
        "OUT_OF_RANGE", ["RotaryEmbedding", "9"]),
    ("gru-activations", one("GRU", [x([2, 1, 3]), reals(1, 6, 3), reals(1, 6, 2)], 14, activations=["Tanh"]),
        "INVALID_MODEL", ["GRU", "activations"]),
    ("gru-recurrence", one("GRU", [x([2, 1, 3]), reals(1, 6, 3), reals(1, 6, 3)], 14), "SHAPE_MISMATCH",
        ["GRU", "input 1"]),
    ("group-norm-uneven", one("GroupNormalization", [x([1, 5, 2]), reals(5), reals(5)], 21, num_groups=2),
        "SHAPE_MISMATCH", ["GroupNormalization", "groups"]),
    ("loss-target", one("SoftmaxCrossEntropyLoss", [x([1, 1, 8, 8]), np.full((1, 8, 8), 3)]), "OUT_OF_RANGE",
        ["SoftmaxCrossEntropyLoss", "3"]),
    ("bitcast-wider", one("BitCast", [x([2])], 26, to=DOUBLE), "TYPE_MISMATCH", ["BitCast", "32", "64"]),
    ("quantize-scales", one("QuantizeLinear", [x([2, 3]), reals(2)]), "SHAPE_MISMATCH", ["QuantizeLinear", "3", "2"]),
    ("quantize-blocks", one("QuantizeLinear", [x([2, 9]), reals(2, 2)], 21, block_size=4), "SHAPE_MISMATCH",
        ["QuantizeLinear", "[2, 2]"]),
    ("quantize-block-size", one("QuantizeLinear", [x([2, 9]), reals(2, 2)], 21, block_size=-1), "INVALID_MODEL",
        ["block_size", "-1"]),
    ("qlinear-conv-scales", one("QLinearConv",
        [x([1, 1, 4, 4], UINT8), reals(), bytes_of(), bytes_of(2, 1, 3, 3), reals(3), bytes_of(), reals(), bytes_of()]),
        "SHAPE_MISMATCH", ["QLinearConv", "2", "3"]),
    ("softmax-scalar", one("Softmax", [reals()]), "INVALID_MODEL", ["Softmax", "scalar", "axis -1"]),
    ("gather-from-nothing", one("Gather", [reals(0), i64(1)]), "OUT_OF_RANGE", ["Gather", "expected none", "found 1"]),
    ("if-two-conditions", branch_with_two_conditions(), "INVALID_MODEL", ["If", "inputs"]),
]


def operator_models(folder):
    os.mkdir(os.path.join(folder, "operators"))
    for name, built, status, words in OPERATORS:
        path = f"operators/{name}.onnx"
        write(os.path.join(folder, path), built.SerializeToString())
        inputs = {"tensors": "x:float32:1,1,8,8"} if built.graph.input else {"inputs": "", "tensors": ""}
        case(name, "model", path, status, [f"{name}.onnx", *words], **inputs)
