"""JAX: a whole run is one compiled function, with a scan over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .peers import Training, limited
from .works import Layer, TrainWork

#: A layer's parameters, and what it does with them.
Made = tuple[dict[str, np.ndarray], Callable[[Any, Any], Any]]


class Jax:
    name = "jax"

    def __init__(self) -> None:
        import jax

        self.jax = jax
        self.version = f"jax {jax.__version__}"

    def open(self, path: str, work: TrainWork, threads: int) -> Training:
        limited(threads)
        return _JaxTraining(self.jax, work, threads)


class _JaxTraining(Training):
    def __init__(self, jax: Any, work: TrainWork, threads: int):
        self.jax, self.layers, self.compiled = jax, _Layers(jax), None
        super().__init__(work, threads)
        self.x, self.y = jax.numpy.asarray(self._laid(self.data.x)), jax.numpy.asarray(self.data.y)

    def _laid(self, x: np.ndarray) -> np.ndarray:
        """Images with their channels last, as XLA has them fastest."""
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x

    def start(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        made = self.layers.network(self.work.layers, self.data.x.shape[1:], random)
        self.functions = [function for _, function in made]
        # Of its own memory: runs are given it away.
        self.params = [{name: self.jax.numpy.array(value) for name, value in own.items()} for own, _ in made]
        zeros = self.jax.tree.map(self.jax.numpy.zeros_like, self.params)
        self.state = (zeros, self.jax.tree.map(self.jax.numpy.copy, zeros), self.jax.numpy.zeros((), "float32"))
        self.key = self.jax.random.key(seed)
        if self.compiled is None or self.work.anew:
            # A new function each time, as JAX knows those it has compiled.
            self.compiled = self.jax.jit(lambda *inputs: self._epochs(*inputs), donate_argnums=(0, 1))

    def forward(self, params: Any, x: Any) -> Any:
        for function, own in zip(self.functions, params):
            x = function(own, x)
        return x

    def _loss(self, params: Any, x: Any, y: Any) -> Any:
        found = self.forward(params, x)
        if self.work.loss == "mse":
            return ((found - y) ** 2).mean()
        rows = self.jax.numpy.arange(y.shape[0])
        return -self.jax.nn.log_softmax(found)[rows, y].mean()

    def _step(self, carry: Any, index: Any) -> Any:
        params, (m, v, t) = carry
        loss, g = self.jax.value_and_grad(self._loss)(params, self.x_[index], self.y_[index])
        tree, rate = self.jax.tree, self.work.rate
        if self.work.optimizer == "sgd":
            return (tree.map(lambda p, g: p - rate * g, params, g), (m, v, t)), loss
        t = t + 1
        m = tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = rate / (1 - 0.9**t), 1 - 0.999**t
        params = tree.map(lambda p, m, v: p - a * m / (self.jax.numpy.sqrt(v / b) + 1e-8), params, m, v)
        return (params, (m, v, t)), loss

    def _epochs(self, params: Any, state: Any, key: Any, x: Any, y: Any) -> Any:
        self.x_, self.y_ = x, y
        count, batch = len(self.data.x), self.work.batch
        whole = count // batch

        def epoch(carry: Any, key: Any) -> Any:
            order = self.jax.random.permutation(key, count)
            carry, losses = self.jax.lax.scan(self._step, carry, order[: whole * batch].reshape(whole, batch))
            if count % batch:
                carry, last = self._step(carry, order[whole * batch :])
                return carry, last
            return carry, losses[-1]

        keys = self.jax.random.split(key, self.work.epochs + 1)
        (params, state), losses = self.jax.lax.scan(epoch, (params, state), keys[1:])
        return params, state, keys[0], losses[-1]

    def train(self) -> float:
        self.params, self.state, self.key, loss = self.compiled(self.params, self.state, self.key, self.x, self.y)
        return float(loss)

    def scores(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.forward(self.params, self._laid(x)))


class _Layers:
    """Layers made of plain functions; images have their channels last."""

    def __init__(self, jax: Any):
        self.jax = jax

    def network(self, layers: tuple[Layer, ...], shape: tuple[int, ...], random: np.random.Generator) -> list[Made]:
        made: list[Made] = []
        for name, *sizes in layers:
            own, function, shape = getattr(self, name)(random, shape, *sizes)
            made.append((own, self._relu(function) if sizes and sizes[-1] == "relu" else function))
        return made

    def _relu(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda own, x: self.jax.nn.relu(function(own, x))

    @staticmethod
    def _uniform(random: np.random.Generator, inputs: int, *shape: int) -> np.ndarray:
        limit = math.sqrt(6 / inputs)
        return random.uniform(-limit, limit, shape).astype(np.float32)

    def dense(self, random: Any, shape: Any, units: int, _: Any = None) -> Any:
        own = {"w": self._uniform(random, shape[-1], shape[-1], units), "b": np.zeros(units, np.float32)}
        return own, lambda p, x: x @ p["w"] + p["b"], (*shape[:-1], units)

    def conv(self, random: Any, shape: Any, filters: int, _: Any = None) -> Any:
        own = {"w": self._uniform(random, 9 * shape[0], 3, 3, shape[0], filters), "b": np.zeros(filters, np.float32)}

        def run(p: Any, x: Any) -> Any:
            found = self.jax.lax.conv_general_dilated(
                x, p["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            return found + p["b"]

        return own, run, (filters, *shape[1:])

    def pool(self, random: Any, shape: Any) -> Any:
        def run(p: Any, x: Any) -> Any:
            lax = self.jax.lax
            return lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

        return {}, run, (shape[0], shape[1] // 2, shape[2] // 2)

    def flatten(self, random: Any, shape: Any) -> Any:
        return {}, lambda p, x: x.reshape(x.shape[0], -1), (int(np.prod(shape)),)

    def embedding(self, random: Any, shape: Any, vocabulary: int, width: int) -> Any:
        own = {"w": (0.05 * random.standard_normal((vocabulary, width))).astype(np.float32)}
        return own, lambda p, x: p["w"][x], (*shape, width)

    def positional(self, random: Any, shape: Any) -> Any:
        return {"w": (0.02 * random.standard_normal(shape)).astype(np.float32)}, lambda p, x: x + p["w"], shape

    def norm(self, random: Any, shape: Any) -> Any:
        def run(p: Any, x: Any) -> Any:
            mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            return (x - mean) * self.jax.lax.rsqrt(variance + 1e-5) * p["s"] + p["b"]

        return {"s": np.ones(shape[-1], np.float32), "b": np.zeros(shape[-1], np.float32)}, run, shape

    def mean(self, random: Any, shape: Any) -> Any:
        return {}, lambda p, x: x.mean(1), shape[1:]

    def transformer(self, random: Any, shape: Any, heads: int, inner: int) -> Any:
        time, width = shape
        parts = {
            "norm1": self.norm(random, shape), "mixed": self.dense(random, shape, 3 * width),
            "out": self.dense(random, shape, width), "norm2": self.norm(random, shape),
            "up": self.dense(random, shape, inner), "down": self.dense(random, (time, inner), width),
        }  # fmt: skip
        own = {f"{part}.{name}": value for part, made in parts.items() for name, value in made[0].items()}

        def call(p: Any, part: str, x: Any) -> Any:
            return parts[part][1]({name: p[f"{part}.{name}"] for name in parts[part][0]}, x)

        def run(p: Any, x: Any) -> Any:
            jax, n = self.jax, x.shape[0]
            mixed = call(p, "mixed", call(p, "norm1", x)).reshape(n, time, 3, heads, width // heads)
            q, k, v = mixed.transpose(2, 0, 3, 1, 4)
            scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
            found = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(n, time, width)
            x = x + call(p, "out", found)
            inside = jax.nn.gelu(call(p, "up", call(p, "norm2", x)), approximate=False)
            return x + call(p, "down", inside)

        return own, run, shape

    def lstm(self, random: Any, shape: Any, units: int) -> Any:
        own = {
            "w": self._uniform(random, shape[1], shape[1], 4 * units),
            "u": self._uniform(random, units, units, 4 * units), "b": np.zeros(4 * units, np.float32),
        }  # fmt: skip

        def run(p: Any, x: Any) -> Any:
            jax = self.jax
            given = (x @ p["w"] + p["b"]).transpose(1, 0, 2)

            def step(carry: Any, one: Any) -> Any:
                h, c = carry
                i, f, g, o = jax.numpy.split(one + h @ p["u"], 4, -1)
                c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
                return (jax.nn.sigmoid(o) * jax.numpy.tanh(c), c), None

            zero = jax.numpy.zeros((x.shape[0], units))
            return jax.lax.scan(step, (zero, zero), given)[0][0]

        return own, run, (units,)
