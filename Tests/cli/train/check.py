"""check.py KIND LEAST: the model passes ONNX's checker, and ONNX Runtime is as good with it on the test samples as the
record says, and at least LEAST."""
import csv
import json
import pathlib
import sys
import wave

import numpy as np
import onnx
import onnxruntime

kind, least = sys.argv[1], float(sys.argv[2])
model = onnx.load("model.onnx")
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession("model.onnx")


def columns(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def number(text):
    return float(text) if text else float("nan")


def files(folder):
    for path in sorted(pathlib.Path(folder).glob("*/*")):
        yield path.parent.name, path


def pixels(path):
    """The pixels of a PNG that data.py wrote."""
    import struct
    import zlib

    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    start = data.index(b"IDAT") + 4
    size = struct.unpack(">I", data[start - 8 : start - 4])[0]
    rows = np.frombuffer(zlib.decompress(data[start : start + size]), np.uint8).reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(1, height, width, 3)


def sound(path):
    with wave.open(str(path)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768).astype(np.float32)[None]


def answers(feeds):
    """Truths and predictions, sample by sample or all at once."""
    truths, found = [], []
    for truth, feed in feeds:
        output = session.run(None, feed)[0]
        truths += list(truth)
        found += list(output.reshape(len(truth)))
    return truths, found


if kind == "people":
    table = columns("people-test.csv")
    feed = {
        i.name: np.array(
            [[number(v)] for v in table[i.name]], np.float32) if "float" in i.type else np.array(
            [[v] for v in table[i.name]], object)
        for i in session.get_inputs()
    }
    feeds = [(table["answer"], feed)]
elif kind == "houses":
    table = columns("houses-test.csv")
    matrix = np.array([[float(table[n][i]) for n in "abc"] for i in range(len(table["a"]))], np.float32)
    feeds = [([float(v) for v in table["price"]], {"features": matrix})]
elif kind == "arrays":
    arrays = np.load("x-test.npz")
    feeds = [(arrays["y"], {"features": arrays["x"]})]
elif kind == "pictures":
    feeds = [([label], {"image": pixels(path)}) for label, path in files("pictures-test")]
elif kind == "texts":
    feeds = [([label], {"text": np.array([[path.read_text()]], object)}) for label, path in files("texts-test")]
elif kind == "sounds":
    feeds = [([label], {"audio": sound(path)}) for label, path in files("sounds-test")]

truths, found = answers(feeds)
record = json.load(open("model.json"))
test = record["results"]["test"]
assert test["samples"] == len(truths), test
if kind == "houses":
    truths, found = np.array(truths), np.array(found)
    score = 1 - ((truths - found) ** 2).sum() / ((truths - truths.mean()) ** 2).sum()
    said = test["R2"]
else:
    score = sum(t == f for t, f in zip(truths, found)) / len(truths)
    said = test["accuracy"]
assert abs(score - said) < 1e-4, (score, said)
assert score >= least, score
names = {p.key: p.value for p in model.metadata_props}
assert names.get("sample_rate") == ("8000" if kind == "sounds" else None), names
print(kind, [i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()], names.get("classes", ""))
page = open("model.html").read()
assert page.startswith("<!doctype html>") and "Learning curves" in page and "<polyline" in page
for key in ["program", "arguments", "data", "seed", "options", "network", "decisions"]:
    assert record[key] or key == "seed", key
