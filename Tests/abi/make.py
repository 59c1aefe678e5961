"""Makes the models that the C programs here open: make.py FOLDER"""
import os
import shutil
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parsed(text, opset=17, **weights):
    """Weights are float32 arrays, or lists of integers."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]>\n{text}')
    for name, array in weights.items():
        array = array.astype(np.float32) if isinstance(array, np.ndarray) else np.array(array)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.checker.check_model(model, full_check=True)
    return model


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape) / np.sqrt(shape[0])


def described():
    """Says all about itself that a model can say. `scale` is an initializer that stands in the input list, too."""
    model = parsed(
        """described (float[batch, 3] x, int64[2] picks, float[3] scale) => (float[batch, 2] y, float[?, 3] z) {
            scaled = Mul(x, scale)
            y = Gather<axis = 1>(scaled, picks)
            z = Add(x, x)
        }""", scale=np.array([1, 10, 100]))
    model.producer_name, model.producer_version = "abi-tests", "4.2"
    model.domain, model.model_version, model.doc_string = "org.example", 77, "a model that describes itself"
    model.graph.doc_string = "grüße"
    model.opset_import.append(helper.make_opsetid("org.example.ops", 3))
    helper.set_model_props(model, {"author": "somebody", "empty": ""})
    return model


# Five nodes: y = softmax(relu(x·w1 + b1)·w2).
FIVE = """five (float[N, 16] x) => (float[N, 10] y) {
    product = MatMul(x, w1)
    sum = Add(product, b1)
    hidden = Relu(sum)
    scores = MatMul(hidden, w2)
    y = Softmax(scores)
}"""
WIDE = "wide (float[N, 256] x) => (float[N, 256] y) { a = MatMul(x, w) b = Relu(a) c = MatMul(b, w) y = Relu(c) }"
SLOW_STEPS = 4000
SLOW = f"slow (float[512, 512] x0) => (float[512, 512] x{SLOW_STEPS}) {{" + "".join(
    f"x{i + 1} = MatMul(x{i}, w) " for i in range(SLOW_STEPS)) + "}"


def custom(text, *functions):
    """A model with nodes of the domain test.ops, which no library has."""
    header = '<ir_version: 8, opset_import: ["": 17, "test.ops": 3]>'
    return onnx.parser.parse_model("\n".join([header, text, *functions]))


def custom_models():
    # The one of docs/custom-operators.md.
    yield "clip", onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": 17, "com.example": 1]>
        clip (float[N] x) => (float[N] y) { y = com.example.LeakyClip<limit = 4.0, slope = 0.25>(x) }""")
    yield "scale", custom("""scale (float[N, 4] x) => (float[N, 4] y, float[N, 4] z) {
        a = Relu(x)
        z = test.ops.Scale<factor = 2.5>(a)
        y = Add(z, z)
    }""")
    # How many elements there are is known when they are found.
    yield "positives", custom("""positives (float[N] x) => (float[K] y, int64 count) {
        found, count = test.ops.Positives(x)
        y = Mul(found, found)
    }""")
    yield "attributes", custom("""attributes (float[1] x) => (float[1] y) {
        y = test.ops.Attributes<i = -7, f = 0.5, s = "grüße", is = [1, -2, 3], fs = [0.5, 1.5], ss = ["a", "", "bcd"],
            t = int32[2, 1] {5, 6}>(x)
    }""")
    yield "strings", custom("""strings (string[N] words) => (string[N] y) { y = test.ops.Reversed(words) }""")
    yield "left-out", custom("""left_out (float[2] x) => (float[2] y) { nothing, y = test.ops.LeftOut(x, , x) }""")
    # The model has a body for the operator, which a library may have something better for.
    yield "function", custom("""function (float[2, 4] x) => (float[2, 4] y) { y = test.ops.Scale(x) }""", """
        <domain: "test.ops", opset_import: ["": 17]> Scale (x) => (y) { y = Neg(x) }""")
    # A body is run many times, with shapes of its own.
    yield "loop", custom("""loop (float[2, 4] x, int64 trips) => (float[2, 4] y) {
        more = Constant<value = bool {1}>()
        y = Loop(trips, more, x) <body = step (int64 i, bool c, float[2, 4] before) => (bool d, float[2, 4] after) {
            d = Identity(c)
            after = test.ops.Scale<factor = 3.0>(before)
        }>
    }""")


# Loops whose bodies are the same in each iteration.
LOOP = """loop (float[4] x, int64 trips) => (float[4] y, float[K, 4] all) {
    more = Constant<value = bool {1}>()
    y, all = Loop(trips, more, x) <
        body = step (int64 i, bool c, float[4] before) => (bool d, float[4] after, float[4] seen) {
        d = Identity(c)
        grown = Mul(before, x)
        after = Add(grown, x)
        seen = Relu(grown)
    }>
}"""
SCAN = """scan (float[4] start, float[N, 4] x) => (float[4] y, float[N, 4] all) {
    y, all = Scan<num_scan_inputs = 1, body = step (float[4] before, float[4] row) => (float[4] after, float[4] seen) {
        after = Add(before, row)
        seen = Mul(after, row)
    }>(start, x)
}"""
GROWING = """growing (float[4] x, int64 trips) => (int64 count) {
    more = Constant<value = bool {1}>()
    none = SequenceEmpty()
    list = Loop(trips, more, none) <
        body = step (int64 i, bool c, seq(float[4]) before) => (bool d, seq(float[4]) after) {
        d = Identity(c)
        after = SequenceInsert(before, x)
    }>
    count = SequenceLength(list)
}"""


def models():
    yield "loop", parsed(LOOP)
    yield "scan", parsed(SCAN)
    yield "growing", parsed(GROWING)
    yield "described", described()
    yield "five", parsed(FIVE, w1=random(16, 16), b1=random(16), w2=random(16, 10))
    # Enough work for several threads.
    yield "wide", parsed(WIDE, w=random(256, 256))
    # 16 MB of weights.
    yield "heavy", parsed("heavy (float[N, 2048] x) => (float[N, 2048] y) { y = MatMul(x, w) }", w=random(2048, 2048))
    # Runs for a long time: thousands of steps of milliseconds.
    yield "slow", parsed(SLOW, w=np.eye(512))
    # More than tensors: a sequence that grows, an optional that is asked, strings that are put together.
    yield "values", parsed(
        """values (seq(float[N]) s, float[2] x, optional(float[2]) o, string[M] words)
            => (seq(float[N]) longer, int64 count, bool given, string[K] twice) {
            longer = SequenceInsert(s, x)
            count = SequenceLength(longer)
            given = OptionalHasElement(o)
            twice = Concat<axis = 0>(words, words)
        }""", opset=18)
    # Opens, but no session can be made of it: there is no element 7.
    yield "unplannable", parsed(
        "unplannable (float[2] x) => (float[2] y) { picked = Gather(w, picks) y = Add(x, picked) }",
        w=np.ones(3), picks=[0, 7])


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    digits = os.path.join(ROOT, "examples", "digits")
    shutil.copy(os.path.join(digits, "digits.onnx"), folder)
    shutil.copy(os.path.join(digits, "images", "all.npy"), folder)
    for name, model in [*models(), *(("custom-" + name, model) for name, model in custom_models())]:
        onnx.save(model, os.path.join(folder, f"{name}.onnx"))


if __name__ == "__main__":
    main(sys.argv[1])
