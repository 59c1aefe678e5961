"""Networks as torch runs them: each layer is torch's own function for it, so that its fused kernels are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .network import Dims, Network, Value

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


class TorchNetwork(Network):
    """Records the layers; calling it runs them. A value's symbol is its place in the list of tensors of a run.

    Weights of convolutions are in the memory order that torch calls channels_last, as images should be.
    """

    def __init__(self, sizes: dict[str, int], seed: int = 0):
        super().__init__(sizes, seed)
        self._tensors: list[torch.Tensor | None] = []
        self._steps: list[tuple[Callable[..., Any], list[int], list[int]]] = []
        self._outputs: list[int] = []
        #: Layers that are modules with weights of their own.
        self.parts = torch.nn.ModuleList()

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Takes the inputs and gives the outputs, both in the order in which the network declares them."""
        tensors = list(self._tensors)
        tensors[: len(inputs)] = inputs
        for function, sources, targets in self._steps:
            result = function(*(tensors[i] for i in sources))
            for target, tensor in zip(targets, result if isinstance(result, tuple) else (result,)):
                tensors[target] = tensor
        return tuple(tensors[i] for i in self._outputs)

    def input(self, name: str, dtype: type, dims: Dims) -> Value:
        value = super().input(name, dtype, dims)
        return Value(self._place(None), value.shape)

    def output(self, value: Value, name: str, dims: Dims) -> None:
        self._outputs.append(value.symbol)

    def drawn(self, shape: tuple[int, ...], deviation: float, mean: float) -> int:
        tensor = torch.from_numpy(self.random_array(shape, deviation, mean))
        return self._place(tensor.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else tensor)

    def _place(self, tensor: torch.Tensor | None) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def emit(self, kind: str, *arguments: Any, **attributes: Any) -> Any:
        values = [a for a in arguments if isinstance(a, Value)]
        rest = [a for a in arguments if a is not None and not isinstance(a, Value)]
        function, outputs = getattr(self, f"_{kind}")(*rest, **attributes)
        targets = [self._place(None) for _ in range(outputs)]
        self._steps.append((function, [v.symbol for v in values], targets))
        return targets[0] if outputs == 1 else targets

    # Layers: what torch calls with the tensors, and how many come out.

    def _linear(self):
        return F.linear, 1

    def _conv1d(self):
        return F.linear, 1

    def _activation(self, name: str):
        return ACTIVATIONS[name], 1

    def _add(self):
        return torch.add, 1

    def _layer_norm(self):
        return lambda x, w, b: F.layer_norm(x, w.shape, w, b, 1e-5), 1

    def _embedding(self):
        return F.embedding, 1

    def _attention(self, heads: int):
        def attention(q, k, v, mask):
            q, k, v = (_split(x, heads) for x in (q, k, v))
            return _joined(F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :] != 0))

        return attention, 1

    def _attention_of_packed(self, heads: int):
        return lambda qkv: _joined(F.scaled_dot_product_attention(*(_split(x, heads) for x in qkv.chunk(3, -1)))), 1

    def _attention_with_cache(self, heads: int):
        def attention(qkv, past_key, past_value):
            q, k, v = (_split(x, heads) for x in qkv.chunk(3, -1))
            k, v = torch.cat((past_key, k), 2), torch.cat((past_value, v), 2)
            new, total = int(q.shape[2]), int(k.shape[2])
            if new == 1 or new == total:
                y = F.scaled_dot_product_attention(q, k, v, is_causal=new > 1)
            else:
                mask = torch.ones(new, total, dtype=torch.bool).tril(total - new)
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return _joined(y), k, v

        return attention, 3

    def _conv(self, stride: int, padding: int, groups: int):
        return lambda x, w, b: F.conv2d(x, w, b, stride, padding, 1, groups), 1

    def _patches(self):
        return lambda x, w, b: F.conv2d(x, w, b, w.shape[2:]).flatten(2).transpose(1, 2), 1

    def _conv_transpose(self, size: int):
        return lambda x, w, b: F.conv_transpose2d(x, w, b, size), 1

    def _max_pool(self, size: int, stride: int, padding: int):
        return lambda x: F.max_pool2d(x, size, stride, padding), 1

    def _mean_of_image(self):
        return lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), 1

    def _concat(self, axis: int):
        return lambda a, b: torch.cat((a, b), axis), 1

    def _with_class_token(self):
        return lambda x, token: torch.cat((token.expand(x.shape[0], -1, -1), x), 1), 1

    def _token(self, index: int):
        return lambda x: x[:, index], 1

    def _lstm(self, weights: list[Value], hidden: int):
        tensors = [self._tensors[w.symbol] for w in weights]
        module = torch.nn.LSTM(tensors[0].shape[1], hidden, len(tensors) // 4, batch_first=True).requires_grad_(False)
        module.load_state_dict(dict(zip(module.state_dict(), tensors)))
        return lambda x: module(x)[0], 1


class DynamicTorchNetwork(TorchNetwork):
    """With linear layers of bytes, whose activations are quantized by their range in every run."""

    def emit(self, kind: str, *arguments: Any, **attributes: Any) -> Any:
        place = super().emit(kind, *arguments, **attributes)
        if kind == "linear":
            _, (x, *weights), targets = self._steps.pop()
            self._steps.append((self._quantized(*(self._tensors[i] for i in weights)), [x], targets))
        return place

    def _quantized(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.nn.Module:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
        linear.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
        linear.qconfig = torch.ao.quantization.per_channel_dynamic_qconfig
        self.parts.append(torch.ao.nn.quantized.dynamic.Linear.from_float(linear))
        return self.parts[-1]


def _split(x: torch.Tensor, heads: int) -> torch.Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _joined(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).flatten(2)
