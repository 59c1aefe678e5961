"""Writes with NumPy what the tests read back: python3 make.py (NumPy 2.x)

    arrays.npz     arrays of every dtype, order and header version, stored
    deflated.npz   some of them, compressed
    arrays.tsv     name, dtype, shape, and the elements in row-major, little-endian order as hexadecimal digits
    texts.npz      arrays to print, compressed
    texts.txt      what str(array) says of each, after a line `=== name`
"""
import io
import os
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def sample(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) * 40
    if dtype[0] == "c":
        values = values + 1j * rng.standard_normal(shape)
    if dtype[0] == "u":
        values = np.abs(values)
    return (values > 0) if dtype == "b1" else np.asarray(values).astype("<" + dtype)


def arrays():
    for dtype in DTYPES:
        yield dtype, sample(dtype, (2, 3))
        yield f"{dtype}-big", sample(dtype, (2, 3)).astype(">" + dtype)
        yield f"{dtype}-fortran", np.asfortranarray(sample(dtype, (2, 3)))
        yield f"{dtype}-scalar", sample(dtype, ())
    yield "big-fortran", np.asfortranarray(sample("f4", (3, 4, 5)).astype(">f4"))
    for shape in [(0,), (0, 3), (2, 0, 4), (1,), (7,), (1, 1, 1, 1), (2, 3, 4, 5)]:
        name = "x".join(map(str, shape))
        yield f"shape-{name}", sample("f4", shape)
        yield f"shape-{name}-fortran", np.asfortranarray(sample("i2", shape))
    yield "ünïcode/name", sample("f4", (2,))


def hexadecimal(array):
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes().hex() or "-"


def npy(array, version):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def write_arrays():
    all_arrays = dict(arrays())
    np.savez(os.path.join(HERE, "arrays.npz"), **all_arrays)
    with zipfile.ZipFile(os.path.join(HERE, "arrays.npz"), "a") as archive:
        for version in [(1, 0), (2, 0), (3, 0)]:
            name = f"version-{version[0]}"
            all_arrays[name] = sample("f4", (3, 2))
            archive.writestr(f"{name}.npy", npy(all_arrays[name], version))
    np.savez_compressed(os.path.join(HERE, "deflated.npz"), **{k: v for k, v in all_arrays.items() if "big" in k})
    with open(os.path.join(HERE, "arrays.tsv"), "w", encoding="utf-8") as table:
        for name, array in all_arrays.items():
            print(name, array.dtype.name, ",".join(map(str, array.shape)) or "-", hexadecimal(array), sep="\t",
                file=table)


def float_texts(dtype):
    rng = np.random.default_rng(3)
    normal = rng.standard_normal(1200).astype(dtype)
    nan, inf = float("nan"), float("inf")
    yield "row", normal[:10]
    yield "matrix", normal[:40].reshape(8, 5)
    yield "wide", normal[:60].reshape(2, 30)
    yield "cube", normal[:24].reshape(2, 3, 4)
    yield "long", normal[:1001]
    yield "threshold", normal[:1000].reshape(100, 10)
    yield "large", normal.reshape(4, 10, 30)
    yield "thin", normal[:1002].reshape(501, 2)
    yield "deep", normal[:1200].reshape(2, 1, 3, 1, 200)
    yield "small", normal[:6] * dtype(0.00001)
    yield "mixed", np.array([1, 1000, 0.001, -2.5], dtype)
    yield "cutoff", np.array([999, 1000], dtype)
    yield "million", np.array([0, 9999, 10000] if dtype == np.float16 else [0, 999999, 1000000], dtype)
    yield "whole", np.arange(-3, 9).astype(dtype)
    yield "tenths", np.array([0.1, 0.25, -0.5], dtype)
    yield "least", np.array([0.0001, 0.01], dtype)
    yield "zeros", np.zeros((2, 3), dtype)
    yield "minus-zero", np.array([-0.0, 0.0], dtype)
    yield "tiny", np.array([np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max], dtype)
    yield "nan", np.array([nan, 1.5, 2], dtype)
    yield "infinite", np.array([inf, -inf, nan, 1e-5, 3], dtype)
    yield "only-infinite", np.array([inf, nan], dtype)
    yield "only-minus-infinite", np.array([-inf, nan], dtype)
    yield "infinite-whole", np.array([inf, 1], dtype)
    yield "softmax", (lambda e: e / e.sum())(np.exp(normal[:10].astype("f8") * 4)).astype(dtype)
    yield "eighths", (np.arange(40) / 1024).astype(dtype)
    yield "thirds", (np.arange(40) / 3).astype(dtype)
    for i, value in enumerate([0, -0.0, 1, 1.5, 0.1, 1e-5, 123456.789, 999, 1000, 2050, 999999, 1e6, 1e15, 1e16, 65504,
            nan, inf, -inf, 1 / 3]):
        with np.errstate(over="ignore"):
            yield f"scalar-{i}", np.array(value, dtype)


def texts():
    for name, dtype in [("f2", np.float16), ("f4", np.float32), ("f8", np.float64)]:
        for case, array in float_texts(dtype):
            yield f"{name}-{case}", array
    rng = np.random.default_rng(4)
    for dtype in ["i1", "i4", "i8", "u1", "u8"]:
        info = np.iinfo(dtype)
        yield f"{dtype}-row", rng.integers(0, 100, 50).astype(dtype)
        yield f"{dtype}-matrix", rng.integers(0, 120, (12, 12)).astype(dtype)
        yield f"{dtype}-range", np.array([info.min, 0, info.max], dtype)
        yield f"{dtype}-large", np.arange(3000).reshape(30, 100).astype(dtype)
        yield f"{dtype}-scalar", np.array(info.max, dtype)
    for shape in [(), (1,), (30,), (3, 4), (2, 2, 2), (40, 40)]:
        yield f"bool-{'x'.join(map(str, shape))}", rng.random(shape) > 0.5
    for shape in [(0,), (0, 3), (2, 0)]:
        yield f"empty-{'x'.join(map(str, shape))}", np.zeros(shape, "f4")
    for dtype in ["c8", "c16"]:
        yield f"{dtype}-row", (rng.standard_normal(7) + 1j * rng.standard_normal(7)).astype(dtype)
        yield f"{dtype}-simple", np.array([1, 2j, -3.5 - 1j], dtype)
        yield f"{dtype}-nan", np.array([complex(float("nan"), 1), complex(1, float("inf")), 2.25j], dtype)
        yield f"{dtype}-scalar", np.array(1.5 - 2j, dtype)
        yield f"{dtype}-scalar-imaginary", np.array(2j, dtype)
        yield f"{dtype}-scalar-nan", np.array(complex(float("nan"), float("nan")), dtype)


def write_texts():
    all_texts = dict(texts())
    np.savez_compressed(os.path.join(HERE, "texts.npz"), **all_texts)
    with open(os.path.join(HERE, "texts.txt"), "w") as file:
        for name, array in all_texts.items():
            print("===", name, file=file)
            print(str(array), file=file)


if __name__ == "__main__":
    write_arrays()
    write_texts()
