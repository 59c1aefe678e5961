"""Gives hostile models to libmaas: each must be refused with a sentence that names a node or a value, or run.

    hostile.py COUNT [--seed N] [--first I] [--keep FOLDER]     run them with the Python binding's library
    hostile.py COUNT --write FOLDER                             write them, to be a corpus for fuzz-model
    hostile.py COUNT --compiled …                               the same with damaged compiled models

Models run in a child process under a memory limit; a child that dies, hangs or asks for too much memory fails the
model it was at, which is kept in FOLDER, and another child goes on behind it.
"""
import argparse
import pathlib
import resource
import selectors
import subprocess
import sys

import numpy as np

from hostile_compiled import CompiledModels
from hostile_models import Models

HERE = pathlib.Path(__file__).parent
SECONDS_PER_MODEL = 10
MEMORY_LIMIT = 64 << 20  # Bytes a run may use.
ADDRESS_SPACE = 4 << 30  # Bytes the whole child may map.
LARGEST_INPUT = 1 << 20
KINDS = {kind.suffix: kind for kind in (Models, CompiledModels)}


def child(suffix, seed, first, last):
    """Prints the number of each model before it is tried, and what is wrong with an answer."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.insert(0, str(HERE.parent.parent / "bindings/python/src"))
    import maas
    models = KINDS[suffix](int(seed))
    for i in range(int(first), int(last)):
        print(i, flush=True)
        try:
            run(maas, models[i], i)
        except maas.MaasError as error:
            print("refused", flush=True)
            complain(maas, error, models.PLACES)
    print("end", flush=True)


def complain(maas, error, places):
    text = str(error)
    if isinstance(error, maas.errors.Internal):
        print(f"fault: an internal error: {text}", flush=True)
    elif not any(word in text for word in places):
        print(f"fault: names neither node nor value: {text}", flush=True)
    elif len(text) > 1000 or "\n" in text:
        print(f"fault: is no readable sentence: {text[:300]}", flush=True)


def run(maas, model, i):
    options = maas.SessionOptions(memory_limit=MEMORY_LIMIT, threads=1)
    if i % 3 == 0:
        options.graph_optimization_level = maas.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = maas.Session(model, options)
    feed = {value.name: array(value, i) for value in session.inputs}
    if all(value is not None for value in feed.values()):
        session.run(None, feed, maas.RunOptions(deadline=2))


def array(value, i):
    """Small numbers of both signs, or their texts; None for what is too large to be worth it."""
    dims = [dim if isinstance(dim, int) else 2 for dim in value.dims or ()]
    count = 1
    for dim in dims:
        count *= dim
    if count > LARGEST_INPUT:
        return None
    numbers = ((np.arange(count) * (1 + i % 7)) % 5 - i % 3).reshape(dims)
    return (numbers.astype(str) if value.dtype == object else numbers).astype(value.dtype)


class Child:
    """A child process and the model it is at."""

    def __init__(self, arguments, first):
        command = [sys.executable, __file__, "--child", arguments.suffix,
            *map(str, (arguments.seed, first, arguments.last))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        self.at, self.faults, self.refused, self.ended = first, [], 0, False
        self._read()

    def _read(self):
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        while True:
            # Starting takes longer than a model.
            if not selector.select(SECONDS_PER_MODEL if self.at else 60):
                self.process.kill()
                self.faults.append((self.at, f"no answer in {SECONDS_PER_MODEL} seconds"))
                break
            line = self.process.stdout.readline()
            if not line:
                break
            self._take(line.strip())
        error = self.process.stderr.read()
        self.process.wait()
        if not self.ended and not any(at == self.at and "no answer" in text for at, text in self.faults):
            self.faults.append((self.at, f"the process died ({self.process.returncode}): {error.strip()[-300:]}"))

    def _take(self, line):
        if line == "end":
            self.ended = True
        elif line == "refused":
            self.refused += 1
        elif line.isdigit():
            self.at = int(line)
        else:
            self.faults.append((self.at, line))


def main(arguments):
    first, faults, refused = arguments.first, [], 0
    models = KINDS[arguments.suffix](arguments.seed)
    while first < arguments.last:
        done = Child(arguments, first)
        refused += done.refused
        for at, text in done.faults:
            faults.append(at)
            keep = pathlib.Path(arguments.keep)
            keep.mkdir(parents=True, exist_ok=True)
            file = keep / f"{arguments.seed}-{at}{arguments.suffix}"
            file.write_bytes(models[at])
            print(f"FAIL {file}: {text}", flush=True)
        first = arguments.last if done.ended else done.at + 1
    total = arguments.last - arguments.first
    print(f"{total - len(set(faults))} passed, {len(set(faults))} failed ({refused} were refused)")
    sys.exit(bool(faults))


def write(folder, models, count):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{models.seed}-{i}{models.suffix}").write_bytes(models[i])


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
        sys.exit()
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", default=".build/hostile")
    parser.add_argument("--write")
    parser.add_argument(
        "--compiled", dest="suffix", action="store_const", const=CompiledModels.suffix, default=Models.suffix)
    given = parser.parse_args()
    given.last = given.first + given.count
    if given.write:
        write(given.write, KINDS[given.suffix](given.seed), given.count)
    else:
        main(given)
