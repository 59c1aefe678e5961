"""Inputs that the model does not take, and .npy and .npz files with faults or of unusual make."""
import os
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper

from table import DIGITS, GOOD_INPUT, GOOD_TENSOR, case, write


def wrong_inputs(folder):
    """Tensors that are sound, but not what the model takes."""
    np.save(os.path.join(folder, "float64.npy"), np.zeros((1, 1, 8, 8)))
    np.save(os.path.join(folder, "int64.npy"), np.zeros((1, 1, 8, 8), np.int64))
    np.save(os.path.join(folder, "rank2.npy"), np.zeros((8, 8), np.float32))
    np.save(os.path.join(folder, "rank0.npy"), np.float32(1))
    np.save(os.path.join(folder, "wide.npy"), np.zeros((1, 1, 8, 9), np.float32))
    good = "digits.onnx"
    case("input-dtype", "run", good, "TYPE_MISMATCH", ["image", "float", "double"], "float64.npy",
        "image:float64:1,1,8,8")
    case("input-integers", "run", good, "TYPE_MISMATCH", ["image", "float", "int64"], "int64.npy",
        "image:int64:1,1,8,8")
    case("input-rank", "run", good, "SHAPE_MISMATCH", ["image", "N", "8"], "rank2.npy", "image:float32:8,8")
    case("input-scalar", "run", good, "SHAPE_MISMATCH", ["image"], "rank0.npy", "image:float32:")
    case("input-shape", "run", good, "SHAPE_MISMATCH", ["image", "8", "9"], "wide.npy", "image:float32:1,1,8,9")
    case("input-name", "run", good, "NOT_FOUND", ["imaeg", "image"], f"imaeg={GOOD_INPUT}", "imaeg:float32:1,1,8,8")
    case("input-not-given", "run", good, "MISSING_INPUT", ["image"], "", "")
    case("input-given-twice", "run", good, "INVALID_ARGUMENT", ["image"],
         f"image={GOOD_INPUT} image={GOOD_INPUT}", f"{GOOD_TENSOR} {GOOD_TENSOR}")
    two_inputs(folder)


def two_inputs(folder):
    """c = a + b, all of shape [N]: the dims of one symbol must agree."""
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"])
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"], "add")], "sum", [value("a"), value("b")], [value("c")])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, os.path.join(folder, "sum.onnx"))
    for n in (1, 2, 3):
        np.save(os.path.join(folder, f"n{n}.npy"), np.zeros(n, np.float32))
    for n in (1, 2):
        case(f"dim-has-two-values-{n}", "run", "sum.onnx", "SHAPE_MISMATCH", ["N", str(n), "3"],
             f"a=n{n}.npy b=n3.npy", f"a:float32:{n} b:float32:3")


def npy(descr, order, shape, data, version=1):
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    return npy_of_header(header, data, version)


def npy_of_header(header, data, version=1):
    size = 10 if version == 1 else 12
    header = header.encode() + b" " * (-(size + len(header) + 1) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def npy_files(folder):
    """.npy files with faults, and unusual ones that are sound."""
    three = np.load(os.path.join(DIGITS, "images", GOOD_INPUT))
    data, shape = three.tobytes(), "(1, 1, 8, 8)"
    f4 = "'<f4'"
    same = {
        "fortran": npy(f4, True, shape, three.tobytes(order="F")),
        "big-endian": npy("'>f4'", False, shape, three.astype(">f4").tobytes()),
        "fortran-big-endian": npy("'>f4'", True, shape, three.astype(">f4").tobytes(order="F")),
        "version-2": npy(f4, False, shape, data, 2),
        "version-3": npy(f4, False, shape, data, 3),
        "header-dense": npy_of_header('{"shape":(1,1,8,8,),"fortran_order":False,"descr":"<f4"}', data),
    }
    bad = {
        "npy-empty": b"",
        "npy-magic": b"\x93NUMPZ" + npy(f4, False, shape, data)[6:],
        "npy-version": npy(f4, False, shape, data, 9),
        "npy-magic-only": b"\x93NUMPY\x01\x00",
        "npy-header-cut": npy(f4, False, shape, data)[:60],
        "npy-header-length": b"\x93NUMPY\x01\x00\xff\xff" + npy(f4, False, shape, data)[10:],
        "npy-header-words": npy_of_header("hello world", data),
        "npy-header-open": npy_of_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1", data),
        "npy-header-no-shape": npy_of_header("{'descr': '<f4', 'fortran_order': False}", data),
        "npy-header-order": npy(f4, "'maybe'", shape, data),
        "npy-descr-unknown": npy("'<q9'", False, shape, data),
        "npy-descr-record": npy("[('a', '<f4'), ('b', '<i4')]", False, "(32,)", data),
        "npy-object": npy("'|O'", False, shape, b"\x80\x04."),
        "npy-text": b"1 2 3 4\n",
        "npy-data-cut": npy(f4, False, shape, data[:-1]),
        "npy-data-none": npy(f4, False, shape, b""),
        "npy-shape-negative": npy(f4, False, "(1, 1, -8, -8)", data),
        "npy-shape-huge": npy(f4, False, "(4611686018427387904, 4)", data),
        "npy-shape-digits": npy(f4, False, "(99999999999999999999999999,)", data),
        "npy-shape-large": npy(f4, False, "(1099511627776,)", data),
    }
    for name, content in same.items():
        write(os.path.join(folder, f"{name}.npy"), content)
        case(name, "same", "digits.onnx", "OK", [], f"{name}.npy", "")
    words = {"npy-object": ["object"], "npy-data-cut": ["256", "255"], "npy-shape-negative": ["-8"],
        "npy-descr-unknown": ["<q9"]}
    for name, content in bad.items():
        write(os.path.join(folder, f"{name}.npy"), content)
        case(name, "npy", "digits.onnx", "", [f"{name}.npy", *words.get(name, [])], f"{name}.npy", "")
    case("npy-missing", "npy", "digits.onnx", "", ["missing.npy"], "missing.npy", "")
    case("npy-directory", "npy", "digits.onnx", "", ["directory.onnx"], "image=directory.onnx", "")


def npz_files(folder):
    three = np.load(os.path.join(DIGITS, "images", GOOD_INPUT))
    path = lambda name: os.path.join(folder, name)
    np.savez(path("good.npz"), image=three)
    np.savez_compressed(path("compressed.npz"), image=three)
    np.savez(path("npz-name.npz"), imaeg=three)
    with open(path("compressed.npz"), "rb") as file:
        good = file.read()
    write(path("npz-cut.npz"), good[: len(good) // 2])
    write(path("npz-noise.npz"), np.random.default_rng(2).bytes(500))
    flipped = bytearray(good)
    flipped[80] ^= 0xFF
    write(path("npz-flipped.npz"), bytes(flipped))
    for name in ("good", "compressed"):
        case(f"npz-{name}", "same", "digits.onnx", "OK", [], f"{name}.npz", "")
    case("npz-name", "npy", "digits.onnx", "", ["imaeg", "image"], "npz-name.npz", "")
    for name in ("npz-cut", "npz-noise", "npz-flipped"):
        case(name, "npy", "digits.onnx", "", [f"{name}.npz"], f"{name}.npz", "")
