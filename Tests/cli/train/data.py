"""Small data sets whose rules are known, of every kind that maas-train reads."""
import csv
import math
import pathlib
import struct
import wave
import zlib

import numpy as np

random = np.random.default_rng(7)


def table(path, rows, header):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def people(count):
    """Numbers with gaps, a category, a text and a number of the row; the class follows from all three."""
    rows = []
    for i in range(count):
        town = str(random.choice(["Rome", "Oslo", "Bern, CH", "Köln"]))
        age = random.normal(40, 12)
        mood = int(random.integers(2))
        words = ["a very good day", "such joy, it is lovely"] if mood else ["a very bad day", "this is sad and awful"]
        text = f"{random.choice(words)} number {random.integers(50)}"
        score = (age - 40) / 12 + (1.5 if town == "Rome" else 0) + (3 if mood else -3)
        shown = "" if random.random() < 0.1 else f"{age:.2f}"
        rows.append([i + 1, shown, town, text, "yes" if score > 0 else "no"])
    return rows


def house(count):
    x = random.normal(size=(count, 3)) * [1, 100, 0.01] + [0, 5000, 2]
    y = 200 + 30 * x[:, 0] - 0.2 * (x[:, 1] - 5000) + 1000 * (x[:, 2] - 2) ** 2 * 100
    return [[f"{v:.6g}" for v in row] + [f"{t:.6g}"] for row, t in zip(x, y)]


def png(path, pixels):
    """Writes [height, width, 3] bytes."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def pictures(folder, count):
    """Lines across and lines down, in colours, of several sizes."""
    for kind in ["across", "down"]:
        path = pathlib.Path(folder, kind)
        path.mkdir(parents=True)
        for i in range(count):
            size = int(random.integers(14, 20))
            image = random.integers(0, 60, (size, size, 3)).astype(np.uint8)
            at = random.integers(2, size - 2, 3)
            colour = random.integers(150, 255, 3)
            if kind == "across":
                image[at] = colour
            else:
                image[:, at] = colour
            png(path / f"{i:03}.png", image)


def texts(folder, count):
    words = {"sea": "wave ship salt fish harbour tide", "hill": "rock goat snow path summit tree"}
    for kind, own in words.items():
        path = pathlib.Path(folder, kind)
        path.mkdir(parents=True)
        for i in range(count):
            some = list(random.choice(own.split(), 5)) + list(random.choice("the a of and was Is".split(), 8))
            random.shuffle(some)
            (path / f"{i:03}.txt").write_text(" ".join(map(str, some)) + ".\n")


def sounds(folder, count):
    for kind, pitch in {"low": 300, "high": 1200}.items():
        path = pathlib.Path(folder, kind)
        path.mkdir(parents=True)
        for i in range(count):
            # Some to learn from have twice the rate, and are to be brought to that of the others.
            rate = 16000 if folder == "sounds" and i % 3 == 0 else 8000
            length = int(random.integers(2000, 3000)) * rate // 8000
            phase = 2 * math.pi * pitch * random.uniform(0.9, 1.1) * np.arange(length) / rate
            signal = np.sin(phase) + 0.3 * random.normal(size=length)
            with wave.open(str(path / f"{i:03}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes((signal * 8000).astype("<i2").tobytes())


header = ["id", "age", "town", "note", "answer"]
table("people.csv", people(400), header)
table("people-test.csv", people(200), header)
table("houses.csv", house(400), ["a", "b", "c", "price"])
table("houses-test.csv", house(200), ["a", "b", "c", "price"])
for name, count in [("x.npz", 300), ("x-test.npz", 150)]:
    x = random.normal(size=(count, 4, 4)).astype(np.float32)
    np.savez(name, x=x, y=(x[:, 0].sum(1) > x[:, 1].sum(1)).astype(np.int64) + 5)
pictures("pictures", 60)
pictures("pictures-test", 30)
texts("texts", 60)
texts("texts-test", 30)
sounds("sounds", 40)
sounds("sounds-test", 20)
