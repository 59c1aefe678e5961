"""Compiled models that were damaged or made up: sound ones (docs/compiled-models.md) with one to three hostile changes,
and most often with checksum and lengths that are right again, so that more than the checksum has to hold. The same seed
makes the same changes."""
import functools
import pathlib
import random
import struct
import sys
import tempfile

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from google.protobuf.internal import decoder, encoder
from onnx import numpy_helper

from hostile_models import Models

HEADER = 64
CHECKSUM, FORMAT, FILE_BYTES, MESSAGE_BYTES, DATA_OFFSET, DATA_BYTES = 8, 16, 24, 32, 40, 48
PAGE = 4096
WORD = 2**64
FAMILY, LAYOUTS, MODEL, PACKING = 1, 2, 3, 4
CONSTANT, NAME, LAYOUT, OFFSET, COUNT = 1, 2, 3, 4, 5
EDGES = [0, 1, 2, 3, 4, 63, 64, 65, 4095, 4096, 4097, 2**20, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1]
NUMBERS = EDGES + [WORD - n for n in EDGES[1:]] + [2**63]
LAYOUT_NAMES = [b"", b"aligned", b"f32_gemm 24 16 16 1", b"trees of float", b"\xff\xfe", b"x" * 3000]
LOCATIONS = ["maas:weights", "", "/proc/self/maps", "/etc/passwd", "../" * 40 + "etc/passwd", "maas:", "no\0thing"]

SOURCES = {
    "products": ("""(float[N, 24] x) => (float[N, 16] y) {
         a = MatMul(x, w)  b = Relu(a)  y = Gemm<transB = 1>(b, v, c) }""",
                 {"w": (24, 40), "v": (16, 40), "c": (16,)}),
    "convolution": ("""(float[N, 3, 8, 8] x) => (float[N, 4] y) {
         a = Conv<kernel_shape = [3, 3]>(x, w, c)  p = GlobalAveragePool(a)  f = Flatten(p)  y = MatMul(f, v) }""",
                    {"w": (8, 3, 3, 3), "c": (8,), "v": (8, 4)}),
    "branches": ("""(bool k, float[2, 32] x) => (float[2, 32] y) {
         y = If(k) <then_branch = one () => (float[2, 32] a) { a = MatMul(x, w) },
                    else_branch = two () => (float[2, 32] b) { b = Gather<axis = 1>(x, at) }> }""",
                 {"w": (32, 32), "at": np.arange(32)}),
    "recurrent": ("""(float[T, 2, 6] x) => (float[T, 1, 2, 8] y) { y = LSTM<hidden_size = 8>(x, w, r, c) }""",
                  {"w": (1, 32, 6), "r": (1, 32, 8), "c": (1, 64)}),
    "bytes": ("""(uint8[N, 32] x) => (float[N, 8] y) { a = MatMulInteger(x, w)  b = Cast<to = 1>(a)  y = Mul(b, s) }""",
              {"w": (np.arange(256) % 251).astype(np.uint8).reshape(32, 8), "s": (1, 8)}),
    # Weights so large that products of pairs need more than 16 bits: what is noted of them lies behind the codes.
    "large_bytes": ("""(uint8[N, 64] x) => (int32[N, 24] y) { y = MatMulInteger(x, w) }""",
                    {"w": np.where(np.arange(64 * 24) % 5 < 2, 127, -128).astype(np.int8).reshape(64, 24)}),
    "filters_of_bytes": ("""(uint8[N, 8, 9, 9] x) => (int32[N, 8, 9, 9] y) {
         y = ConvInteger<pads = [1, 1, 1, 1]>(x, w) }""",
                         {"w": (np.arange(8 * 8 * 9) % 256 - 128).astype(np.int8).reshape(8, 8, 3, 3)}),
}


def source(name):
    text, weights = SOURCES[name]
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {name} {text}')
    rng = np.random.default_rng(1)
    for weight, value in weights.items():
        array = rng.standard_normal(value).astype(np.float32) if isinstance(value, tuple) else value
        model.graph.initializer.append(numpy_helper.from_array(array, weight))
    return model


@functools.cache
def sound():
    """What maas makes of the sources on this machine."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "bindings/python/src"))
    import maas
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name in SOURCES:
            onnx.save(source(name), f"{folder}/{name}.onnx")
            maas.Session(f"{folder}/{name}.maas", maas.SessionOptions(rebuild=True, threads=1))
            files.append(pathlib.Path(f"{folder}/{name}.maas").read_bytes())
        return files


def checksum(data):
    value = 0xCBF29CE484222325
    for word in (*struct.unpack(f"<{(len(data) + 7) // 8}Q", data + bytes(-len(data) % 8)),
            *[0] * (len(data) % 8 == 0)):
        value = (value ^ word) * 0x100000001B3 % WORD
        value ^= value >> 32
    value = (value ^ len(data)) * 0x100000001B3 % WORD
    return value ^ value >> 32


def fields(message):
    """[number, value] of each field: an int, or bytes."""
    found, at = [], 0
    while at < len(message):
        key, at = decoder._DecodeVarint(message, at)
        value, at = decoder._DecodeVarint(message, at)
        if key & 7 == 2:
            value, at = message[at : at + value], at + value
        found.append([key >> 3, value])
    return found


def message(fields):
    out = b""
    for number, value in fields:
        is_text = isinstance(value, bytes)
        out += encoder._VarintBytes(number << 3 | 2 * is_text) + encoder._VarintBytes(len(value) if is_text else value)
        out += value if is_text else b""
    return out


class File:
    """A compiled model in its parts."""

    def __init__(self, content):
        self.header = bytearray(content[:HEADER])
        length, offset = self.number(MESSAGE_BYTES), self.number(DATA_OFFSET)
        self.fields = fields(content[HEADER : HEADER + length])
        self.data = bytearray(content[offset:])
        self.message = None  # Instead of the fields.
        self.tail = b""

    def number(self, at):
        return struct.unpack_from("<Q", self.header, at)[0]

    def put(self, at, number):
        struct.pack_into("<Q", self.header, at, number % WORD)

    def content(self, lies):
        """The file with right lengths and checksum, but for the numbers that `lies` has for the header."""
        text = message(self.fields) if self.message is None else self.message
        offset = (HEADER + len(text) + PAGE - 1) // PAGE * PAGE
        honest = {FILE_BYTES: offset + len(self.data) + len(self.tail), MESSAGE_BYTES: len(text), DATA_OFFSET: offset,
                  DATA_BYTES: len(self.data)}
        for at, number in (honest | lies).items():
            self.put(at, number)
        rest = (text + bytes(offset - HEADER - len(text)) + self.data + self.tail)
        # The checksum is of as much as the header says the message has.
        self.put(CHECKSUM, checksum(bytes(self.header[FORMAT:]) + rest[: self.number(MESSAGE_BYTES)]))
        return bytes(self.header) + rest

    def some(self, number, rng):
        found = [field for field in self.fields if field[0] == number]
        return rng.choice(found) if found else None


# The hostile changes: each takes a file, the lies about it so far, and random numbers.

def lie(file, lies, rng):
    at = rng.choice([FILE_BYTES, MESSAGE_BYTES, DATA_OFFSET, DATA_BYTES])
    near = struct.unpack_from("<Q", file.header, at)[0] + rng.randint(-9, 9)
    lies[at] = rng.choice(NUMBERS + [near] * 20)


def swap_parts(file, lies, rng):
    """Weights that are the message, or all of the file."""
    lies[DATA_OFFSET] = rng.choice([0, 8, HEADER])
    lies[DATA_BYTES] = rng.choice([HEADER, 1000, len(file.data)])


def change_bytes(file, lies, rng):
    text = bytearray(message(file.fields))
    for _ in range(rng.randint(1, 4)):
        text[rng.randrange(len(text))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    file.message = bytes(text)


def cut_message(file, lies, rng):
    text = message(file.fields)
    file.message = text[: rng.randrange(len(text))] if rng.random() < 0.7 else text + rng.randbytes(rng.randint(1, 30))


def change_fields(file, lies, rng):
    choice, at = rng.random(), rng.randrange(len(file.fields))
    if choice < 0.3:
        del file.fields[at]
    elif choice < 0.6:
        file.fields.append(list(file.fields[at]))
    elif choice < 0.8:
        rng.shuffle(file.fields)
    else:
        other = rng.randrange(len(file.fields))
        file.fields[at][1], file.fields[other][1] = file.fields[other][1], file.fields[at][1]


def change_packing(file, lies, rng):
    field = file.some(PACKING, rng)
    if not field or not isinstance(field[1], bytes):
        return
    packing = dict(fields(field[1]))
    number = rng.choice([CONSTANT, NAME, LAYOUT, OFFSET, OFFSET, COUNT, COUNT])
    other = file.some(PACKING, rng)
    if rng.random() < 0.3 and isinstance(other[1], bytes):
        packing[number] = dict(fields(other[1])).get(number, 0)
    elif number in (NAME, LAYOUT):
        packing[number] = rng.choice(LAYOUT_NAMES)
    else:
        near = packing.get(number, 0)
        packing[number] = rng.choice(NUMBERS + [(near + rng.choice([-64, -8, -1, 1, 8, 64])) % WORD] * 30)
    field[1] = message(packing.items())


def change_model(file, lies, rng):
    """Where initializers say that they lie, what they are, or which they are."""
    field = file.some(MODEL, rng)
    try:
        model = onnx.ModelProto.FromString(field[1])
        tensor = rng.choice(model.graph.initializer)
    except (TypeError, IndexError, DecodeError):  # An earlier change made this field another one.
        return
    choice = rng.random()
    if choice < 0.6 and tensor.external_data:
        entry = rng.choice(tensor.external_data)
        entry.value = rng.choice(LOCATIONS) if entry.key == "location" else str(
            rng.choice(NUMBERS + [-1, -64, "x", ""]))
    elif choice < 0.8 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice([0, 1, 2, 3, -1, 65, 2**20, 2**31, 2**40, 2**62])
    elif choice < 0.9:
        tensor.data_type = rng.randint(0, 26)
    else:
        tensor.name = rng.choice(model.graph.initializer).name
    field[1] = model.SerializeToString()


def change_weights(file, lies, rng):
    """Bytes that opening does not look at: numbers of any size, and indices outside everything."""
    at = rng.randrange(len(file.data) // 8) * 8
    count = rng.choice([8, 64, len(file.data)])
    file.data[at : at + count] = rng.choice([b"\xff", b"\x7f", b"\x00", rng.randbytes(1)]) * len(
        file.data[at : at + count])


def resize_weights(file, lies, rng):
    if rng.random() < 0.5:
        del file.data[rng.randrange(len(file.data)) :]
    else:
        file.tail = bytes(rng.choice([1, 63, 64, 5000]))


CHANGES = [lie, lie, swap_parts, change_bytes, change_bytes, cut_message, change_fields, change_packing, change_packing,
           change_packing, change_model, change_model, change_weights, resize_weights]


def careless(content, rng):
    """Damage as disks and copies do it: the checksum stays."""
    content = bytearray(content)
    if rng.random() < 0.5:
        return bytes(content[: rng.choice([rng.randrange(HEADER + 2), rng.randrange(len(content))])])
    content[rng.randrange(rng.choice([HEADER, len(content)]))] ^= 1 << rng.randrange(8)
    return bytes(content)


class CompiledModels:
    """`models[i]` for any i."""

    suffix = ".maas"
    # What is wrong may be the file as a whole.
    PLACES = Models.PLACES + ("compiled", "ONNX model", "the graph ", "a name is")

    def __init__(self, seed=0):
        self.seed = seed

    def __getitem__(self, index):
        rng = random.Random(self.seed * 2**32 + index)
        content = sound()[index % len(SOURCES)]
        if rng.random() < 0.1:
            return careless(content, rng)
        file, lies = File(content), {}
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
            rng.choice(CHANGES)(file, lies, rng)
        return file.content(lies)
