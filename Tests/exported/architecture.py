"""What an architecture is: a module with random weights, its inputs at a given size, which of their axes may vary."""
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class Architecture:
    """A torch module to export.

    `inputs` makes the arguments for a batch and a length (of a sequence, or the side of an image). `axes` names the
    axes of each input that are dynamic. The last of `sizes` is the example that is exported; `fixed` has the exporters
    that keep some of its axes as numbers: only the example is a case of theirs.
    """

    name: str
    module: Callable[[], nn.Module]
    inputs: Callable[[int, int], dict[str, torch.Tensor]]
    axes: dict[str, dict[int, str]]
    outputs: list[str] = field(default_factory=lambda: ["y"])
    sizes: tuple[tuple[int, int], ...] = ((2, 7), (3, 12))
    fixed: tuple[str, ...] = ()


def ready(module: nn.Module) -> nn.Module:
    """The module in evaluation mode; what an untrained network has as one number everywhere is made to vary."""
    statistics = [b for name, b in module.named_buffers() if name.endswith(("running_mean", "running_var"))]
    with torch.no_grad():
        for values in [*module.parameters(), *statistics]:
            if values.numel() > 1 and values.min() == values.max():
                values.add_(torch.rand(values.shape) * 0.5)
    return module.eval()


def floats(*shape: int) -> torch.Tensor:
    return torch.randn(shape)


def tokens(vocabulary: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, vocabulary, shape)
