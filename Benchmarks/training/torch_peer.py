"""PyTorch, step by step and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .peers import Training, limited
from .works import Layer, TrainWork


class Torch:
    """Step by step, with the optimizer's one kernel for all tensors."""

    name = "torch"
    compiles = False

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.version = f"torch {torch.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        limited(threads)
        self.torch.set_num_threads(threads)
        return _TorchTraining(self.torch, work, threads, self.compiles)


class TorchCompile(Torch):
    """The same with forward and backward passes compiled."""

    name = "torch.compile"
    compiles = True


class _TorchTraining(Training):
    def __init__(self, torch: Any, work: TrainWork, threads: int, compiles: bool):
        self.torch, self.compiles = torch, compiles
        super().__init__(work, threads)
        self.x, self.y = torch.from_numpy(self.data.x), torch.from_numpy(self.data.y)

    def start(self, seed: int) -> None:
        torch, work = self.torch, self.work
        torch.manual_seed(seed)
        self.model = network(torch, work.layers, self.data.x.shape[1:])
        kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
        self.optimizer = kinds[work.optimizer](self.model.parameters(), lr=work.rate, fused=True)
        loss = torch.nn.functional.mse_loss if work.loss == "mse" else torch.nn.functional.cross_entropy
        self.losses = lambda x, y: loss(self.model(x), y)
        if self.compiles:
            torch._dynamo.reset()
            self.losses = torch.compile(self.losses)

    def train(self) -> float:
        for _ in range(self.work.epochs):
            for index in self.torch.randperm(len(self.x)).split(self.work.batch):
                self.optimizer.zero_grad()
                loss = self.losses(self.x[index], self.y[index])
                loss.backward()
                self.optimizer.step()
        return loss.item()

    def scores(self, x: np.ndarray) -> np.ndarray:
        with self.torch.no_grad():
            return self.model(self.torch.from_numpy(x)).numpy()


def network(torch: Any, layers: tuple[Layer, ...], shape: tuple[int, ...]) -> Any:
    """The layers as torch has them."""
    nn = torch.nn

    class Block(nn.Module):
        """Attention and two dense layers, each behind a normalization and beside a residual."""

        def __init__(self, width: int, heads: int, inner: int):
            super().__init__()
            self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
            self.mixed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.dense = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))

        def forward(self, x: Any) -> Any:
            n, time, width = x.shape
            parts = self.mixed(self.norm1(x)).view(n, time, 3, self.heads, width // self.heads)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            found = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + self.out(found.transpose(1, 2).reshape(n, time, width))
            return x + self.dense(self.norm2(x))

    class Positions(nn.Module):
        def __init__(self, time: int, width: int):
            super().__init__()
            self.weight = nn.Parameter(0.02 * torch.randn(time, width))

        def forward(self, x: Any) -> Any:
            return x + self.weight

    class Last(nn.Module):
        """The last state of an LSTM."""

        def __init__(self, width: int, units: int):
            super().__init__()
            self.lstm = nn.LSTM(width, units, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[1][0][0]

    class Mean(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(1)

    modules: list[Any] = []
    for name, *sizes in layers:
        match name:
            case "dense":
                modules.append(nn.Linear(shape[-1], sizes[0]))
                shape = (*shape[:-1], sizes[0])
            case "conv":
                modules.append(nn.Conv2d(shape[0], sizes[0], 3, padding="same"))
                shape = (sizes[0], *shape[1:])
            case "pool":
                modules.append(nn.MaxPool2d(2))
                shape = (shape[0], shape[1] // 2, shape[2] // 2)
            case "flatten":
                modules.append(nn.Flatten())
                shape = (int(np.prod(shape)),)
            case "embedding":
                modules.append(nn.Embedding(*sizes))
                shape = (*shape, sizes[1])
            case "positional":
                modules.append(Positions(*shape))
            case "transformer":
                modules.append(Block(shape[1], *sizes))
            case "norm":
                modules.append(nn.LayerNorm(shape[-1]))
            case "mean":
                modules.append(Mean())
                shape = shape[1:]
            case "lstm":
                modules.append(Last(shape[1], sizes[0]))
                shape = (sizes[0],)
        if sizes and sizes[-1] == "relu":
            modules.append(nn.ReLU())
    return nn.Sequential(*modules)
