"""Every version in ONNX's schema history and each of its attributes have a case; version_models.py equals ONNX
Runtime."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
import suite
import version_models
from onnx.backend.test.loader import load_model_tests

CASES = suite.LIST.parents[1] / "MaasOpsTests/Fixtures/cases.jsonl"
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
DOMAINS = ("", "ai.onnx.ml", "ai.onnx.preview.training", "ai.onnx.preview")
Version = tuple[str, str, int]
#: A version, and an attribute of it or None.
Key = tuple[Version, str | None]

SCHEMAS = [s for s in onnx.defs.get_all_schemas_with_history() if s.domain in DOMAINS]
#: A version that only says that the operator is no more: no model can have it.
REMOVED = {
    ("", "Scatter", 11),
    ("", "Upsample", 10),
    ("ai.onnx.ml", "TreeEnsembleClassifier", 5),
    ("ai.onnx.ml", "TreeEnsembleRegressor", 5),
}
#: What another test here shows.
ELSEWHERE = {(("ai.onnx.preview.training", "Gradient", 1), "zs"): "test_gradient.py"}


def version(domain: str, op: str, opset: int) -> Version:
    """The version of an operator that a model of this opset has."""
    found = [s.since_version for s in SCHEMAS if (s.domain, s.name) == (domain, op) and s.since_version <= opset]
    return domain, op, max(found, default=0)


def in_graph(graph: onnx.GraphProto, opsets: dict[str, int]) -> Iterator[Key]:
    for node in graph.node:
        found = version(node.domain, node.op_type, opsets.get(node.domain, 1))
        yield found, None
        for attribute in node.attribute:
            yield found, attribute.name
            bodies = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs
            for body in bodies:
                yield from in_graph(body, opsets)


def in_models(models: Iterable[onnx.ModelProto]) -> set[Key]:
    return {key for m in models for key in in_graph(m.graph, {o.domain: o.version for o in m.opset_import})}


def in_cases() -> set[Key]:
    keys = set()
    for line in map(json.loads, CASES.read_text().splitlines()):
        found = version(line.get("domain", ""), line["op"], line["opset"])
        keys |= {(found, name) for name in (None, *line.get("attributes", ()))}
    return keys


def covered() -> set[Key]:
    states = suite.read_list()
    tests = [t for kind in KINDS for t in load_model_tests(kind=kind) if states.get(t.name, "not listed") is None]
    found = in_models(t.model or onnx.load(Path(t.model_dir, "model.onnx")) for t in tests)
    return found | in_cases() | in_models(model for _, _, _, model, _ in version_models.cases())


def unsupported() -> set[str]:
    """The operators that the suite's list says maas lacks."""
    return {reason.split()[1] for reason in suite.read_list().values() if reason and reason.startswith("operator ")}


def test_every_version_has_a_case():
    lacking = unsupported()
    every = {
        ((s.domain, s.name, s.since_version), name)
        for s in SCHEMAS
        if s.name not in lacking
        for name in (None, *s.attributes)
    }
    missing = sorted((*key, name or "") for key, name in every - covered() - ELSEWHERE.keys() if key not in REMOVED)
    assert not missing, "give each a row in a file of Tests/MaasOpsTests/Cases or in version_models.py"


@pytest.mark.parametrize("model,inputs", [pytest.param(m, i, id=n) for n, _, _, m, i in version_models.cases()])
def test_model(model, inputs):
    found = maas.Session(model.SerializeToString()).run(None, inputs)
    first, last = version_models.RUNTIMES
    model.opset_import[0].version = min(max(model.opset_import[0].version, first), last)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    expected = onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, inputs)
    assert len(found) == len(expected)
    for f, e in zip(found, expected):
        if isinstance(e, list):
            assert f == e
            continue
        assert f.dtype == e.dtype and f.shape == e.shape
        assert f.tolist() == e.tolist() if f.dtype == object else np.allclose(f, e, rtol=1e-6)
