"""What all ways to build a network share: shapes, weights and the count of arithmetic.

A network is a function that calls the methods of a `Network`. `Network` itself only counts; `onnx_writer.OnnxWriter`
turns the same calls into an ONNX graph and `torch_network.TorchNetwork` into something that torch runs. Weights are
drawn in the order of the calls from one seed, so that all of them have the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Dims = Sequence[int | str]


class Value(NamedTuple):
    """A tensor of the network under construction: what a subclass knows it by, and its shape for the given sizes."""

    symbol: Any
    shape: tuple[int, ...]


class Network:
    """Counts floating-point operations and weights, all and those that a run reads.

    `sizes` gives the named dimensions of the inputs their values.
    """

    def __init__(self, sizes: dict[str, int], seed: int = 0):
        self.sizes = sizes
        self.random = np.random.default_rng(seed)
        self.flops = 0
        self.weight_bytes = 0
        self.read_bytes = 0
        self.inputs: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}

    # What subclasses replace.

    def emit(self, kind: str, *arguments: Any, **attributes: Any) -> Any:
        """Adds a layer; gives the symbol of what comes out, or one for each output."""
        return None

    def drawn(self, shape: tuple[int, ...], deviation: float, mean: float) -> Any:
        """The symbol of a new weight."""
        return None

    def input(self, name: str, dtype: type, dims: Dims) -> Value:
        """Declares an input. Subclasses extend this."""
        shape = self.shape(dims)
        self.inputs[name] = (np.dtype(dtype), shape)
        return Value(name, shape)

    def output(self, value: Value, name: str, dims: Dims) -> None:
        """Makes a value an output of the network."""

    def random_array(self, shape: tuple[int, ...], deviation: float, mean: float) -> np.ndarray:
        """Normally distributed; for subclasses' `drawn`."""
        array = self.random.standard_normal(shape, np.float32)
        array *= np.float32(deviation)
        array += np.float32(mean)
        return array

    # What networks are written in.

    def shape(self, dims: Dims) -> tuple[int, ...]:
        return tuple(d if isinstance(d, int) else self._size(d) for d in dims)

    def _size(self, name: str) -> int:
        return sum(self.sizes[term.strip()] for term in name.split("+"))

    def weight(self, *shape: int, deviation: float = 0.0, mean: float = 0.0) -> Value:
        self.weight_bytes += 4 * math.prod(shape)
        self.read_bytes += 4 * math.prod(shape)
        return Value(self.drawn(shape, deviation, mean), shape)

    def _layer(self, shape: Sequence[int], kind: str, *arguments: Any, **attributes: Any) -> Value:
        return Value(self.emit(kind, *arguments, **attributes), tuple(shape))

    def linear(self, x: Value, features: int, *, gain: float = 1.0, bias: bool = True, kind: str = "linear") -> Value:
        """torch's Linear; `kind` conv1d is GPT-2's way to write the same."""
        k = x.shape[-1]
        w = self.weight(features, k, deviation=gain / math.sqrt(k))
        b = self.weight(features, deviation=0.1) if bias else None
        self.flops += 2 * math.prod(x.shape) * features
        return self._layer((*x.shape[:-1], features), kind, x, w, b)

    def activation(self, x: Value, name: str) -> Value:
        return self._layer(x.shape, "activation", x, name)

    def add(self, a: Value, b: Value) -> Value:
        return self._layer(np.broadcast_shapes(a.shape, b.shape), "add", a, b)

    def layer_norm(self, x: Value) -> Value:
        n = x.shape[-1]
        scale, shift = self.weight(n, deviation=0.1, mean=1), self.weight(n, deviation=0.1)
        return self._layer(x.shape, "layer_norm", x, scale, shift)

    def embedding(self, ids: Value, rows: int, features: int) -> Value:
        table = self.weight(rows, features, deviation=1)
        self.read_bytes += 4 * features * (math.prod(ids.shape) - rows)
        return self._layer((*ids.shape, features), "embedding", ids, table)

    def attention(self, q: Value, k: Value, v: Value, mask: Value, heads: int) -> Value:
        """BERT's: three projections, and a mask of 1 for the tokens that count."""
        self.flops += 4 * math.prod(q.shape) * k.shape[1]
        return self._layer(q.shape, "attention", q, k, v, mask, heads)

    def attention_of_packed(self, qkv: Value, heads: int) -> Value:
        """ViT's: one projection for all three, no mask."""
        n, s, width = qkv.shape
        self.flops += 4 * n * s * s * width // 3
        return self._layer((n, s, width // 3), "attention_of_packed", qkv, heads)

    def attention_with_cache(self, qkv: Value, past_key: Value, past_value: Value, heads: int) -> tuple[Value, ...]:
        """GPT-2's: causal, keys and values of earlier tokens are inputs, those of all tokens outputs."""
        n, s, width = qkv.shape
        total = past_key.shape[2] + s
        self.flops += 4 * n * s * total * width // 3
        symbols = self.emit("attention_with_cache", qkv, past_key, past_value, heads) or (None, None, None)
        cache = (n, heads, total, width // 3 // heads)
        return tuple(map(Value, symbols, ((n, s, width // 3), cache, cache)))

    def conv(
        self, x: Value, channels: int, size: int, *, stride: int = 1, groups: int = 1, gain: float = math.sqrt(2)
    ) -> Value:
        """Convolution with bias; the padding keeps the image's size, divided by the stride."""
        n, c, *image = x.shape
        w = self.weight(channels, c // groups, size, size, deviation=gain / math.sqrt(c // groups * size * size))
        b = self.weight(channels, deviation=0.1)
        shape = (n, channels, *(-(-i // stride) for i in image))
        self.flops += 2 * math.prod(shape) * math.prod(w.shape[1:])
        return self._layer(shape, "conv", x, w, b, stride=stride, padding=size // 2, groups=groups)

    def patches(self, x: Value, channels: int, size: int) -> Value:
        """The convolution that cuts an image into tokens: [N, tokens, channels]."""
        n, c, h, w = x.shape
        tokens = (h // size) * (w // size)
        kernel = self.weight(channels, c, size, size, deviation=1 / math.sqrt(c * size * size))
        self.flops += 2 * n * tokens * channels * c * size * size
        return self._layer((n, tokens, channels), "patches", x, kernel, self.weight(channels, deviation=0.1))

    def conv_transpose(self, x: Value, channels: int, size: int) -> Value:
        """Transposed convolution whose stride is its size."""
        n, c, *image = x.shape
        w = self.weight(c, channels, size, size, deviation=1 / math.sqrt(c))
        self.flops += 2 * math.prod(x.shape) * channels * size * size
        shape = (n, channels, *(i * size for i in image))
        return self._layer(shape, "conv_transpose", x, w, self.weight(channels, deviation=0.1), size)

    def max_pool(self, x: Value, size: int, stride: int, padding: int) -> Value:
        n, c, *image = x.shape
        shape = (n, c, *((i + 2 * padding - size) // stride + 1 for i in image))
        return self._layer(shape, "max_pool", x, size, stride, padding)

    def mean_of_image(self, x: Value) -> Value:
        return self._layer(x.shape[:2], "mean_of_image", x)

    def concat(self, a: Value, b: Value, axis: int) -> Value:
        shape = list(a.shape)
        shape[axis] += b.shape[axis]
        return self._layer(shape, "concat", a, b, axis)

    def with_class_token(self, x: Value) -> Value:
        n, tokens, width = x.shape
        return self._layer((n, tokens + 1, width), "with_class_token", x, self.weight(1, 1, width, deviation=1))

    def token(self, x: Value, index: int) -> Value:
        """x[:, index]"""
        return self._layer((x.shape[0], *x.shape[2:]), "token", x, index)

    def lstm(self, x: Value, hidden: int, layers: int) -> Value:
        """torch's LSTM with batch_first; the state starts as zero."""
        n, s, k = x.shape
        weights = []
        for layer in range(layers):
            width = k if layer == 0 else hidden
            pair = (self.weight(4 * hidden, i, deviation=1 / math.sqrt(hidden)) for i in (width, hidden))
            weights += [*pair, *(self.weight(4 * hidden, deviation=0.1) for _ in range(2))]
            self.flops += 2 * n * s * 4 * hidden * (width + hidden)
        return self._layer((n, s, hidden), "lstm", x, weights, hidden)
