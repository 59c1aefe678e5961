"""Multilayer perceptrons."""

import math

import numpy as np

from .network import Network

#: Layers of the chain that is nothing but steps.
STEPS = 1000


def perceptron(net: Network, *widths: int, last_relu: bool = False) -> None:
    x = net.input("x", np.float32, ["N", widths[0]])
    for i, width in enumerate(widths[1:], 2):
        relu = last_relu or i < len(widths)
        x = net.linear(x, width, gain=math.sqrt(2) if relu else 1)
        if relu:
            x = net.activation(x, "relu")
    net.output(x, "y", ["N", widths[-1]])


def product(net: Network, size: int) -> None:
    """One matrix product."""
    x = net.input("x", np.float32, ["N", size])
    net.output(net.linear(x, size, bias=False), "y", ["N", size])


def three(net: Network) -> None:
    """MatMul, Add and Relu on 16 numbers: nearly all of a run is the way in and out."""
    x = net.input("x", np.float32, ["N", 16])
    x = net.add(net.linear(x, 4, bias=False), net.weight(4, deviation=1))
    net.output(net.activation(x, "relu"), "y", ["N", 4])
