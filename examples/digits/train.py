"""Trains the digits classifier of this folder and writes it as ONNX, with a few held-out images as .npy.

    pip install numpy onnx scikit-learn && python3 train.py

A small convolutional network in plain NumPy, on the 1,797 real handwritten digits that scikit-learn carries
(8x8 pixels of 0..16). They stand writer by writer, so the last quarter, held out for the test, comes from people
whose hand the training has hardly seen.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, EPOCHS, BATCH, RATE, DROP = 7, 60, 32, 2e-3, 0.3
CHANNELS = (16, 24)


def patches(x):
    """[N,C,H,W] -> [N,H,W,C*9]: the 3x3 neighbourhood of every pixel, zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(x.shape[0], *x.shape[2:], -1)


def unpatches(grad, shape):
    """The gradient of `patches`: every neighbourhood's share added back to its pixel."""
    n, c, h, w = shape
    grad = grad.reshape(n, h, w, c, 3, 3)
    padded = np.zeros((n, c, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + h, j : j + w] += grad[..., i, j].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1]


def convolve(x, weight, bias):
    """Returns relu(conv(x)) as [N,C,H,W] and the patches, which the gradient needs again."""
    columns = patches(x)
    y = columns @ weight.reshape(len(weight), -1).T + bias
    return np.maximum(y, 0).transpose(0, 3, 1, 2), columns


def convolve_gradient(y, columns, grad):
    """Gradients of weight (flat), bias and patches, from that of relu(conv)."""
    grad = (grad * (y > 0)).transpose(0, 2, 3, 1)
    flat = grad.reshape(-1, grad.shape[-1])
    return flat.T @ columns.reshape(len(flat), -1), flat.sum(0), grad


def pool(x):
    """2x2 maxima as [N,C,H/2,W/2], and which of the four it was."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    return blocks.max(-1), blocks.argmax(-1)


def unpool(grad, which):
    n, c, h, w = grad.shape
    blocks = (np.arange(4) == which[..., None]) * grad[..., None]
    return blocks.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def initial(rng):
    first, second = CHANNELS
    he = lambda *shape: (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
    zeros = lambda n: np.zeros(n, np.float32)
    return {
        "conv1.weight": he(first, 1, 3, 3), "conv1.bias": zeros(first),
        "conv2.weight": he(second, first, 3, 3), "conv2.bias": zeros(second),
        "dense.weight": he(10, second * 16), "dense.bias": zeros(10),
    }


def forward(p, x, keep):
    y1, columns1 = convolve(x / 16, p["conv1.weight"], p["conv1.bias"])
    y2, columns2 = convolve(y1, p["conv2.weight"], p["conv2.bias"])
    pooled, which = pool(y2)
    flat = pooled.reshape(len(x), -1) * keep
    return flat @ p["dense.weight"].T + p["dense.bias"], (y1, columns1, y2, columns2, pooled, which, flat)


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def gradient(p, x, labels, keep):
    """Gradient of the mean cross-entropy over the batch."""
    logits, (y1, columns1, y2, columns2, pooled, which, flat) = forward(p, x, keep)
    error = (softmax(logits) - np.eye(10, dtype=np.float32)[labels]) / len(x)
    g = {"dense.weight": error.T @ flat, "dense.bias": error.sum(0)}
    back = unpool((error @ p["dense.weight"] * keep).reshape(pooled.shape), which)
    weight, g["conv2.bias"], back = convolve_gradient(y2, columns2, back)
    g["conv2.weight"] = weight.reshape(p["conv2.weight"].shape)
    back = unpatches(back @ p["conv2.weight"].reshape(CHANNELS[1], -1), y1.shape)
    weight, g["conv1.bias"], _ = convolve_gradient(y1, columns1, back)
    g["conv1.weight"] = weight.reshape(p["conv1.weight"].shape)
    return g


def shifted(x, rng):
    """Each image moved by up to one pixel, so that the place of a digit matters less."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(x), 2))
    return np.stack([image[:, i : i + 8, j : j + 8] for image, (i, j) in zip(padded, moves)])


def train(x, labels):
    """Adam (Kingma and Ba, 2015, algorithm 1) with a cosine learning rate."""
    rng = np.random.default_rng(SEED)
    p = initial(rng)
    mean, variance = ({k: np.zeros_like(v) for k, v in p.items()} for _ in range(2))
    steps, step = EPOCHS * (len(x) // BATCH), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            keep = ((rng.random((BATCH, CHANNELS[1] * 16)) >= DROP) / (1 - DROP)).astype(np.float32)
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for k, g in gradient(p, shifted(x[chosen], rng), labels[chosen], keep).items():
                mean[k] = 0.9 * mean[k] + 0.1 * g
                variance[k] = 0.999 * variance[k] + 0.001 * g * g
                corrected = np.sqrt(variance[k] / (1 - 0.999**step)) + 1e-8
                p[k] = (p[k] - rate * mean[k] / (1 - 0.9**step) / corrected).astype(np.float32)
    return p


def onnx_model(p, accuracy, held_out):
    node = helper.make_node
    nodes = [
        node("Div", ["image", "white"], ["scaled"], "scale"),
        node("Conv", ["scaled", "conv1.weight", "conv1.bias"], ["conv1"], "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["conv1"], ["relu1"], "relu1"),
        node("Conv", ["relu1", "conv2.weight", "conv2.bias"], ["conv2"], "conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["conv2"], ["relu2"], "relu2"),
        node("MaxPool", ["relu2"], ["pooled"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["pooled"], ["features"], "flatten", axis=1),
        node("Gemm", ["features", "dense.weight", "dense.bias"], ["logits"], "dense", transB=1),
        node("Softmax", ["logits"], ["probabilities"], "softmax", axis=-1),
        node("ArgMax", ["probabilities"], ["label"], "argmax", axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
        ],
        [numpy_helper.from_array(v, k) for k, v in p.items()]
        + [numpy_helper.from_array(np.array(16, np.float32), "white")],
        doc_string="Handwritten digits: image is N grey images of 8x8 pixels, 0 (paper) to 16 (ink).",
    )
    model = helper.make_model(
        graph, producer_name="maas examples/digits/train.py", ir_version=8,
        opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {
        "classes": "0,1,2,3,4,5,6,7,8,9",
        "accuracy": f"{accuracy:.4f} on {held_out} held-out images",
        "data": "scikit-learn load_digits (UCI, Optical Recognition of Handwritten Digits)",
    })
    onnx.checker.check_model(model, full_check=True)
    return model


def save_images(x, labels):
    """The first held-out image of each digit, one file each, and all ten as one batch."""
    first = np.stack([x[np.flatnonzero(labels == digit)[0]] for digit in range(10)])
    os.makedirs(os.path.join(HERE, "images"), exist_ok=True)
    for digit in range(10):
        np.save(os.path.join(HERE, "images", f"{digit}.npy"), first[digit : digit + 1])
    np.save(os.path.join(HERE, "images", "all.npy"), first)


def main():
    digits = load_digits()
    x = digits.images.astype(np.float32)[:, None]
    labels = digits.target
    split = len(x) * 3 // 4
    p = train(x[:split], labels[:split])
    answers = forward(p, x[split:], 1)[0].argmax(1)
    accuracy = (answers == labels[split:]).mean()
    onnx.save(onnx_model(p, accuracy, len(answers)), os.path.join(HERE, "digits.onnx"))
    save_images(x[split:], labels[split:])
    print(f"{(answers == labels[split:]).sum()} of {len(answers)} held-out images right ({accuracy:.4f})")


if __name__ == "__main__":
    main()
