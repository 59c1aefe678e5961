"""Recurrent networks."""

import numpy as np

from .network import Network


def lstm(net: Network) -> None:
    """Two layers of 256 over S steps of 128 numbers, and a dense layer on the last step."""
    x = net.input("x", np.float32, ["N", "S", 128])
    net.output(net.linear(net.token(net.lstm(x, 256, 2), -1), 10), "y", ["N", 10])
