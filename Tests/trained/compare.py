"""compare.py MAAS_TRAIN [--seeds N] [--first S] [--margin M] [SET …]: maas-train without options beside scikit-learn's
networks.

Both learn from the same samples and are judged by the same others, once for each of N seeds from S on. scikit-learn's
best is that of four pipelines which is best on the mean of all seeds. Prints a table with means, deviations and the
difference with the standard error of its mean. That is noise within the two-sided 95 % of Student's distribution with
N - 1 degrees of freedom. The last number is how far ONNX Runtime's answers with the written model are from maas-train's
own. Fails where maas-train is worse by more than noise and M, or where these answers differ by more than 1e-5."""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnxruntime
from scipy.stats import t as student
from sets import SETS
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore", ConvergenceWarning)
MOST_DIFFERENCE = 1e-5
#: Hidden layers, and whether a part of the samples decides when to stop.
PIPELINES = {
    f"{'-'.join(map(str, layers))}{', early stopping' if stops else ''}": (layers, stops)
    for layers in [(100,), (64, 32)]
    for stops in [False, True]
}


def peer(split, seed, layers, stops):
    kind = MLPClassifier if split.is_class else MLPRegressor
    network = kind(hidden_layer_sizes=layers, random_state=seed, max_iter=1000, early_stopping=stops)
    if not split.is_class:
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
    return make_pipeline(split.features(), network).fit(split.x, split.y).score(split.test_x, split.test_y)


def own(program, split, seed):
    """The score of maas-train's model in ONNX Runtime, and its largest difference from what maas-train says."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        data = split.write(folder, "train", split.x, split.y)
        test = split.write(folder, "test", split.test_x, split.test_y)
        model, answers = folder / "model.onnx", folder / "answers.csv"
        subprocess.run(
            [program, data, "--test", test, "--seed", str(seed), "--out", model, "--predictions", answers, "--quiet"],
            check=True)
        with open(answers, newline="") as file:
            said = sorted(list(csv.reader(file))[1:], key=lambda row: place(row[0]))
        session = onnxruntime.InferenceSession(model)
        metadata = session.get_modelmeta().custom_metadata_map
        found = [session.run(None, feed) for feed in split.feeds(split.test_x, metadata)]
    found = [np.concatenate(parts) for parts in zip(*found)]
    numbers = np.array([row[3 if split.is_class else 2 :] for row in said], float)
    scale = 1 if split.is_class else np.maximum(split.y.std(), np.abs(numbers))
    difference = np.max(np.abs(found[-1] - numbers) / scale)
    truths = np.array([row[1] for row in said]).astype(split.test_y.dtype)
    assert np.allclose(truths, split.test_y) if not split.is_class else (truths == split.test_y).all()
    if split.is_class:
        return accuracy_score(split.test_y, found[0]), difference
    return r2_score(split.test_y, found[0][:, 0]), difference


def place(name):
    """Where a sample was before it was written: files are called by it, rows are numbered from 1."""
    return int(pathlib.Path(name).stem)


def compare(name, program, seeds, margin):
    """A row of the table, and whether it is well."""
    splits = {seed: SETS[name](seed) for seed in seeds}
    scores, differences = np.array([own(program, split, seed) for seed, split in splits.items()]).T
    peers = {
        pipeline: np.array([peer(split, seed, *choice) for seed, split in splits.items()])
        for pipeline, choice in PIPELINES.items()
    }
    best = max(peers, key=lambda pipeline: peers[pipeline].mean())
    gain = scores - peers[best]
    # A single seed says nothing about noise.
    error = gain.std(ddof=1) / np.sqrt(len(seeds)) if len(seeds) > 1 else 0.0
    noise = student.ppf(0.975, len(seeds) - 1) * error if len(seeds) > 1 else 0.0
    verdict = "within" if abs(gain.mean()) <= noise else "better than" if gain.mean() > 0 else "worse than"
    is_good = gain.mean() >= -(noise + margin)
    is_equal = differences.max() <= MOST_DIFFERENCE
    cells = [
        name, "accuracy" if next(iter(splits.values())).is_class else "R²", f"{scores.mean():.4f} ± {scores.std():.4f}",
        f"{peers[best].mean():.4f} ± {peers[best].std():.4f} ({best})", f"{gain.mean():+.4f} ± {error:.4f}",
        f"{verdict} ± {noise:.4f}", f"{differences.max():.1e}",
        "ok" if is_good and is_equal else "WORSE" if is_equal else "DIFFERENT",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |", is_good and is_equal


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("sets", nargs="*", metavar="SET", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--margin", type=float, default=0.0)
    arguments = parser.parse_intermixed_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    print(
        "| set | score | maas-train | scikit-learn's best | difference ± error of the mean | noise (95 %) "
        "| export differs by | |")
    print("|---|---|---|---|---|---|---|---|")
    is_good = True
    for name in arguments.sets:
        row, is_well = compare(name, arguments.program, seeds, arguments.margin)
        print(row, flush=True)
        is_good &= is_well
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
