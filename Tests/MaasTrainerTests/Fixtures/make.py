"""Writes the fixtures of MaasTrainerTests with PyTorch and scikit-learn: python make.py, with torch, numpy and sklearn.

Data and first parameters are closed formulas, which the tests have too: see `pattern`.
"""
import pathlib

import numpy as np
import sklearn.metrics as metrics
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent


def pattern(count, a, b):
    """Numbers between -1/2 and 1/2 that look random."""
    return np.array([(i * a + b) % 97 / 97 - 0.5 for i in range(count)], np.float32)


def parameters():
    return [pattern(32, 29, 5).reshape(4, 8), pattern(8, 31, 7), pattern(24, 37, 11).reshape(8, 3), pattern(3, 41, 13)]


def batches():
    x = 2 * pattern(64 * 4, 17, 3).reshape(64, 4)
    y = np.stack([np.sin(3 * x[:, 0]) + x[:, 1], x[:, 2] * x[:, 3], x.sum(1)], 1).astype(np.float32)
    return [(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)]


def forward(p, x):
    return torch.tanh(x @ p[0] + p[1]) @ p[2] + p[3]


def curve(make):
    """The losses of 50 steps of a network of two layers."""
    p = [torch.tensor(value, requires_grad=True) for value in parameters()]
    rule, losses, data = make(p), [], batches()
    for step in range(50):
        x, y = (torch.tensor(value) for value in data[step % 4])
        rule.zero_grad()
        loss = F.mse_loss(forward(p, x), y)
        loss.backward()
        losses.append(loss.item())
        rule.step()
    return losses


class Rule:
    """What torch has no rule for, in doubles."""

    def __init__(self, parameters, rate, decay):
        self.p, self.rate, self.decay, self.n = parameters, rate, decay, 0
        self.m = [np.zeros(p.shape) for p in parameters]
        self.v = [np.zeros(p.shape) for p in parameters]

    def zero_grad(self):
        for p in self.p:
            p.grad = None

    def step(self):
        self.n += 1
        for i, p in enumerate(self.p):
            x, g = p.detach().numpy().astype(np.float64), p.grad.numpy().astype(np.float64)
            p.data = torch.tensor(self.moved(i, x, g).astype(np.float32))


class Lion(Rule):
    def moved(self, i, x, g):
        direction = np.sign(0.9 * self.m[i] + 0.1 * g)
        self.m[i] = 0.99 * self.m[i] + 0.01 * g
        return x - self.rate * (direction + self.decay * x)


class Lamb(Rule):
    def moved(self, i, x, g):
        self.m[i] = 0.9 * self.m[i] + 0.1 * g
        self.v[i] = 0.999 * self.v[i] + 0.001 * g * g
        m, v = self.m[i] / (1 - 0.9**self.n), self.v[i] / (1 - 0.999**self.n)
        u = m / (np.sqrt(v) + 1e-6) + self.decay * x
        return x - self.rate * np.linalg.norm(x) / np.linalg.norm(u) * u


RULES = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1),
    "momentum": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01),
    "rmsprop-momentum": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.5),
    "lion": lambda p: Lion(p, 0.01, 0.1),
    "lamb": lambda p: Lamb(p, 0.02, 0.1),
}


def numbers(values):
    return " ".join(f"{value:.9g}" for value in np.asarray(values, np.float64).ravel())


def losses():
    """Each loss of pattern scores [6, 5] against its targets, with weights of samples or classes, and its gradient."""
    x = 4 * pattern(30, 23, 9).reshape(6, 5)
    t = pattern(30, 19, 2).reshape(6, 5) + 0.5
    c = torch.tensor([0, 4, 2, 2, 1, 3])
    soft = torch.tensor(t / t.sum(1, keepdims=True))
    w = torch.tensor([1, 2, 0.5, 1, 3, 0.25])
    k = torch.tensor([1, 0.5, 2, 1, 0.75])
    tt = torch.tensor(t)
    sign = torch.where(tt > 0.5, 1.0, -1.0)
    cases = {
        "mse": lambda s: F.mse_loss(s, tt),
        "mse weights": lambda s: (w * ((s - tt) ** 2).mean(1)).sum() / w.sum(),
        "mae": lambda s: F.l1_loss(s, tt),
        "huber": lambda s: F.huber_loss(s, tt, delta=0.7),
        "bce": lambda s: F.binary_cross_entropy_with_logits(s, tt),
        "hinge": lambda s: torch.clamp(1 - sign * s, min=0).mean(),
        "cross-entropy": lambda s: F.cross_entropy(s, c),
        "cross-entropy smoothing": lambda s: F.cross_entropy(s, c, label_smoothing=0.1),
        "cross-entropy classes": lambda s: F.cross_entropy(s, c, weight=k),
        "cross-entropy classes smoothing": lambda s: F.cross_entropy(s, c, weight=k, label_smoothing=0.1),
        "cross-entropy weights": lambda s: (w * F.cross_entropy(s, c, reduction="none")).sum() / w.sum(),
        "cross-entropy soft": lambda s: F.cross_entropy(s, soft),
        "cross-entropy soft smoothing": lambda s: F.cross_entropy(s, soft, label_smoothing=0.1),
        "kl": lambda s: F.kl_div(F.log_softmax(s, 1), soft, reduction="batchmean"),
    }
    for name, function in cases.items():
        s = torch.tensor(x, dtype=torch.float32, requires_grad=True)
        loss = function(s)
        loss.backward()
        yield f"{name}\t{loss.item():.9g}\t{numbers(s.grad.numpy())}"


def schedules():
    """The rates that PyTorch's schedules give for 40 steps, 10 in an epoch."""
    makers = {
        "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 40, eta_min=0.1),
        "one-cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=40),
        "step": lambda o: torch.optim.lr_scheduler.StepLR(o, 20, 0.3),
    }
    for name, make in makers.items():
        rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        schedule, rates = make(rule), []
        for _ in range(40):
            rates.append(rule.param_groups[0]["lr"])
            rule.step()
            schedule.step()
        yield f"{name}\t{numbers(rates)}"


def scores():
    """Metrics of 60 samples of 4 classes, of 60 of two, and of numbers."""
    p = pattern(240, 53, 17).reshape(60, 4) + 0.51
    p = np.round(p / p.sum(1, keepdims=True) * 64) / 64  # exactly floats, with equal ones among them
    p[:, 0] = 1 - p[:, 1:].sum(1)
    c = np.array([(i * 7 + i // 9) % 4 for i in range(60)])
    guess = p.argmax(1)
    yield f"probabilities\t{numbers(p)}"
    yield f"classes\t{numbers(c)}"
    yield f"confusion\t{numbers(metrics.confusion_matrix(c, guess))}"
    yield f"accuracy\t{numbers([metrics.accuracy_score(c, guess)])}"
    for average, kind in [(None, "each"), ("macro", "macro")]:
        found = metrics.precision_recall_fscore_support(c, guess, average=average, zero_division=0)
        yield f"{kind}\t{numbers(np.array(found[:3], np.float64))}"
    yield f"top2\t{numbers([np.mean([c[i] in np.argsort(-p[i], kind='stable')[:2] for i in range(60)])])}"
    yield f"auc\t{numbers([metrics.roc_auc_score(c, p, multi_class='ovr')])}"
    yield f"binary-auc\t{numbers([metrics.roc_auc_score(c > 1, p[:, 1])])}"
    a, b = 5 + pattern(120, 61, 3).reshape(60, 2), 5 + pattern(120, 67, 5).reshape(60, 2)
    measures = (metrics.mean_squared_error, metrics.mean_absolute_error, metrics.r2_score)
    yield f"numbers\t{numbers([measure(a, b) for measure in measures])}"


def main():
    torch.manual_seed(0)
    (HERE / "curves.tsv").write_text("".join(f"{name}\t{numbers(curve(make))}\n" for name, make in RULES.items()))
    (HERE / "losses.tsv").write_text("".join(line + "\n" for line in losses()))
    (HERE / "schedules.tsv").write_text("".join(line + "\n" for line in schedules()))
    (HERE / "metrics.tsv").write_text("".join(line + "\n" for line in scores()))


if __name__ == "__main__":
    main()
