"""Models for every version of the operators that have bodies or containers, which no case of one node can show.

A row is an operator, its first and last version, a graph in ONNX's textual syntax, and inputs. VALUE in a
Constant is a sparse one, for which the syntax has no words.
"""
import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

NEWEST = 99
RUNTIMES = 7, 27  # The opsets that ONNX Runtime reads; the graphs here mean the same in all of them.
X = np.arange(-4, 8, dtype=np.float32).reshape(3, 4)
BATCHED = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
TRUE = np.array(True)


def i64(*values):
    return np.array(values, np.int64)


IF = """g (bool c, float[N, M] x) => (float[N, M] y) {
  y = If (c) <then_branch = a () => (float[N, M] t) { t = Neg (x) },
    else_branch = b () => (float[N, M] e) { e = Exp (x) }>
}"""

# The state doubles until its sum is large, or as often as `count` says.
LOOP = """g (int64 count, bool go, float[N, M] x) => (float[N, M] last, float[K, N, M] all) {
  last, all = Loop (count, go, x) <
    body = b (int64 i, bool c, float[N, M] s) => (bool more, float[N, M] next, float[N, M] seen) {
    next = Add (s, x)
    seen = Identity (s)
    total = ReduceSum <keepdims = 0> (next)
    limit = Constant <value = float {40}> ()
    more = Less (total, limit)
  }>
}"""
LOOP_WITHOUT_COUNT = LOOP.replace("Loop (count, ", "Loop (, ")
LOOP_WITHOUT_CONDITION = LOOP.replace("Loop (count, go", "Loop (count, ")

BODY = """body = b (float[M] s, float[M] row) => (float[M] next, float[M] out) {
    next = Add (s, row)
    out = Mul (next, row)
  }"""
SCAN_OF_BATCHES = f"""g (int64[B] lengths, float[B, M] s, float[B, N, M] x) => (float[B, M] last, float[B, N, M] all) {{
  last, all = Scan <num_scan_inputs = 1, directions = [DIRECTION], {BODY}> (LENGTHS, s, x)
}}"""
SCAN = f"""g (float[M] s, float[N, M] x) => (float[M] last, float[N, M] all) {{
  last, all = Scan <num_scan_inputs = 1, {BODY}> (s, x)
}}"""
SCAN_BACKWARDS = f"""g (float[N] s, float[N, M] x) => (float[N] last, float[N, M] all) {{
  last, all = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1], scan_input_directions = [1],
    scan_output_directions = [1], {BODY}> (s, x)
}}"""

SEQUENCES = """g (float[N, M] x, int64 at, int64[P] parts)
  => (float[Q] joined, float[R, S] erased, float[T] one, int64 n, float[U, V] split) {
  s = SplitToSequence <axis = 0, keepdims = 0> (x)
  short = SequenceErase (s, at)
  erased = ConcatFromSequence <axis = 1, new_axis = 1> (short)
  one = SequenceAt (short, at)
  more = SequenceInsert (short, one, at)
  joined = ConcatFromSequence <axis = -1> (more)
  n = SequenceLength (more)
  pieces = SplitToSequence <axis = 1> (x, parts)
  made = SequenceConstruct (x, x)
  grown = SequenceInsert (pieces, x)
  split = ConcatFromSequence <axis = 1> (grown)
}"""

OPTIONALS = """g (float[N, M] x) => (float[N, M] y, bool has) {
  o = Optional (x)
  has = OptionalHasElement (o)
  y = OptionalGetElement (o)
}"""

EMPTY_OPTIONAL = """g (float[N] x) => (bool has) {
  o = Optional <type: type_proto = float[N]> ()
  has = OptionalHasElement (o)
}"""

CONSTANT = "g () => (TYPE y) { y = Constant <VALUE> () }"
SPARSE = "g () => (float[3, 4] y) { c = Constant <VALUE> () y = Neg (c) }"
CONSTANTS = [
    (1, "float[4]", "value = float[4] {1, 2, 3, 4}"),
    (12, "float", "value_float = 1.5"),
    (12, "float[2]", "value_floats = [1.0, 2.0]"),
    (12, "int64", "value_int = 3"),
    (12, "int64[2]", "value_ints = [1, 2]"),
    (12, "string", 'value_string = "a b"'),
    (12, "string[2]", 'value_strings = ["a", ""]'),
]

ROWS = [
    *[("If", 1, NEWEST, IF, [np.array(taken), X]) for taken in (True, False)],
    ("Loop", 1, NEWEST, LOOP, [np.array(9), TRUE, X]),
    ("Loop", 1, NEWEST, LOOP, [np.array(1), TRUE, X]),
    ("Loop", 1, NEWEST, LOOP, [np.array(5), np.array(False), X]),
    ("Loop", 1, NEWEST, LOOP_WITHOUT_COUNT, [np.array(0), TRUE, X]),
    ("Loop", 1, NEWEST, LOOP_WITHOUT_CONDITION, [np.array(2), TRUE, X]),
    *[
        ("Scan", 8, 8, SCAN_OF_BATCHES.replace("DIRECTION", d).replace("LENGTHS", n), [i64(3, 2), X[:2], BATCHED])
        for d in "01"
        for n in ("", "lengths")
    ],
    ("Scan", 9, NEWEST, SCAN, [X[0], X]),
    ("Scan", 9, NEWEST, SCAN_BACKWARDS, [X[:, 0], X]),
    ("SplitToSequence", 11, NEWEST, SEQUENCES, [X, np.array(1), i64(1, 3)]),
    ("Optional", 15, NEWEST, OPTIONALS, [X]),
    ("Optional", 15, NEWEST, EMPTY_OPTIONAL, [X[0]]),
    ("OptionalGetElement", 15, NEWEST, OPTIONALS, [X]),
    ("Constant", 11, NEWEST, SPARSE, []),
    *[("Constant", first, NEWEST, CONSTANT.replace("TYPE", t).replace("VALUE", value), []) for first, t,
        value in CONSTANTS],
]


# Of ai.onnx.ml.
MAPS = [
    ("CastMap", 'g (map(int64, float) x) => (TYPE y) { y = ai.onnx.ml.CastMap <ATTRIBUTES> (x) }', {1: 2.5, 4: -7.0}, [
        ("float[1, N]", 'cast_to = "TO_FLOAT"'),
        ("int64[1, N]", 'cast_to = "TO_INT64"'),
        ("float[1, 6]", 'cast_to = "TO_FLOAT", map_form = "SPARSE", max_map = 6'),
    ]),
    ("DictVectorizer", "g (map(string, float) x) => (TYPE y) { y = ai.onnx.ml.DictVectorizer <ATTRIBUTES> (x) }",
     {"b": 5.0, "": -2.0, "d": 9.0}, [("float[1, N]", 'string_vocabulary = ["a", "b", ""]')]),
    ("DictVectorizer", "g (map(int64, float) x) => (TYPE y) { y = ai.onnx.ml.DictVectorizer <ATTRIBUTES> (x) }",
     {7: 0.5, 8: 2.0}, [("float[1, N]", "int64_vocabulary = [8, 3, 7, 1]")]),
    ("ZipMap", "g (float[N, 4] x) => (TYPE y) { y = ai.onnx.ml.ZipMap <ATTRIBUTES> (x) }", X, [
        ("seq(map(int64, float))", "classlabels_int64s = [4, 2, 9, -1]"),
        ("seq(map(string, float))", 'classlabels_strings = ["a", "", "c", "b"]'),
    ]),
]  # fmt: skip


def versions(op, first, last):
    found = {s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.name == op and s.domain == ""}
    return sorted(v for v in found if first <= v <= last)


def model_of(text, opset):
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> {text.replace("<VALUE>", "")}')
    if "<VALUE>" in text:
        values = helper.make_tensor("v", 1, [2], [5.0, -7.0])
        tensor = helper.make_sparse_tensor(values, numpy_helper.from_array(i64(1, 6), "i"), [3, 4])
        model.graph.node[0].attribute.append(helper.make_attribute("sparse_value", tensor))
    return model


def cases():
    """(name, operator, version, model, inputs by name)."""
    for number, (op, first, last, text, inputs) in enumerate(ROWS):
        for version in versions(op, first, last):
            model = model_of(text, version)
            names = [value.name for value in model.graph.input]
            yield f"{op}_{version}_{number}", op, version, model, dict(zip(names, inputs))
    for row, (op, text, x, variants) in enumerate(MAPS):
        for variant, (result, attributes) in enumerate(variants):
            made = text.replace("TYPE", result).replace("ATTRIBUTES", attributes)
            model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 13, "ai.onnx.ml": 1]> {made}')
            yield f"{op}_{row}_{variant}", op, 1, model, {"x": x}
