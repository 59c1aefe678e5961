"""Convolutional networks. Batch normalisation is in the weights already, as exporters leave it."""

import numpy as np

from .network import Network, Value


def _relu(net: Network, x: Value) -> Value:
    return net.activation(x, "relu")


def resnet18(net: Network) -> None:
    _resnet(net, _basic, (2, 2, 2, 2), 1)


def resnet50(net: Network) -> None:
    _resnet(net, _bottleneck, (3, 4, 6, 3), 4)


def _resnet(net: Network, block, counts: tuple[int, ...], expansion: int) -> None:
    x = net.input("image", np.float32, [1, 3, 224, 224])
    x = net.max_pool(_relu(net, net.conv(x, 64, 7, stride=2)), 3, 2, 1)
    for stage, count in enumerate(counts):
        width = 64 << stage
        for i in range(count):
            stride = 2 if stage and i == 0 else 1
            y = block(net, x, width, stride)
            skip = net.conv(x, width * expansion, 1, stride=stride, gain=1) if x.shape != y.shape else x
            x = _relu(net, net.add(y, skip))
    net.output(net.linear(net.mean_of_image(x), 1000), "logits", [1, 1000])


def _basic(net: Network, x: Value, width: int, stride: int) -> Value:
    return net.conv(_relu(net, net.conv(x, width, 3, stride=stride)), width, 3, gain=0.5)


def _bottleneck(net: Network, x: Value, width: int, stride: int) -> Value:
    y = _relu(net, net.conv(x, width, 1))
    y = _relu(net, net.conv(y, width, 3, stride=stride))
    return net.conv(y, 4 * width, 1, gain=0.5)


#: Expansion, channels, blocks, stride of the first.
MOBILENET = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v2(net: Network) -> None:
    x = net.input("image", np.float32, [1, 3, 224, 224])
    x = net.activation(net.conv(x, 32, 3, stride=2), "relu6")
    for expansion, channels, blocks, stride in MOBILENET:
        for i in range(blocks):
            x = _inverted(net, x, expansion, channels, stride if i == 0 else 1)
    x = net.activation(net.conv(x, 1280, 1), "relu6")
    net.output(net.linear(net.mean_of_image(x), 1000), "logits", [1, 1000])


def _inverted(net: Network, x: Value, expansion: int, channels: int, stride: int) -> Value:
    y, width = x, x.shape[1] * expansion
    if expansion > 1:
        y = net.activation(net.conv(y, width, 1), "relu6")
    y = net.activation(net.conv(y, width, 3, stride=stride, groups=width), "relu6")
    y = net.conv(y, channels, 1, gain=1)
    return net.add(x, y) if x.shape == y.shape else y


def unet(net: Network) -> None:
    """Four levels of 32 to 512 channels on an image of 128 x 128."""
    x = net.input("image", np.float32, [1, 3, 128, 128])
    skips = []
    for level in range(4):
        x = _twice(net, x, 32 << level)
        skips.append(x)
        x = net.max_pool(x, 2, 2, 0)
    x = _twice(net, x, 512)
    for level in reversed(range(4)):
        x = _twice(net, net.concat(skips[level], net.conv_transpose(x, 32 << level, 2), 1), 32 << level)
    net.output(net.conv(x, 2, 1, gain=1), "mask", [1, 2, 128, 128])


def _twice(net: Network, x: Value, channels: int) -> Value:
    return _relu(net, net.conv(_relu(net, net.conv(x, channels, 3)), channels, 3))
