"""Networks of attention and dense layers."""

import numpy as np

from .network import Network, Value

WIDTH, HEADS, LAYERS, WORDS, POSITIONS = 768, 12, 4, 8000, 1024


def bert(net: Network) -> None:
    """The encoder of BERT-base with four of its layers: post-norm, erf GELU, a mask of tokens."""
    ids = net.input("input_ids", np.int64, ["N", "S"])
    mask = net.input("attention_mask", np.int64, ["N", "S"])
    places = net.input("position_ids", np.int64, [1, "S"])
    x = net.add(net.embedding(ids, WORDS, WIDTH), net.embedding(places, POSITIONS // 2, WIDTH))
    x = net.layer_norm(x)
    for _ in range(LAYERS):
        q, k, v = (net.linear(x, WIDTH) for _ in range(3))
        x = net.layer_norm(net.add(net.linear(net.attention(q, k, v, mask, HEADS), WIDTH), x))
        inner = net.activation(net.linear(x, 4 * WIDTH), "gelu")
        x = net.layer_norm(net.add(net.linear(inner, WIDTH), x))
    net.output(x, "last_hidden_state", ["N", "S", WIDTH])
    net.output(net.activation(net.linear(net.token(x, 0), WIDTH), "tanh"), "pooler_output", ["N", WIDTH])


def vit(net: Network) -> None:
    """Half of ViT-S/16 on an image of 224 x 224: pre-norm, one projection for queries, keys and values."""
    width, heads, layers = 384, 6, 6
    image = net.input("image", np.float32, [1, 3, 224, 224])
    x = net.with_class_token(net.patches(image, width, 16))
    x = net.add(x, net.weight(1, x.shape[1], width, deviation=0.5))
    for _ in range(layers):
        qkv = net.linear(net.layer_norm(x), 3 * width)
        x = net.add(x, net.linear(net.attention_of_packed(qkv, heads), width))
        inner = net.activation(net.linear(net.layer_norm(x), 4 * width), "gelu")
        x = net.add(x, net.linear(inner, width))
    net.output(net.linear(net.token(net.layer_norm(x), 0), 1000), "logits", [1, 1000])


def gpt2(net: Network) -> None:
    """Four blocks of GPT-2 and the scores of all words; keys and values of P earlier tokens come in, of all go out."""
    ids = net.input("input_ids", np.int64, ["N", "S"])
    places = net.input("position_ids", np.int64, ["N", "S"])
    past = [[net.input(f"past_{i}_{kind}", np.float32, ["N", HEADS, "P", WIDTH // HEADS]) for kind in ("key", "value")]
            for i in range(LAYERS)]  # fmt: skip
    x = net.add(net.embedding(ids, WORDS, WIDTH), net.embedding(places, POSITIONS, WIDTH))
    present = []
    for cache in past:
        x, *new = _block(net, x, *cache)
        present.append(new)
    net.output(net.linear(net.layer_norm(x), WORDS, bias=False), "logits", ["N", "S", WORDS])
    for i, pair in enumerate(present):
        for kind, value in zip(("key", "value"), pair):
            net.output(value, f"present_{i}_{kind}", ["N", HEADS, "P + S", WIDTH // HEADS])


def _block(net: Network, x: Value, past_key: Value, past_value: Value) -> tuple[Value, Value, Value]:
    qkv = net.linear(net.layer_norm(x), 3 * WIDTH, kind="conv1d")
    y, key, value = net.attention_with_cache(qkv, past_key, past_value, HEADS)
    x = net.add(net.linear(y, WIDTH, kind="conv1d"), x)
    inner = net.activation(net.linear(net.layer_norm(x), 4 * WIDTH, kind="conv1d"), "gelu_tanh")
    return net.add(x, net.linear(inner, WIDTH, kind="conv1d")), key, value
