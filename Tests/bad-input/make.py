"""Makes what a hostile or unlucky user might give maas, and the table of what each must be answered.

    python3 make.py FOLDER

FOLDER receives the files and cases.tsv, one case per line, tab-separated, `-` for an empty cell:

    name     unique
    kind     open   the model must be refused when it is opened
             model  it must be refused when it is opened or, at the latest, when it is run
             run    the model opens, the run must be refused
             same   must give just what `3.npy` gives
             npy    like run, but the fault is in the input file, so only who reads such files can show it
             cli    the fault is in the command line; `model` runs well without `args`
    quantize  `maas-model quantize model out.onnx args` must be refused, and write nothing
    model    path, in FOLDER
    inputs   what maas-run is given: paths or name=path, separated by blanks
    tensors  the same for C and Python: name:dtype:dims, separated by blanks; all elements are zero
    args     further arguments of maas-run, separated by blanks
    status   the maas_status, without MAAS_
    words    each of these, separated by |, must stand in the message
"""
import os
import shutil
import sys

import files
import inputs
import models
import operators
import quantization
from table import DIGITS, GOOD_INPUT, case, rows


def command_lines():
    def refuse(name, args, words):
        case(name, "cli", "digits.onnx", "", words, args=args)

    refuse("output-folder-missing", "-o no-such-folder/out.npz", ["no-such-folder/out.npz"])
    refuse("output-is-folder", "-o folder.npz", ["folder.npz"])
    refuse("output-device-full", "-o /dev/full", ["/dev/full"])
    refuse("output-kind", "-o out.jpeg", ["out.jpeg", ".npy", ".npz"])
    refuse("shape-twice", "--shape N=4 --shape N=5", ["N", "4", "5"])
    refuse("shape-against-input", "--shape N=4", ["N", "4", "1"])
    refuse("shape-unknown", "--shape Q=4", ["Q", "N"])
    refuse("shape-negative", "--shape N=-4", ["N", "-4"])
    refuse("shape-words", "--shape N=four", ["four"])
    refuse("shape-no-value", "--shape N", ["N"])
    refuse("top-zero", "--top 0", ["top"])
    refuse("threads-negative", "--threads=-2", ["-2"])
    refuse("threads-many", "--threads 100000", ["100000"])
    refuse("repeat-zero", "--repeat 0", ["repeat"])
    refuse("profile-folder-missing", "--profile no-such-folder/trace.json", ["no-such-folder/trace.json"])
    refuse("option-unknown", "--treads 2", ["--treads"])


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(os.path.join(DIGITS, "digits.onnx"), folder)
    shutil.copy(os.path.join(DIGITS, "images", GOOD_INPUT), folder)
    os.mkdir(os.path.join(folder, "folder.npz"))
    files.broken_files(folder)
    models.changed_models(folder)
    operators.operator_models(folder)
    inputs.wrong_inputs(folder)
    inputs.npy_files(folder)
    inputs.npz_files(folder)
    command_lines()
    quantization.cases(folder)
    names = [row.split("\t")[0] for row in rows]
    assert len(names) == len(set(names)), "two cases of one name"
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        table.write("\n".join(rows) + "\n")
    print(f"{len(rows)} cases in {folder}")


if __name__ == "__main__":
    main(sys.argv[1])
