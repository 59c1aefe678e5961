"""Writes networks as ONNX graphs, with the nodes that torch's exporter writes for the same modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .network import Dims, Network, Value

LOWEST = float(np.finfo(np.float32).min)


class OnnxWriter(Network):
    """Collects nodes. Before opset 17 there is no LayerNormalization; its parts are written then."""

    def __init__(self, sizes: dict[str, int], seed: int = 0, opset: int = 17):
        super().__init__(sizes, seed)
        self.opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._constants: dict[Any, str] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._renamed: dict[str, str] = {}

    def model(self, name: str) -> onnx.ModelProto:
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [self._renamed.get(n, n) for n in names]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._weights)
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, ir_version=8, opset_imports=opsets, producer_name="maas benchmarks")

    # Parts of graphs.

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        at = len(self._nodes)
        names = [f"{op.lower()}_{at}" if i == 0 else f"{op.lower()}_{at}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op, inputs, names, f"/{op}_{at}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """A small constant, written once."""
        array = np.asarray(value, dtype)
        key = (array.tobytes(), array.shape, array.dtype.str)
        if key not in self._constants:
            self._constants[key] = self._initializer(f"constant_{len(self._constants)}", array)
        return self._constants[key]

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def _initializer(self, name: str, array: np.ndarray) -> str:
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def size_of(self, x: str, axis: int) -> str:
        """A dimension known only at run time, as a vector of one number."""
        size = self.node("Gather", self.node("Shape", x), self.constant(axis, np.int64), axis=0)
        return self.node("Unsqueeze", size, self.integers(0))

    def reshape(self, x: str, *dims: int | str) -> str:
        """Names among the dims are vectors of one number."""
        if all(isinstance(d, int) for d in dims):
            return self.node("Reshape", x, self.integers(*dims))
        parts = [self.integers(d) if isinstance(d, int) else d for d in dims]
        return self.node("Reshape", x, self.node("Concat", *parts, axis=0))

    def transpose(self, x: str, *axes: int) -> str:
        return self.node("Transpose", x, perm=axes)

    # What `Network` asks for.

    def input(self, name: str, dtype: type, dims: Dims) -> Value:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, kind, dims))
        return super().input(name, dtype, dims)

    def output(self, value: Value, name: str, dims: Dims) -> None:
        self._renamed[value.symbol] = name
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))

    def drawn(self, shape: tuple[int, ...], deviation: float, mean: float) -> np.ndarray:
        return self.random_array(shape, deviation, mean)

    def emit(self, kind: str, *arguments: Any, **attributes: Any) -> Any:
        return getattr(self, f"_{kind}")(*arguments, **attributes)

    def _weight(self, array: np.ndarray) -> str:
        return self._initializer(f"weight_{len(self._weights)}", np.ascontiguousarray(array))

    # Layers.

    def _linear(self, x: Value, w: Value, b: Value | None) -> str:
        if len(x.shape) == 2 and b is not None:
            return self.node("Gemm", x.symbol, self._weight(w.symbol), self._weight(b.symbol), transB=1)
        y = self.node("MatMul", x.symbol, self._weight(w.symbol.T))
        return y if b is None else self.node("Add", self._weight(b.symbol), y)

    def _conv1d(self, x: Value, w: Value, b: Value) -> str:
        rows = self.reshape(x.symbol, -1, x.shape[-1])
        y = self.node("Gemm", rows, self._weight(w.symbol.T), self._weight(b.symbol))
        return self.reshape(y, self.size_of(x.symbol, 0), self.size_of(x.symbol, 1), w.shape[0])

    def _activation(self, x: Value, name: str) -> str:
        return getattr(self, f"_{name}")(x.symbol)

    def _relu(self, x: str) -> str:
        return self.node("Relu", x)

    def _relu6(self, x: str) -> str:
        return self.node("Clip", x, self.constant(0), self.constant(6))

    def _tanh(self, x: str) -> str:
        return self.node("Tanh", x)

    def _gelu(self, x: str) -> str:
        erf = self.node("Erf", self.node("Div", x, self.constant(math.sqrt(2))))
        return self.node("Mul", self.node("Mul", x, self.node("Add", erf, self.constant(1))), self.constant(0.5))

    def _gelu_tanh(self, x: str) -> str:
        half = self.node("Mul", x, self.constant(0.5))
        cubic = self.node("Mul", self.node("Pow", x, self.constant(3)), self.constant(0.044715))
        inner = self.node("Mul", self.node("Add", x, cubic), self.constant(math.sqrt(2 / math.pi)))
        return self.node("Mul", half, self.node("Add", self.node("Tanh", inner), self.constant(1)))

    def _add(self, a: Value, b: Value) -> str:
        symbols = (v.symbol for v in (a, b))
        return self.node("Add", *(self._weight(s) if isinstance(s, np.ndarray) else s for s in symbols))

    def _layer_norm(self, x: Value, w: Value, b: Value) -> str:
        scale, shift = self._weight(w.symbol), self._weight(b.symbol)
        if self.opset >= 17:
            return self.node("LayerNormalization", x.symbol, scale, shift, axis=-1, epsilon=1e-5)
        centred = self.node("Sub", x.symbol, self.node("ReduceMean", x.symbol, axes=[-1]))
        variance = self.node("ReduceMean", self.node("Pow", centred, self.constant(2)), axes=[-1])
        deviation = self.node("Sqrt", self.node("Add", variance, self.constant(1e-5)))
        return self.node("Add", self.node("Mul", self.node("Div", centred, deviation), scale), shift)

    def _embedding(self, ids: Value, table: Value) -> str:
        return self.node("Gather", self._weight(table.symbol), ids.symbol)

    def _attention(self, q: Value, k: Value, v: Value, mask: Value, heads: int) -> str:
        width = q.shape[-1]

        def split(x: Value, *axes: int) -> str:
            sizes = self.size_of(x.symbol, 0), self.size_of(x.symbol, 1)
            return self.transpose(self.reshape(x.symbol, *sizes, heads, width // heads), *axes)

        scores = self.node("MatMul", split(q, 0, 2, 1, 3), split(k, 0, 2, 3, 1))
        scaled = self.node("Div", scores, self.constant(math.sqrt(width // heads)))
        weights = self.node("Softmax", self.node("Add", scaled, self._additive(mask.symbol)), axis=-1)
        return self._joined(self.node("MatMul", weights, split(v, 0, 2, 1, 3)), q, width)

    def _additive(self, mask: str) -> str:
        """[N, S] of 0 and 1 becomes [N, 1, 1, S] of the lowest number and 0; once for all layers."""
        key = ("mask", mask)
        if key not in self._constants:
            wide = self.node("Unsqueeze", self.node("Unsqueeze", mask, self.integers(1)), self.integers(2))
            off = self.node("Sub", self.constant(1), self.node("Cast", wide, to=TensorProto.FLOAT))
            self._constants[key] = self.node("Mul", off, self.constant(LOWEST))
        return self._constants[key]

    def _joined(self, x: str, like: Value, width: int) -> str:
        merged = self.transpose(x, 0, 2, 1, 3)
        return self.reshape(merged, self.size_of(like.symbol, 0), self.size_of(like.symbol, 1), width)

    def _attention_of_packed(self, qkv: Value, heads: int) -> str:
        n, s, width = qkv.shape
        depth = width // 3 // heads
        split = self.transpose(self.reshape(qkv.symbol, n, s, 3, heads, depth), 2, 0, 3, 1, 4)
        q, k, v = (self.node("Gather", split, self.constant(i, np.int64), axis=0) for i in range(3))
        scaled = self.node("Mul", q, self.constant(depth**-0.5))
        scores = self.node("MatMul", scaled, self.transpose(k, 0, 1, 3, 2))
        y = self.node("MatMul", self.node("Softmax", scores, axis=-1), v)
        return self.reshape(self.transpose(y, 0, 2, 1, 3), n, s, width // 3)

    def _attention_with_cache(self, qkv: Value, past_key: Value, past_value: Value, heads: int) -> tuple[str, ...]:
        width = qkv.shape[-1] // 3
        parts = self.node("Split", qkv.symbol, self.integers(*[width] * 3), axis=2, outputs=3)

        def split(x: str) -> str:
            sizes = self.size_of(x, 0), self.size_of(x, 1)
            return self.transpose(self.reshape(x, *sizes, heads, width // heads), 0, 2, 1, 3)

        q, k, v = map(split, parts)
        key = self.node("Concat", past_key.symbol, k, axis=-2)
        value = self.node("Concat", past_value.symbol, v, axis=-2)
        scores = self.node("MatMul", q, self.transpose(key, 0, 1, 3, 2))
        scaled = self.node("Div", scores, self.constant(math.sqrt(width // heads)))
        masked = self.node("Where", self._causal(q, key), scaled, self.constant(LOWEST))
        y = self.node("MatMul", self.node("Softmax", masked, axis=-1), value)
        return self._joined(y, Value(parts[0], ()), width), key, value

    def _causal(self, q: str, key: str, longest: int = 1024) -> str:
        """The rows of a triangle that belong to the new tokens."""
        triangle = self.constant(np.tril(np.ones((1, 1, longest, longest), bool)), bool)
        total = self.size_of(key, 2)
        begin = self.node("Sub", total, self.size_of(q, 2))
        rows = self.node("Slice", triangle, begin, total, self.integers(2), self.integers(1))
        return self.node("Slice", rows, self.integers(0), total, self.integers(3), self.integers(1))

    def _conv(self, x: Value, w: Value, b: Value, stride: int, padding: int, groups: int) -> str:
        size = w.shape[2:]
        return self.node(
            "Conv", x.symbol, self._weight(w.symbol), self._weight(b.symbol), kernel_shape=size, strides=[stride] * 2,
            pads=[padding] * 4, dilations=[1, 1], group=groups)  # fmt: skip

    def _patches(self, x: Value, w: Value, b: Value) -> str:
        size = w.shape[2:]
        y = self.node(
            "Conv", x.symbol, self._weight(w.symbol), self._weight(b.symbol), kernel_shape=size, strides=size,
            pads=[0] * 4, dilations=[1, 1], group=1)  # fmt: skip
        return self.transpose(self.reshape(y, x.shape[0], w.shape[0], -1), 0, 2, 1)

    def _conv_transpose(self, x: Value, w: Value, b: Value, size: int) -> str:
        return self.node(
            "ConvTranspose", x.symbol, self._weight(w.symbol), self._weight(b.symbol), kernel_shape=[size] * 2,
            strides=[size] * 2, pads=[0] * 4, dilations=[1, 1], group=1)  # fmt: skip

    def _max_pool(self, x: Value, size: int, stride: int, padding: int) -> str:
        return self.node(
            "MaxPool", x.symbol, kernel_shape=[size] * 2, strides=[stride] * 2, pads=[padding] * 4, ceil_mode=0
        )

    def _mean_of_image(self, x: Value) -> str:
        return self.node("Flatten", self.node("GlobalAveragePool", x.symbol), axis=1)

    def _concat(self, a: Value, b: Value, axis: int) -> str:
        return self.node("Concat", a.symbol, b.symbol, axis=axis)

    def _with_class_token(self, x: Value, token: Value) -> str:
        array = np.repeat(token.symbol, x.shape[0], 0)
        return self.node("Concat", self._weight(array), x.symbol, axis=1)

    def _token(self, x: Value, index: int) -> str:
        return self.node("Gather", x.symbol, self.constant(index, np.int64), axis=1)

    def _lstm(self, x: Value, weights: list[Value], hidden: int) -> str:
        y = self.transpose(x.symbol, 1, 0, 2)
        for layer in range(0, len(weights), 4):
            w, r, *biases = (_in_onnx_order(v.symbol) for v in weights[layer : layer + 4])
            tensors = (self._weight(a[None]) for a in (w, r, np.concatenate(biases)))
            zeros = self._zero_state(y, hidden)
            states = self.node("LSTM", y, *tensors, "", zeros, zeros, hidden_size=hidden, outputs=3)
            y = self.node("Squeeze", states[0], self.integers(1))
        return self.transpose(y, 1, 0, 2)

    def _zero_state(self, x: str, hidden: int) -> str:
        shape = self.node("Concat", self.integers(1), self.size_of(x, 1), self.integers(hidden), axis=0)
        return self.node("ConstantOfShape", shape)


def _in_onnx_order(array: np.ndarray) -> np.ndarray:
    """torch has the gates as i, f, g, o; ONNX as i, o, f, g."""
    i, f, g, o = np.split(array, 4)
    return np.concatenate((i, o, f, g))
