"""Networks of rows and sequences, written here."""
import torch
from torch import nn
from torch.nn import functional as F

from architecture import Architecture, floats

SEQUENCE = {"x": {0: "batch", 1: "length"}}


def sequences(batch, length):
    return {"x": floats(batch, length, 12)}


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.cells = kind(12, 20, batch_first=True, **options)
        self.head = nn.Linear(40 if options.get("bidirectional") else 20, 5)

    def forward(self, x):
        y, state = self.cells(x)
        return self.head(y), state[0] if isinstance(state, tuple) else state


class Transformer(nn.Module):
    """Encoder and decoder of torch's own layers, both kinds of norm, with a causal mask."""

    def __init__(self):
        super().__init__()
        options = {"dropout": 0.0, "batch_first": True}
        self.encoder = nn.TransformerEncoderLayer(12, 3, 24, activation="gelu", **options)
        self.decoder = nn.TransformerDecoderLayer(12, 4, 24, norm_first=True, **options)

    def forward(self, x):
        length = x.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        return self.decoder(x, self.encoder(x), tgt_mask=mask)


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.norm = nn.MultiheadAttention(12, 2, batch_first=True), nn.LayerNorm(12)

    def forward(self, x):
        y, weights = self.attention(x, x, x)
        return self.norm(x + y), weights


class TemporalConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(12, 16, 3, dilation=1), nn.Conv1d(16, 16, 3, dilation=2, groups=2)
        self.norm, self.head = nn.InstanceNorm1d(16, affine=True), nn.Linear(16, 5)

    def forward(self, x):
        y = F.pad(x.transpose(1, 2), (2, 0))
        y = F.elu(self.first(y))
        y = self.norm(y + torch.tanh(self.second(F.pad(y, (4, 0)))))
        return self.head(F.glu(torch.cat([y, y], 1), 1).amax(2))


def step(state, decay, drive, readout):
    state = state * decay + drive
    return state, (state * readout.unsqueeze(1)).sum(2)


@torch.jit.script
def looped(decay, drive, readout):
    state = torch.zeros_like(drive[:, 0])
    ys = torch.jit.annotate(list[torch.Tensor], [])
    for i in range(decay.shape[1]):
        state = state * decay[:, i] + drive[:, i]
        ys.append((state * readout[:, i].unsqueeze(1)).sum(2))
    return torch.stack(ys, 1)


def scanned(decay, drive, readout):
    from torch._higher_order_ops.scan import scan

    def combine(state, xs):
        state, y = step(state, *xs)
        return state, y

    rows = tuple(v.transpose(0, 1) for v in (decay, drive, readout))
    _, ys = scan(combine, torch.zeros_like(drive[:, 0]), rows, dim=0)
    return ys.transpose(0, 1)


class SelectiveScan(nn.Module):
    """A block of Mamba (Gu and Dao, 2023, algorithm 2): a gated convolution and a scan whose steps depend on the input.

    The scan is a loop for the exporter of TorchScript and torch's scan for the other.
    """

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(12, 2 * 16), nn.Linear(16, 12)
        self.convolution = nn.Conv1d(16, 16, 4, groups=16, padding=3)
        self.select, self.delta = nn.Linear(16, 2 + 2 * 6), nn.Linear(2, 16)
        self.log_a = nn.Parameter(torch.arange(1, 7).float().log().expand(16, 6).clone())
        self.skip = nn.Parameter(torch.ones(16))

    def forward(self, x):
        u, gate = self.enter(x).chunk(2, -1)
        u = F.silu(self.convolution(u.transpose(1, 2))[:, :, : x.shape[1]].transpose(1, 2))
        rate, b, c = self.select(u).split([2, 6, 6], -1)
        rate = F.softplus(self.delta(rate))
        decay = (rate.unsqueeze(-1) * -self.log_a.exp()).exp()
        drive = (rate * u).unsqueeze(-1) * b.unsqueeze(2)
        run = scanned if torch.compiler.is_exporting() else looped
        return self.leave((run(decay, drive, c) + u * self.skip) * F.silu(gate))


def mlp():
    first, second, third = nn.Linear(12, 32), nn.Linear(32, 16), nn.Linear(16, 3)
    return nn.Sequential(first, nn.ReLU(), nn.BatchNorm1d(32), second, nn.Mish(), third, nn.Sigmoid())


ARCHITECTURES = [
    Architecture("mlp", mlp, lambda batch, _: {"input": floats(batch, 12)}, {"input": {0: "batch"}},
        sizes=((1, 0), (33, 0))),
    Architecture("lstm", lambda: Recurrent(nn.LSTM, num_layers=2), sequences, SEQUENCE, ["y", "h"]),
    Architecture("gru", lambda: Recurrent(nn.GRU), sequences, SEQUENCE, ["y", "h"]),
    Architecture("rnn", lambda: Recurrent(nn.RNN), sequences, SEQUENCE, ["y", "h"], fixed=("dynamo",)),
    Architecture("bidirectional-lstm", lambda: Recurrent(nn.LSTM, bidirectional=True), sequences, SEQUENCE, ["y", "h"]),
    Architecture("transformer", Transformer, sequences, SEQUENCE, fixed=("torchscript",)),
    Architecture("self-attention", SelfAttention, sequences, SEQUENCE, ["y", "weights"], fixed=("torchscript",)),
    Architecture("temporal-convolutions", TemporalConvolutions, sequences, SEQUENCE),
    Architecture("selective-scan", SelectiveScan, sequences, SEQUENCE),
]  # fmt: skip
