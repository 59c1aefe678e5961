"""The data sets that maas-train and scikit-learn are compared on: tables that scikit-learn brings along, and texts and
sounds made from a seed.

A set is a function of a seed. It gives features and targets to learn from and to be judged by, and says how maas-train
and ONNX Runtime get them, and scikit-learn: as features of its networks."""

import csv
import dataclasses
import json
import pathlib
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.datasets import make_classification, make_friedman1, make_regression
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


@dataclasses.dataclass
class Split:
    """One division of a set."""

    x: Any
    y: np.ndarray
    test_x: Any
    test_y: np.ndarray
    #: Writes samples for maas-train under a folder, and gives the path.
    write: Callable[[pathlib.Path, str, Any, np.ndarray], pathlib.Path]
    #: What ONNX Runtime gets for samples, by what the model's metadata say: feeds for one call each.
    feeds: Callable[[Any, dict[str, str]], list[dict[str, np.ndarray]]]
    #: What stands in front of scikit-learn's network.
    features: Callable[[], Any]

    @property
    def is_class(self) -> bool:
        return self.y.dtype.kind != "f"


def table(load, names=True):
    """A set of scikit-learn's: a matrix of numbers."""

    def split(seed):
        data = load()
        return divided(data.data, data.target_names[data.target] if names else data.target.astype(float), seed)

    return split


def made(make, **shape):
    """A table that scikit-learn makes from the seed."""

    def split(seed):
        x, y = make(random_state=seed, **shape)
        return divided(x, y if y.dtype.kind == "f" else y.astype(str), seed)

    return split


def divided(x, y, seed):
    if y.dtype.kind != "f":
        y = np.array([f"class {name}" for name in y])
    parts = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=None if y.dtype.kind == "f" else y)
    return Split(parts[0], parts[2], parts[1], parts[3], write_table, feed_table, StandardScaler)


def feed_table(x, metadata):
    # Columns that are all the same in training are left out.
    columns = [int(name[1:]) for name in json.loads(metadata["columns"])]
    return [{"features": x[:, columns].astype(np.float32)}]


def write_table(folder, name, x, y):
    path = folder / f"{name}.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"f{i}" for i in range(x.shape[1])] + ["target"])
        writer.writerows([[f"{v:.9g}" for v in row] + [target] for row, target in zip(x, y)])
    return path


def in_folders(ending, write):
    """Writes a file for each sample into a folder for its class."""

    def write_all(folder, name, x, y):
        for i, (sample, label) in enumerate(zip(x, y)):
            path = folder / name / label
            path.mkdir(parents=True, exist_ok=True)
            write(path / f"{i:05}.{ending}", sample)
        return folder / name

    return write_all


# Texts: words of a language of a seed, by Zipf's law; each class has some words that it uses more often.

SUBJECTS = ["astronomy", "cooking", "gardening", "sailing"]
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def texts(seed):
    random = np.random.default_rng([seed, 1])
    words = np.array([first + second for first in SYLLABLES for second in SYLLABLES[::4]])
    random.shuffle(words)
    usual = 1 / np.arange(1, len(words) + 1)
    usage = np.array([usual * np.where(random.random(len(words)) < 0.1, 3, 1) for _ in SUBJECTS])
    usage /= usage.sum(1, keepdims=True)
    labels = random.integers(len(SUBJECTS), size=1200)
    samples = [" ".join(random.choice(words, random.integers(15, 60), p=usage[label])) + "." for label in labels]
    y = np.array(SUBJECTS)[labels]
    return Split(
        samples[:800], y[:800], samples[800:], y[800:], in_folders("txt", lambda path, text: path.write_text(text)),
        lambda samples, _: [{"text": np.array([[text] for text in samples], object)}],
        lambda: TfidfVectorizer(ngram_range=(1, 2), max_features=5000))


# Sounds: a second of a tone, a rising or a falling one, two tones or clicks, in noise.

RATE = 8000
KINDS = ["clicks", "falling", "rising", "steady", "two tones"]


def sound(random, kind):
    time = np.arange(RATE) / RATE
    pitch = random.uniform(300, 1500)
    phase = random.uniform(0, 2 * np.pi)

    def tone(start, end):
        return np.sin(phase + 2 * np.pi * (start * time + (end - start) * time**2 / 2))

    signal = {
        "clicks": lambda: np.where(random.random(RATE) < 0.004, 6, 0) * random.normal(size=RATE),
        "falling": lambda: tone(pitch * 1.5, pitch),
        "rising": lambda: tone(pitch, pitch * 1.5),
        "steady": lambda: tone(pitch, pitch),
        "two tones": lambda: 0.7 * (tone(pitch, pitch) + tone(pitch * 1.5, pitch * 1.5)),
    }[kind]()
    noise = random.normal(size=RATE) * random.uniform(0.5, 2.5)
    return np.clip((signal + noise) * 3000, -32768, 32767).astype("<i2")


def sounds(seed):
    random = np.random.default_rng([seed, 2])
    labels = random.integers(len(KINDS), size=600)
    samples = [sound(random, KINDS[label]) for label in labels]
    y = np.array(KINDS)[labels]
    return Split(
        samples[:400], y[:400], samples[400:], y[400:], in_folders("wav", write_wave),
        lambda samples, _: [{"audio": (s / 32768).astype(np.float32)[None]} for s in samples],
        lambda: make_pipeline(FunctionTransformer(mel), StandardScaler()))


def write_wave(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def mel(samples, frame=256, bands=40):
    """Logarithms of the energies in bands of the mel scale, [samples, frames * bands]."""
    window = np.hanning(frame + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(np.stack(samples) / 32768, frame, axis=1)[:, :: frame // 2]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(frame, 1 / RATE)
    rise = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.log(power @ np.clip(np.minimum(rise, fall), 0, None) + 1e-6).reshape(len(samples), -1)


SETS = {
    "breast cancer": table(load_breast_cancer),
    "wine": table(load_wine),
    "digits": table(load_digits),
    "diabetes": table(load_diabetes, names=False),
    "texts": texts,
    "sounds": sounds,
    "iris": table(load_iris),
    "3 classes": made(make_classification, n_samples=1000, n_features=20, n_informative=8, n_classes=3),
    "5 classes": made(make_classification, n_samples=4000, n_features=10, n_informative=10, n_redundant=0, n_classes=5),
    "wide": made(make_classification, n_samples=400, n_features=100, n_informative=10),
    "linear": made(make_regression, n_samples=500, n_features=20, n_informative=10, noise=20.0),
    "linear, wide": made(make_regression, n_samples=300, n_features=60, n_informative=10, noise=20.0),
    "friedman": made(make_friedman1, n_samples=600, noise=1.0),
    "friedman, exact": made(make_friedman1, n_samples=2000, n_features=20),
}
