"""compare.py MAAS_TRAIN [SEEDS]: maas-train beside scikit-learn's networks on scikit-learn's data sets.

Both learn from the same rows and are judged by the same others, once for each seed. Prints mean and deviation, and fails
where maas-train is worse than the noise of both. Needs scikit-learn (Tests/exported/requirements.txt)."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SETS = {"breast cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits, "diabetes": load_diabetes}


def write(path, x, y, names):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"f{i}" for i in range(x.shape[1])] + ["target"])
        for row, target in zip(x, y):
            writer.writerow([f"{v:.9g}" for v in row] + [target if names is None else names[target]])


def peer(is_class, seed, x, y, test):
    """The better of scikit-learn's own default and of the layers that maas-train takes, both with early stopping off."""
    best = -1
    for layers in [(100,), (64, 32)]:
        kind = MLPClassifier if is_class else MLPRegressor
        model = make_pipeline(StandardScaler(), kind(layers, random_state=seed, max_iter=1000))
        model.fit(x, y if is_class else (y - y.mean()) / y.std())
        found = model.predict(test[0])
        best = max(best, accuracy_score(test[1], found) if is_class else r2_score(test[1], found * y.std() + y.mean()))
    return best


def main(program, seeds):
    failed = False
    for name, load in SETS.items():
        data = load()
        is_class = name != "diabetes"
        names = [f"class {n}" for n in data.target_names] if is_class else None
        own, others = [], []
        for seed in range(seeds):
            parts = train_test_split(
                data.data, data.target, test_size=0.25, random_state=seed, stratify=data.target if is_class else None)
            x, test_x, y, test_y = parts
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                write(folder / "train.csv", x, y, names)
                write(folder / "test.csv", test_x, test_y, names)
                subprocess.run(
                    [program, folder / "train.csv", "--target", "target", "--test", folder / "test.csv", "--seed", str(seed),
                     "--out", folder / "model.onnx", "--quiet"], check=True)
                result = json.loads((folder / "model.json").read_text())["results"]["test"]
            own.append(result["accuracy" if is_class else "R2"])
            others.append(peer(is_class, seed, x, y, (test_x, test_y)))
        noise = np.std(np.subtract(own, others), ddof=1) / np.sqrt(seeds)
        good = np.mean(own) >= np.mean(others) - max(2 * noise, 0.005)
        failed |= not good
        print(
            f"{name:14} maas-train {np.mean(own):.4f} ± {np.std(own):.4f}   scikit-learn {np.mean(others):.4f} ± "
            f"{np.std(others):.4f}   {'ok' if good else 'WORSE'}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5))
