"""Files that are no models at all, or only the beginning of one."""
import os

import numpy as np

from table import case, digits, write


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def deep_model(depth):
    """An If whose branch is an If whose branch …: GraphProto.node 1, NodeProto.attribute 5, AttributeProto.g 6."""
    graph = b""
    for _ in range(depth):
        branch = field(1, b"then_branch") + field(6, graph) + b"\xa0\x01\x05"
        graph = field(1, field(1, b"x") + field(2, b"y") + field(4, b"If") + field(5, branch))
    return b"\x08\x08" + field(7, graph) + field(8, b"\x10\x11")


def broken_files(folder):
    """Files that are no model at all."""
    good = digits().SerializeToString()
    noise = np.random.default_rng(1).bytes(4096)
    graph_at = good.index(b"\x3a")
    files = {
        "empty.onnx": b"",
        "random.onnx": noise,
        "text.onnx": b"This is not a model.\n" * 20,
        "zeros.onnx": bytes(4096),
        "varint-long.onnx": b"\x08" + b"\xff" * 11 + good,
        "wire-type.onnx": b"\x0f" + good,
        "length-huge.onnx": good[:graph_at] + b"\x3a" + b"\xff" * 8 + b"\x7f" + good[graph_at:],
        "deep.onnx": deep_model(5000),
    }
    for name, data in files.items():
        write(os.path.join(folder, name), data)
        case(name[:-5], "open", name, "LIMIT_EXCEEDED" if name == "deep.onnx" else "INVALID_MODEL", [name, "100 levels"]
            if name == "deep.onnx" else [name])
    for part in range(1, 64):
        name = f"truncated-{part:02}.onnx"
        write(os.path.join(folder, name), good[: len(good) * part // 64])
        case(name[:-5], "open", name, "INVALID_MODEL", [name])
    os.mkdir(os.path.join(folder, "directory.onnx"))
    case("no-such-file", "open", "no-such-file.onnx", "NOT_FOUND", ["no-such-file.onnx"])
    case("directory", "open", "directory.onnx", "IO_ERROR", ["directory.onnx", "directory"])
