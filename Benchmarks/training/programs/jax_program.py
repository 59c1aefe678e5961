"""The reference program on JAX: all 400 steps are one scan."""
import sys

import jax
import jax.numpy as jnp
import numpy as np

x, y = np.random.rand(100, 10).astype("float32"), np.random.rand(100, 1).astype("float32")
random = np.random.default_rng(0)
params = [
    (random.uniform(-0.5, 0.5, shape).astype("float32"), np.zeros(shape[1], "float32")) for shape in ((10, 10), (10, 1))
]


def loss(params, x, y):
    (w, b), (v, c) = params
    return ((jax.nn.relu(x @ w + b) @ v + c - y) ** 2).mean()


def step(carry, index):
    params, m, v, t = carry
    value, g = jax.value_and_grad(loss)(params, jnp.asarray(x)[index], jnp.asarray(y)[index])
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    params = jax.tree.map(
        lambda p, m, v: p - 0.001 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), params, m, v
    )
    return (params, m, v, t), value


@jax.jit
def fit(params):
    zeros = jax.tree.map(jnp.zeros_like, params)
    keys = jax.random.split(jax.random.key(0), 100)
    order = jax.vmap(lambda key: jax.random.permutation(key, 100))(keys).reshape(400, 25)
    return jax.lax.scan(step, (params, zeros, zeros, jnp.float32(0)), order)


(params, *_), losses = fit(params)
print(float(losses[-1]))
np.savez(sys.argv[1] + ".npz", *jax.tree.leaves(params))
