"""Whole programs: the reference program of each library, and maas-train as one process and as two that train
together."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from peers import ROOT

from .table import Row
from .works import TrainWork, named

PROGRAMS = os.path.join(ROOT, "Benchmarks", "training", "programs")
FILES = {"maas": "maas", "torch": "torch", "jax": "jax", "keras": "keras", "scikit-learn": "sklearn"}
PROCESS = "reference, process"
COMMAND = "reference, process of maas-train"
RANKS = "2 processes, 60000x784, epoch"
EPOCHS = 3
TRAIN = os.path.join(ROOT, ".build", "release", "maas-train")


class Ended(Exception):
    """A program that failed; the text is the last it said."""


def _run(command: list[str], folder: str, environment: dict[str, str]) -> float:
    """Runs a program; the seconds from its start to its end."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise Ended((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return seconds


def process_row(names: list[str], is_quick: bool) -> Row:
    """The reference program: its start, the data, the training, the saved file."""
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "bindings", "python", "src"))
    times: dict[str, list[float]] = {name: [] for name in FILES if name in names}
    peers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        # Byte code is kept, as where a package was installed, whatever the shell says.
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": os.path.join(folder, "bytecode")}
        for _ in range(2 if is_quick else 5):
            for name, list_ in times.items():
                program = os.path.join(PROGRAMS, f"{FILES[name]}_program.py")
                try:
                    list_.append(_run([sys.executable, program, name], folder, environment))
                except Ended as error:
                    peers[name] = {"failed": str(error)}
    peers = {name: {"seconds": statistics.median(list_)} for name, list_ in times.items() if list_} | peers
    return {"work": PROCESS, "threads": os.cpu_count(), "peers": peers}


def command_row(is_quick: bool) -> Row:
    """The reference as one command: a table in, a model out."""
    options = "--layers 10 --epochs 100 --batch-size 25 --learning-rate 1e-3 --dropout 0 --validation 0 --test 0"
    train = [TRAIN, "data.csv", *options.split(), "--quiet", "--out", "model.onnx"]
    with tempfile.TemporaryDirectory() as folder:
        names = ",".join(f"x{i}" for i in range(10)) + ",y"
        table = np.random.default_rng(0).random((100, 11))
        np.savetxt(os.path.join(folder, "data.csv"), table, delimiter=",", header=names, comments="")
        found: Row
        try:
            seconds = [_run(train, folder, dict(os.environ)) for _ in range(3 if is_quick else 15)]
            found = {"seconds": statistics.median(seconds)}
        except (Ended, OSError) as error:
            found = {"failed": str(error)}
    return {"work": COMMAND, "threads": os.cpu_count(), "peers": {"maas": found}}


def ranks_row(is_quick: bool) -> Row:
    """maas-train with one thread, as one process and as two, each with its own batch of the same size: how long an
    epoch and the whole program take."""
    try:
        one, two = _both(named("60000x784, epoch"), 2 if is_quick else 5)
    except Ended as error:
        return {"work": RANKS, "threads": 1, "peers": {"maas": {"failed": str(error)}}}
    found = {
        "seconds": two[0], "whole": two[1], "seconds_of_one": one[0], "whole_of_one": one[1],
        "speedup": one[0] / two[0],
        "whole_speedup": one[1] / two[1],
    }  # fmt: skip
    return {"work": RANKS, "threads": 1, "peers": {"maas": found}}


def _both(work: TrainWork, rounds: int) -> tuple[list[float], list[float]]:
    """Median seconds of an epoch and of the program, of one process and of two in turn."""
    launcher = shutil.which("mpirun")
    if launcher is None or not os.path.exists(TRAIN):
        raise Ended("there is no mpirun (Debian: openmpi-bin)" if launcher is None else "maas-train is not built")
    sizes = ",".join(str(layer[1]) for layer in work.layers[:-1])
    train = [
        TRAIN, "data.npz", "--layers", sizes, "--epochs", str(EPOCHS), "--batch-size", str(work.batch),
        "--validation", "0",
        "--test", "0", "--patience", "0", "--threads", "1", "--quiet", "--out", "model.onnx",
    ]  # fmt: skip
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    times: tuple[list[list[float]], list[list[float]]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        data = work.data()
        np.savez(os.path.join(folder, "data.npz"), x=data.x, y=data.y)
        for _ in range(rounds):
            for of, command in zip(times, (train, [launcher, "-n", "2", *train])):
                whole = _run(command, folder, environment)
                with open(os.path.join(folder, "model.json")) as file:
                    of.append([statistics.median(json.load(file)["epoch_seconds"]), whole])
    one, two = ([statistics.median(column) for column in zip(*of)] for of in times)
    return one, two


def notes(row: Row) -> list[str]:
    """What of a row does not fit into the table."""
    found = row["peers"].get("maas", {})
    if row["work"] != RANKS or "failed" in found:
        return []
    return [
        f"  {RANKS}: {found['speedup']:.2f} times as fast as one process ({found['seconds_of_one']:.2f} s);"
        f" the whole program, which also reads and judges, {found['whole_speedup']:.2f} times"
        f" ({found['whole_of_one']:.2f} s, {found['whole']:.2f} s)"
    ]
