"""Models whose every shape follows from the inputs' symbols, as exporters write them: chains of Shape, Gather, Slice,
Concat, arithmetic, Reshape, Expand, Range, Where, Pad, Resize, Split, If."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Adds nodes one by one; the outputs are named after them."""

    def __init__(self):
        self.nodes, self.weights, self.inputs, self.count = [], [], [], 0

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def constant(self, value, dtype=np.int64):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, *shape):
        values = np.random.default_rng(len(self.weights)).standard_normal(shape)
        return self.constant(values, np.float32)

    def __getattr__(self, op):
        def add(*inputs, outputs=1, **attributes):
            self.count += 1
            names = [f"{op}{self.count}_{i}" for i in range(outputs)]
            self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
            return names[0] if outputs == 1 else names

        return add

    def dim(self, x, axis):
        """One size of x, as a scalar."""
        return self.Gather(self.Shape(x), self.constant(axis), axis=0)

    def list(self, *parts):
        """A shape of scalars and numbers."""
        parts = [self.constant([p]) if isinstance(p, int) else self.Unsqueeze(p, self.constant([0])) for p in parts]
        return self.Concat(*parts, axis=0)

    def model(self, *outputs, opset=17):
        infos = [helper.make_empty_tensor_value_info(o) for o in outputs]
        graph = helper.make_graph(self.nodes, "shapes", self.inputs, infos, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def attention(g, x, past, heads=2, size=4):
    batch, length = g.dim(x, 0), g.dim(x, 1)
    shape = g.list(batch, length, heads, size)
    q, k = (g.Transpose(g.Reshape(g.MatMul(x, g.weight(8, 8)), shape), perm=[0, 2, 1, 3]) for _ in range(2))
    k = g.Concat(past, k, axis=2)
    scores = g.MatMul(q, g.Transpose(k, perm=[0, 1, 3, 2]))
    keys = g.dim(k, 2)
    # The causal mask is cut from a large one: rows keys - length to keys.
    whole = g.constant(np.tril(np.ones((1, 1, 64, 64))), np.bool_)
    start = g.Unsqueeze(g.Sub(keys, length), g.constant([0]))
    end = g.Unsqueeze(keys, g.constant([0]))
    rows = g.Slice(whole, start, end, g.constant([2]), g.constant([1]))
    mask = g.Slice(rows, g.constant([0]), end, g.constant([3]), g.constant([1]))
    weights = g.Softmax(g.Where(mask, scores, g.constant(-1e9, np.float32)), axis=-1)
    y = g.Transpose(g.MatMul(weights, k), perm=[0, 2, 1, 3])
    return g.Reshape(y, g.list(batch, length, -1)), k


def decoder():
    g = Builder()
    ids = g.input("ids", ["batch", "seq"], TensorProto.INT64)
    past = g.input("past_keys", ["batch", 2, "past", 4])
    length, before = g.dim(ids, 1), g.dim(past, 2)
    positions = g.Range(before, g.Add(before, length), g.constant(1))
    # Exporters put 1 where a target of Expand is -1.
    target = g.list(g.dim(ids, 0), length)
    ones = g.ConstantOfShape(g.Shape(target), value=numpy_helper.from_array(np.ones(1, np.int64)))
    target = g.Where(g.Equal(target, g.Mul(ones, g.constant(-1))), ones, target)
    positions = g.Expand(g.Unsqueeze(positions, g.constant([0])), target)
    x = g.Add(g.Gather(g.weight(50, 8), ids), g.Gather(g.weight(64, 8), positions))
    y, keys = attention(g, x, past)
    a, b = g.Split(y, axis=2, outputs=2)
    last = g.Gather(g.Mul(a, b), g.constant(-1), axis=1)
    feeds = {"ids": ((3, 5), np.int64), "past_keys": ((3, 2, 7, 4), np.float32)}
    return g.model(last, keys), {"batch": 3, "seq": 5, "past": 7}, feeds


def windows():
    """Windows of 7: padded to a multiple by remainders, shifted, and cut again."""
    g = Builder()
    x = g.Conv(g.input("x", ["n", 3, "h", "w"]), g.weight(4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    x = g.MaxPool(g.Relu(x), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x = g.Transpose(x, perm=[0, 2, 3, 1])
    n, h, w = (g.dim(x, i) for i in range(3))
    seven = g.constant(7)
    down, right = (g.Mod(g.Sub(seven, g.Mod(size, seven)), seven) for size in (h, w))
    # torch's order of pads, last dimension first, turned into ONNX's.
    pads = g.list(0, 0, 0, right, 0, down, 0, 0)
    pads = g.Reshape(pads, g.constant([-1, 2]))
    pads = g.Slice(pads, g.constant([-1]), g.constant([-(2**63) + 1]), g.constant([0]), g.constant([-1]))
    pads = g.Cast(g.Reshape(g.Transpose(pads, perm=[1, 0]), g.constant([-1])), to=TensorProto.INT64)
    x = g.Pad(x, pads)
    begin, end = g.constant([-3]), g.constant([2**63 - 1])
    x = g.Concat(g.Slice(x, begin, end, g.constant([1])), g.Slice(x, g.constant([0]), begin, g.constant([1])), axis=1)
    rows, columns = (g.Div(g.dim(x, i), seven) for i in (1, 2))
    y = g.Reshape(x, g.list(n, rows, 7, columns, 7, 4))
    y = g.Reshape(g.Transpose(y, perm=[0, 1, 3, 2, 4, 5]), g.list(-1, 49, 4))
    y = g.Softmax(g.MatMul(y, g.weight(4, 4)), axis=-1)
    y = g.Transpose(g.Reshape(y, g.list(n, rows, columns, 7, 7, 4)), perm=[0, 1, 3, 2, 4, 5])
    y = g.Reshape(y, g.list(n, g.Mul(rows, seven), g.Mul(columns, seven), 4))
    ends = g.list(h, w)
    y = g.Slice(y, g.constant([0, 0]), ends, g.constant([1, 2]))
    return g.model(y), {"n": 2, "h": 45, "w": 58}, {"x": ((2, 3, 45, 58), np.float32)}


def unet():
    g = Builder()
    x = g.input("x", ["n", 3, "h", "w"])
    a = g.Conv(x, g.weight(4, 3, 3, 3), pads=[1, 1, 1, 1])
    b = g.Conv(g.AveragePool(a, kernel_shape=[2, 2], strides=[2, 2]), g.weight(6, 4, 3, 3), pads=[1, 1, 1, 1])
    up = g.ConvTranspose(b, g.weight(6, 4, 2, 2), strides=[2, 2])
    sizes = g.Concat(g.Slice(g.Shape(up), g.constant([0]), g.constant([2])),
                     g.Slice(g.Shape(a), g.constant([2]), g.constant([4])), axis=0)
    up = g.Resize(up, "", "", sizes, mode="nearest")
    y = g.Concat(a, up, axis=1)
    y = g.Flatten(g.GlobalAveragePool(g.Slice(y, g.constant([1]), g.constant([999]), g.constant([2]), g.constant([3]))))
    return g.model(y), {"n": 2, "h": 33, "w": 46}, {"x": ((2, 3, 33, 46), np.float32)}


def choices():
    """Conditions and bounds that sizes decide."""
    g = Builder()
    x = g.input("x", ["n", "l", 6])
    length = g.dim(x, 1)
    cut = g.Min(length, g.constant(4))
    head = g.Slice(x, g.constant([0]), g.Unsqueeze(cut, g.constant([0])), g.constant([1]))
    rest = g.Sub(g.Max(length, g.constant(4)), cut)
    steps = g.Range(g.constant(0), g.Mul(length, g.constant(3)), g.constant(2))
    # A dimension is never negative.
    is_there = g.GreaterOrEqual(length, g.constant(0))
    branches = []
    for name, nodes in (("then", [("Identity", [x])]), ("else", [("ReduceSum", [x])])):
        made = [helper.make_node(op, inputs, [f"{name}_y"]) for op, inputs in nodes]
        branches.append(helper.make_graph(made, name, [], [helper.make_empty_tensor_value_info(f"{name}_y")]))
    whole = g.If(is_there, then_branch=branches[0], else_branch=branches[1])
    filled = g.ConstantOfShape(g.list(rest, 2))
    return g.model(head, steps, whole, filled), {"n": 2, "l": 9}, {"x": ((2, 9, 6), np.float32)}


MODELS = {"decoder": decoder, "windows": windows, "unet": unet, "choices": choices}
