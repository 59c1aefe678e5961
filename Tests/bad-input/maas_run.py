"""Gives each case of the table to maas-run, or to maas-model beside it: maas_run.py MAAS_RUN FOLDER (as made by
make.py) [case…]

A refusal is an exit code of 1 to 125, nothing on standard output, one sentence on standard error with the words of
the table, and no file that was not there before.
"""
import os
import subprocess
import sys

COLUMNS = ("name", "kind", "model", "inputs", "tensors", "args", "status", "words")


def read_table(folder):
    with open(os.path.join(folder, "cases.tsv")) as table:
        for line in table:
            cells = ("" if cell == "-" else cell for cell in line.rstrip("\n").split("\t"))
            yield dict(zip(COLUMNS, cells, strict=True))


def listing(folder):
    return sorted(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)


def run(program, folder, *arguments):
    return subprocess.run(
        [program, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", timeout=120)


def faults_of_refusal(case, result, before, after):
    lines = result.stderr.strip().splitlines()
    if not 1 <= result.returncode <= 125:
        yield f"exit code {result.returncode}"
    if result.stdout:
        yield "something on standard output"
    if len(lines) != 1:
        yield f"{len(lines)} lines on standard error"
    for word in filter(None, case["words"].split("|")):
        if not any(word in line for line in lines):
            yield f"the message lacks '{word}'"
    for name in set(after) - set(before):
        yield f"left behind: {os.path.basename(name)}"
        os.remove(name)


def faults_of_good(result, wanted):
    if result.returncode:
        yield f"exit code {result.returncode}"
    elif result.stdout != wanted.stdout:
        yield "another answer than for 3.npy"


def check(program, folder, case):
    if case["kind"] == "quantize":
        program = os.path.join(os.path.dirname(program), "maas-model")
        return refused(program, folder, case, ["quantize", case["model"], "out.onnx", *case["args"].split()])
    arguments = [case["model"], *case["inputs"].split(), *case["args"].split()]
    if case["kind"] == "same":
        result = run(program, folder, *arguments)
        return result, list(faults_of_good(result, run(program, folder, "digits.onnx", "3.npy")))
    if "-o" not in arguments:
        arguments += ["-o", "out.npz"]
    return refused(program, folder, case, arguments)


def refused(program, folder, case, arguments):
    before = listing(folder)
    result = run(program, folder, *arguments)
    return result, list(faults_of_refusal(case, result, before, listing(folder)))


def main(program, folder, *names):
    failed = passed = 0
    for case in read_table(folder):
        if names and case["name"] not in names:
            continue
        result, faults = check(os.path.abspath(program), folder, case)
        failed, passed = failed + bool(faults), passed + (not faults)
        if faults or names:
            print(f"{'FAIL' if faults else 'ok'} {case['name']}: {'; '.join(faults)}\n  {result.stderr.strip()[:2000]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
