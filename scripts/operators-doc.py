#!/usr/bin/env python3
"""Writes docs/operators.md: the operators maas reads, with the opset versions and the element types of their inputs.

    operators-doc.py TABLE [--check]

TABLE is what `maas-model operators --json` prints. Versions and types come from onnx's schemas; for each version and
each type of each type parameter a model of one node is made, and what maas loads is what the page says. With --check,
nothing is written; the exit status is 1 when the page is not what it should be.
"""

import itertools
import json
import pathlib
import re
import sys

import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings/python/src"))
import maas  # noqa: E402

PAGE = ROOT / "docs/operators.md"
DOMAINS = ("", "ai.onnx.preview", "ai.onnx.preview.training")
NAMES = {name.lower(): number for name, number in TensorProto.DataType.items()}
PREFERRED = ["tensor(float)", "tensor(int64)", "tensor(bool)", "tensor(uint8)", "tensor(int8)"]
GROUPS = {
    "floats": ["float16", "bfloat16", "float", "double"],
    "ints": ["int8", "int16", "int32", "int64"],
    "uints": ["uint8", "uint16", "uint32", "uint64"],
    "float8s": ["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"],
    "complexes": ["complex64", "complex128"],
}
# Attributes that choose the element type of an output.
CHOOSING = ("to", "dtype", "output_dtype", "output_datatype")


def type_proto(text):
    """The TypeProto of `tensor(float)`, `seq(tensor(int64))`, `optional(...)`."""
    kind, inner = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
    if kind == "tensor":
        return helper.make_tensor_type_proto(NAMES[inner], None)
    make = {"seq": helper.make_sequence_type_proto, "optional": helper.make_optional_type_proto}[kind]
    return make(type_proto(inner))


def value(name, text):
    return helper.make_value_info(name, type_proto(text))


def body(inputs, outputs, nodes=()):
    return helper.make_graph(list(nodes), "body", inputs, outputs)


# Bodies, for the types of the node's inputs.
def loop(texts):
    states = texts[2:]
    names = ["c", *(f"v{i}" for i in range(len(states)))]
    types = ["tensor(bool)", *states]
    nodes = [helper.make_node("Identity", [name], [name + "_next"]) for name in names]
    inputs = [value("n", "tensor(int64)"), *map(value, names, types)]
    return body(inputs, [value(name + "_next", text) for name, text in zip(names, types)], nodes)


def branch(texts):
    node = helper.make_node("Constant", [], ["b"], value=tensor("tensor(float)"))
    return body([], [value("b", "tensor(float)")], [node])


def scan(texts):
    nodes = [helper.make_node("Identity", ["s"], ["s2"]), helper.make_node("Identity", ["x"], ["y"])]
    (state, scanned) = texts[-2:]
    return body([value("s", state), value("x", scanned)], [value("s2", state), value("y", scanned)], nodes)


def per_element(texts):
    inner = [re.sub(r"^seq\((.*)\)$", r"\1", text) for text in texts]
    inputs = [value(f"i{i}", text) for i, text in enumerate(inner)]
    return body(inputs, [value("o", inner[0])], [helper.make_node("Identity", ["i0"], ["o"])])


def tensor(text):
    number = NAMES[text[len("tensor(") : -1]]
    if number == TensorProto.STRING:
        return helper.make_tensor("t", number, [1], [b"a"])
    return TensorProto(data_type=number, dims=[1], raw_data=bytes(16)[: max(1, width(number))])


def width(number):
    return helper.tensor_dtype_to_np_dtype(number).itemsize


# Attributes that a node needs, where ONNX's schema does not give a default that serves.
ATTRIBUTES = {
    "AveragePool": {"kernel_shape": [1, 1]},
    "BatchNormalization": {"consumed_inputs": [0, 0, 0, 1, 1]},
    "BitShift": {"direction": "LEFT"},
    "CenterCropPad": {"axes": [0]},
    "Concat": {"axis": 0},
    "ConcatFromSequence": {"axis": 0},
    "DepthToSpace": {"blocksize": 2},
    "Einsum": {"equation": "i,i->i"},
    "GRU": {"hidden_size": 2},
    "Gradient": {"xs": ["x0"], "y": "z"},
    "GroupNormalization": {"num_groups": 1},
    "If": {"then_branch": branch, "else_branch": branch},
    "LRN": {"size": 3},
    "LSTM": {"hidden_size": 2},
    "LinearAttention": {"q_num_heads": 1, "kv_num_heads": 1},
    "Loop": {"body": loop},
    "LpPool": {"kernel_shape": [1, 1]},
    "MaxPool": {"kernel_shape": [1, 1]},
    "MaxRoiPool": {"pooled_shape": [1, 1]},
    "MaxUnpool": {"kernel_shape": [1, 1]},
    "Momentum": {"alpha": 0.1, "beta": 0.1, "mode": "standard", "norm_coefficient": 0.1},
    "Pad": {"pads": [0, 0], "paddings": [0, 0]},
    "RegexFullMatch": {"pattern": "a"},
    "RNN": {"hidden_size": 2},
    "RandomNormal": {"shape": [1]},
    "RandomUniform": {"shape": [1]},
    "Reshape": {"shape": [1]},
    "RotaryEmbedding": {"num_heads": 1},
    "Scan": {"body": scan, "num_scan_inputs": 1},
    "SequenceMap": {"body": per_element},
    "Slice": {"starts": [0], "ends": [1]},
    "SpaceToDepth": {"blocksize": 2},
    "TfIdfVectorizer": {
        "mode": "TF", "min_gram_length": 1, "max_gram_length": 1, "max_skip_count": 0, "ngram_counts": [0],
        "ngram_indexes": [0], "pool_strings": lambda texts: ["a"] if "tensor(string)" in texts else None,
        "pool_int64s": lambda texts: None if "tensor(string)" in texts else [1],
    },
    "TopK": {"k": 1},
    "Unsqueeze": {"axes": [0]},
    "Upsample": {"scales": [1.0, 1.0], "width_scale": 1.0, "height_scale": 1.0},
}


# How many inputs a variadic one stands for; 2 for the others.
REPEATS = {"Adagrad": 3, "Adam": 4, "Gradient": 1, "Momentum": 3}


def attributes(schema, types, texts):
    """What the node is given: the table above, and the choice of the output's element type."""
    given = {}
    for name, what in ATTRIBUTES.get(schema.name, {}).items():
        if name in schema.attributes:
            given[name] = what(texts) if callable(what) else what
    given = {name: what for name, what in given.items() if what is not None}
    for constraint in output_only(schema):
        text = types.get(constraint, "")
        if not text.startswith("tensor("):
            continue
        for name in CHOOSING:
            if name in schema.attributes:
                number = NAMES[text[len("tensor(") : -1]]
                is_text = schema.attributes[name].type == onnx.defs.OpSchema.AttrType.STRING
                given[name] = TensorProto.DataType.Name(number) if is_text else number
        if "value" in schema.attributes:
            given["value"] = tensor(text)
    if schema.name == "Optional" and not schema.inputs:
        given["type"] = type_proto("tensor(float)")
    if schema.name in ("Cast", "BitCast") and "to" not in given:
        given["to"] = TensorProto.FLOAT
    return given


def constraints(schema):
    return {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}


def output_only(schema):
    inputs = {i.type_str for i in schema.inputs}
    return [o.type_str for o in schema.outputs if o.type_str in constraints(schema) and o.type_str not in inputs]


def formal_inputs(schema, count):
    """The type parameter or type of the first inputs; a variadic one several times."""
    types = [i.type_str for i in schema.inputs][:count]
    variadic = onnx.defs.OpSchema.FormalParameterOption.Variadic
    if types and count == len(schema.inputs) and schema.inputs[-1].option == variadic:
        types += [types[-1]] * (REPEATS.get(schema.name, 2) - 1)
    return types


def model(schema, types, count):
    texts = [types.get(t, t) for t in formal_inputs(schema, count)]
    names = [f"x{i}" for i in range(len(texts))]
    outputs = {"Loop": len(texts) - 2, "Scan": 2}.get(schema.name, max(1, schema.min_output))
    ys = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(schema.name, names, ys, domain=schema.domain, **attributes(schema, types, texts))
    nodes = [helper.make_node("Identity", ["x0"], ["z"]), node] if schema.name == "Gradient" else [node]
    graph = helper.make_graph(
        nodes, "g", [value(n, t) for n, t in zip(names, texts)], [onnx.ValueInfoProto(name=y) for y in ys]
    )
    imports = [helper.make_opsetid(schema.domain, schema.since_version)]
    if schema.domain:
        imports.append(helper.make_opsetid("", onnx.defs.onnx_opset_version()))
    return helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()


class Probe:
    """What maas loads of one version of one operator."""

    def __init__(self, schema):
        self.schema = schema
        self.constraints = constraints(schema)
        self.counts = sorted({schema.min_input, len(schema.inputs)})
        self.problem = ""
        self.base = self.first(self.constraints, self.counts)

    def loads(self, types, counts):
        for count in counts:
            try:
                maas.Model(model(self.schema, types, count)).close()
                return True
            except maas.MaasError as error:
                self.problem = str(error)
        return False

    def first(self, choices, counts):
        """An assignment of types that loads; common types first."""
        order = sorted(choices)
        lists = [sorted(choices[name], key=preference) for name in order]
        for pick in itertools.islice(itertools.product(*lists), 20000):
            types = dict(zip(order, pick))
            if self.loads(types, counts):
                return types
        return None

    def counts_with(self, name):
        """How many inputs a node may have that has one of this type parameter."""
        places = [i for i, formal in enumerate(self.schema.inputs) if formal.type_str == name]
        return range(max(places[0] + 1, self.schema.min_input), len(self.schema.inputs) + 1) if places else self.counts

    def accepts(self, name, text):
        counts = self.counts_with(name)
        if self.loads({**self.base, name: text}, counts):
            return True
        others = {n: sorted(c, key=preference) for n, c in self.constraints.items()} | {name: [text]}
        return self.first(others, counts) is not None

    def types(self):
        """For each type parameter that an input or a choosing attribute has, the types read and those not."""
        result = {}
        choosable = any(a in self.schema.attributes for a in (*CHOOSING, "value"))
        for name, allowed in self.constraints.items():
            if name in output_only(self.schema) and not choosable:
                continue
            texts = sorted(allowed)
            read = [t for t in texts if self.accepts(name, t)]
            result[name] = (read, [t for t in texts if t not in read])
        return result


def preference(text):
    return (PREFERRED.index(text) if text in PREFERRED else len(PREFERRED), text)


def listing(texts):
    """`floats, int32`; containers after the tensors they hold."""
    tensors = {t[len("tensor(") : -1] for t in texts if t.startswith("tensor(")}
    parts = []
    for group, members in GROUPS.items():
        if tensors.issuperset(members):
            parts.append(group)
            tensors -= set(members)
    parts += sorted(tensors)
    for kind, what in (("seq(", "sequences"), ("optional(", "optionals")):
        inner = [t[len(kind) : -1] for t in texts if t.startswith(kind)]
        if inner:
            parts.append(f"{what} of ({listing(inner)})")
    return ", ".join(parts)


def rows(listed):
    histories = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain in DOMAINS:
            histories.setdefault((schema.domain, schema.name), []).append(schema)
    for key in sorted(histories):
        versions = sorted(histories[key], key=lambda s: s.since_version)
        if key not in listed:
            yield key, None, None
            continue
        probes = [(s, Probe(s)) for s in versions if not s.deprecated]
        read = [(s, p) for s, p in probes if p.base is not None]
        if not read:
            sys.exit(f"operators-doc: no version of {key} loads: {probes[-1][1].problem}")
        yield key, [s.since_version for s, _ in read], read[-1][1].types()


def page(listed):
    lines = [
        "# Operators",
        "",
        "What maas reads, in the terms of ONNX's schemas. *Since* has the opset versions that changed the operator and",
        "that maas follows; a model of any opset from one of them on is read by the newest that is not later. *Types*",
        "are those of the newest version, for each type parameter of its schema; after *not* stand those that ONNX",
        "allows and maas refuses. `make docs` writes this page: for every version and type it loads a model of one",
        "node.",
        "",
    ]
    lines += [f"- **{name}**: {', '.join(members)}" for name, members in GROUPS.items()]
    lines += ["", "| operator | since | types |", "|---|---|---|"]
    missing = []
    for (domain, name), versions, types in rows(listed):
        if versions is None:
            missing.append(f"{domain}.{name}" if domain else name)
            continue
        cells = []
        for parameter, (read, refused) in types.items():
            cell = f"{parameter}: {listing(read) or 'none'}"
            cells.append(cell + (f"; *not* {listing(refused)}" if refused else ""))
        label = f"{name} ({domain})" if domain else name
        lines.append(f"| {label} | {', '.join(map(str, versions))} | {'<br>'.join(cells)} |")
    lines += ["", f"Not read, of ONNX {onnx.__version__}: {', '.join(missing) or 'nothing'}.", ""]
    lines.append(
        "Of other domains, and what runtimes write into ONNX's own without a schema; types are not tried here:")
    lines.append("")
    others = [key for key in listed if key[0] not in DOMAINS or not onnx.defs.has(key[1], key[0])]
    for domain in sorted({domain for domain, _ in others}):
        lines.append(f"- **{domain or 'ai.onnx'}**: {', '.join(sorted(name for d, name in others if d == domain))}")
    return "\n".join(lines) + "\n"


def main():
    table, *rest = sys.argv[1:]
    listed = {(o["domain"], o["name"]) for o in json.loads(pathlib.Path(table).read_text())}
    text = page(listed)
    if rest == ["--check"]:
        if PAGE.read_text() != text:
            sys.exit("operators-doc: docs/operators.md is not what maas reads; run `make docs`")
    else:
        PAGE.write_text(text)


main()
