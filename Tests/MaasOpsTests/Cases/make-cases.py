#!/usr/bin/env python3
"""Writes Fixtures/cases.jsonl: one operator on small tensors with the expected outputs, a case a line.

Most are ONNX's own node tests. The rest, in *_cases.py, cover older opsets and more element types; their outputs
come from ONNX Runtime, or from onnx.reference where that has no kernel. Needs Tests/requirements.txt.
"""
import base64
import importlib
import itertools
import json
import pathlib
import re
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

import extra_cases

here = pathlib.Path(__file__).parent
table = here.parents[2] / "Sources/MaasONNX/Registration+Table.swift"
registered = set(re.findall(r'Registration\("(\w+)"', table.read_text()))
LARGEST = 1300  # Bytes of all tensors of an ONNX case.
PACKED = {21, 22, 23, 25, 26}


def as_proto(value):
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))


def tensor(value):
    """`dtype dims elements`, the elements as base64 of their bytes, or of a JSON list of strings."""
    if value is None:
        return None
    proto = as_proto(value)
    data = base64.b64encode(element_bytes(proto)).decode()
    return f"{proto.data_type} {','.join(map(str, proto.dims))} {data}"


def element_bytes(proto):
    array = numpy_helper.to_array(proto)
    if proto.data_type == onnx.TensorProto.STRING:
        return json.dumps([s if isinstance(s, str) else s.decode() for s in array.flat]).encode()
    if proto.data_type in PACKED:
        return numpy_helper.from_array(array).raw_data
    return np.ascontiguousarray(array).tobytes()


def attribute(a):
    value = helper.get_attribute_value(a)
    if a.type == onnx.AttributeProto.TENSOR:
        return {"tensor": tensor(value)}
    if a.type == onnx.AttributeProto.STRING:
        return {"string": value.decode()}
    if a.type == onnx.AttributeProto.STRINGS:
        return {"strings": [s.decode() for s in value]}
    kind = {1: "float", 2: "int", 6: "floats", 7: "ints"}[a.type]
    if kind == "float" and not np.isfinite(value):
        value = str(value)
    return {kind: list(value) if kind.endswith("s") else value}


def case(name, node, opset, inputs, outputs, source, tolerance=None):
    """`inputs` and `outputs` have an entry for each name of the node, None where it is left out."""
    entry = {"name": name, "op": node.op_type, "opset": opset, "source": source}
    if node.domain:
        entry["domain"] = node.domain
    if node.attribute:
        entry["attributes"] = {a.name: attribute(a) for a in node.attribute}
    if tolerance:
        entry["rtol"], entry["atol"] = tolerance
    return entry | {"inputs": [tensor(i) for i in inputs], "outputs": [tensor(o) for o in outputs]}


def onnx_case(test):
    """None for what is not one registered operator on small tensors."""
    graph = test.model.graph
    if len(graph.node) != 1 or graph.node[0].op_type not in registered or len(test.data_sets) != 1:
        return None
    node, (ins, outs) = graph.node[0], test.data_sets[0]
    if any(a.type in (5, 10) for a in node.attribute):
        return None
    values = list(ins) + list(outs)
    if not all(isinstance(v, (np.ndarray, np.generic, onnx.TensorProto)) for v in values):
        return None
    protos = [as_proto(v) for v in values]
    if extra_cases.skips(test.name) or sum(len(element_bytes(p)) for p in protos) > LARGEST:
        return None
    ins, outs = iter(protos[: len(ins)]), iter(protos[len(ins) :])
    inputs = [next(ins) if name else None for name in node.input]
    outputs = [next(outs) if name else None for name in node.output]
    opset = next(o.version for o in test.model.opset_import if o.domain == node.domain)
    return case(test.name, node, opset, inputs, outputs, "onnx", extra_cases.ROUNDED.get(test.name))


def extra_case(
    name, op, opset, attributes, inputs, outputs=1, tolerance=None, expected=None, domain="", reference=False,
    means=None, names=None, dtype=None,
):
    """`reference`: expected values are those of onnx.reference even where ONNX Runtime has a kernel.

    `means`: the opset, attributes and inputs by which they are computed, where those of the case are too old.
    `names`: those of the outputs, empty where one is left out; `dtype`: their type, where nothing else tells.
    """
    names_in = [f"x{i}" if value is not None else "" for i, value in enumerate(inputs)]
    names_out = names or [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names_in, names_out, domain=domain, **attributes)
    if expected is not None:
        return case(name, node, opset, inputs, expected, "numpy", tolerance)
    if means:
        newer = extra_case(name, op, *means, outputs, domain=domain, reference=reference)
        return case(name, node, opset, inputs, [], newer["source"], tolerance) | {"outputs": newer["outputs"]}
    values = [(n, np.asarray(v)) for n, v in zip(names_in, inputs) if n]
    infos = [helper.make_tensor_value_info(n, as_proto(v).data_type, v.shape) for n, v in values]
    wanted = [n for n in names_out if n]
    made = [helper.make_tensor_value_info(n, dtype, None) if dtype else onnx.ValueInfoProto(name=n) for n in wanted]
    graph = helper.make_graph([node], name, infos, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)], ir_version=8)
    try:
        if reference:
            raise NotImplementedError("not asked for")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        typed = onnx.shape_inference.infer_shapes(model)
        session = onnxruntime.InferenceSession(typed.SerializeToString(), options)
        results, source = session.run(None, dict(values)), "onnxruntime"
    except Exception as error:
        if extra_cases.verbose or domain == "com.microsoft":
            print(name, str(error)[:200], file=sys.stderr)
        results, source = ReferenceEvaluator(model).run(None, dict(values)), "onnx.reference"
    found = dict(zip(wanted, results))
    return case(name, node, opset, inputs, [found.get(n) for n in names_out], source, tolerance)


def main():
    warnings.simplefilter("ignore")
    cases = [c for c in map(onnx_case, collect_testcases(None)) if c]
    for file in sorted(here.glob("*_cases.py")):
        cases += [extra_case(*c[:-1], **c[-1]) for c in importlib.import_module(file.stem).cases()]
    cases.sort(key=lambda c: (c["op"], c["name"]))
    lines = [json.dumps(c, separators=(",", ":")) for c in cases]
    fixtures = here.parent / "Fixtures"
    fixtures.mkdir(exist_ok=True)
    (fixtures / "cases.jsonl").write_text("\n".join(lines) + "\n")
    missing = registered - {c["op"] for c in cases}
    print(f"{len(cases)} cases, {sum(map(len, lines)) // 1024} KiB, without a case: {sorted(missing) or 'none'}")


main()
