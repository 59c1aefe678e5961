"""ImageDecoder, through libmaas-images: ONNX's own images, and files written here."""

import struct
import zlib

import maas
import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.backend.test.case.node import _image_decoder_data as frozen

NAMES = [name for name in dir(frozen) if name.startswith("image_decoder_decode_")]


def decoder(pixel_format="RGB"):
    node = helper.make_node("ImageDecoder", ["stream"], ["image"], pixel_format=pixel_format)
    stream = helper.make_tensor_value_info("stream", TensorProto.UINT8, ["bytes"])
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, None)
    graph = helper.make_graph([node], "images", [stream], [image])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=8)
    return maas.Session(model.SerializeToString())


def decode(data, pixel_format="RGB"):
    return decoder(pixel_format)(np.frombuffer(data, np.uint8))["image"]


@pytest.mark.parametrize("name", NAMES)
def test_the_images_of_onnx(name):
    image = getattr(frozen, name)
    pixel_format = {"bgr": "BGR", "grayscale": "Grayscale"}.get(name.rsplit("_", 1)[1], "RGB")
    np.testing.assert_array_equal(decode(image.data.tobytes(), pixel_format), image.output)


def test_there_are_all_formats():
    assert len(NAMES) == 9


random = np.random.default_rng(3)
PIXELS = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
INDICES = random.integers(0, 2, (5, 7), dtype=np.uint8)
PALETTE = np.array([[10, 20, 30], [200, 150, 100]], np.uint8)


def bmp(bits, rows, *, compression=0, palette=None, masks=b"", width=7, height=5):
    table = b"" if palette is None else np.insert(palette[:, ::-1], 3, 0, axis=1).astype(np.uint8).tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, len(table) // 4, 0)
    start = 14 + len(header) + len(masks) + len(table)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + header + masks + table + rows


def padded(rows):
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def runs(row):
    return b"".join(bytes([1, index]) for index in row) + b"\0\0"


def bmp_files():
    up = PIXELS[::-1]
    yield bmp(24, padded(row[:, ::-1].tobytes() for row in up)), PIXELS
    yield bmp(24, padded(row[:, ::-1].tobytes() for row in PIXELS), height=-5), PIXELS
    yield bmp(32, np.insert(up[..., ::-1], 3, 9, axis=2).tobytes()), PIXELS
    indexed, indices = PALETTE[INDICES], INDICES[::-1]
    yield bmp(8, padded(row.tobytes() for row in indices), palette=PALETTE), indexed
    nibbles = np.pad(indices, ((0, 0), (0, 1)))
    yield bmp(4, padded((row[::2] << 4 | row[1::2]).tobytes() for row in nibbles), palette=PALETTE), indexed
    yield bmp(1, padded(np.packbits(row).tobytes() for row in indices), palette=PALETTE), indexed
    yield bmp(8, b"".join(map(runs, indices)) + b"\0\1", compression=1, palette=PALETTE), indexed
    literal = b"".join(bytes([0, 7]) + row.tobytes() + b"\0" + b"\0\0" for row in indices)
    yield bmp(8, literal + b"\0\1", compression=1, palette=PALETTE), indexed
    red, green, blue = (up[..., c].astype(np.uint16) >> s for c, s in ((0, 3), (1, 2), (2, 3)))
    narrow = np.stack([PIXELS[..., 0] >> 3, PIXELS[..., 1] >> 2, PIXELS[..., 2] >> 3], -1).astype(int)
    widened = np.floor(narrow * 255 / [31, 63, 31] + 0.5).astype(np.uint8)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    rows = padded(row.astype("<u2").tobytes() for row in red << 11 | green << 5 | blue)
    yield bmp(16, rows, compression=3, masks=masks), widened


def pnm_files():
    gray, bits = PIXELS[..., 0], np.where(INDICES, 0, 255).astype(np.uint8)
    text = "\n".join(" ".join(map(str, row)) for row in PIXELS.reshape(5, -1))
    yield b"P6 7 5 255\n" + PIXELS.tobytes(), PIXELS
    yield b"P3\n# words\n7 5\n255\n" + text.encode(), PIXELS
    yield b"P5 7 5 255\n" + gray.tobytes(), gray
    yield b"P2 7 5 255\n" + " ".join(map(str, gray.ravel())).encode(), gray
    yield b"P5 7 5 65535\n" + (gray.astype(">u2") * 257).tobytes(), gray
    yield b"P1 7 5\n" + "".join(map(str, INDICES.ravel())).encode(), bits
    yield b"P4 7 5\n" + np.packbits(INDICES, axis=1).tobytes(), bits
    alpha = np.insert(PIXELS, 3, 0, axis=2)
    yield b"P7\nWIDTH 7\nHEIGHT 5\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + alpha.tobytes(), PIXELS


def png(rows, depth, kind, extra=b""):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, depth, kind, 0, 0, 0))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_files():
    yield png(PIXELS, 8, 2), PIXELS
    yield png(PIXELS[..., 0], 8, 0), PIXELS[..., 0]
    yield png(np.insert(PIXELS, 3, 0, axis=2), 8, 6), PIXELS
    yield png((PIXELS.astype(np.uint16) * 256 + 255).astype(">u2"), 16, 2), PIXELS
    yield png(np.packbits(INDICES, axis=1), 1, 0), INDICES * 255


@pytest.mark.parametrize(("data", "pixels"), [*bmp_files(), *pnm_files(), *png_files()])
def test_variants(data, pixels):
    expected = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode(data), expected)


def test_what_is_no_image_is_empty():
    assert decode(b"words").shape == (0, 0, 3)
    assert decode(b"", "Grayscale").shape == (0, 0, 1)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_images_are_empty_or_whole(name):
    session, image = decoder(), getattr(frozen, name)
    for length in range(0, len(image.data), max(1, len(image.data) // 64)):
        assert session(image.data[:length])["image"].shape in ((0, 0, 3), (32, 32, 3))
    for _ in range(64):
        damaged = image.data.copy()
        damaged[random.integers(20, len(damaged), 4)] = random.integers(0, 256, 4)
        assert session(damaged)["image"].ndim == 3


def test_without_the_library(monkeypatch):
    monkeypatch.setenv("MAAS_IMAGES", "/nowhere/libmaas-images.so.1")
    with pytest.raises(maas.Unsupported, match=r"library that decodes images was not found.*MAAS_IMAGES"):
        decode(b"P1 1 1 0")
