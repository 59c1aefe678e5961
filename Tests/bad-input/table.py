"""The table that the other files of this folder fill, and what its cases are made of."""
import os

import onnx

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIGITS = os.path.join(ROOT, "examples", "digits")
GOOD_INPUT = "3.npy"
GOOD_TENSOR = "image:float32:1,1,8,8"

rows = []


def case(name, kind, model, status, words, inputs=GOOD_INPUT, tensors=GOOD_TENSOR, args=""):
    """Adds a line to the table; make.py tells what the cells mean."""
    cells = (name, kind, model, inputs, tensors, args, status, "|".join(words))
    rows.append("\t".join(cell or "-" for cell in cells))


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def digits():
    """The demo model, to be spoiled."""
    return onnx.load(os.path.join(DIGITS, "digits.onnx"))
