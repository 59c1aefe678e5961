"""Every version in ONNX's schema history has a case, and the models of version_models.py equal ONNX Runtime."""

import json
import warnings
from collections.abc import Iterable, Iterator

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
import suite
import version_models
from onnx.backend.test.case.node import collect_testcases

CASES = suite.LIST.parents[1] / "MaasOpsTests/Fixtures/cases.jsonl"
DOMAINS = ("", "ai.onnx.preview.training", "ai.onnx.preview")
Key = tuple[str, str, int]

SCHEMAS = [s for s in onnx.defs.get_all_schemas_with_history() if s.domain in DOMAINS]
#: A version that only says that the operator is no more: no model can have it.
REMOVED = {(s.domain, s.name, s.since_version) for s in SCHEMAS if s.deprecated}


def version(domain: str, op: str, opset: int) -> Key:
    """The version of an operator that a model of this opset has."""
    found = [s.since_version for s in SCHEMAS if (s.domain, s.name) == (domain, op) and s.since_version <= opset]
    return domain, op, max(found, default=0)


def in_graph(graph: onnx.GraphProto, opsets: dict[str, int]) -> Iterator[Key]:
    for node in graph.node:
        yield version(node.domain, node.op_type, opsets.get(node.domain, 1))
        for attribute in node.attribute:
            bodies = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs
            for body in bodies:
                yield from in_graph(body, opsets)


def in_models(models: Iterable[onnx.ModelProto]) -> set[Key]:
    return {key for m in models for key in in_graph(m.graph, {o.domain: o.version for o in m.opset_import})}


def in_cases() -> set[Key]:
    lines = map(json.loads, CASES.read_text().splitlines())
    return {version(line.get("domain", ""), line["op"], line["opset"]) for line in lines}


def test_every_version_has_a_case():
    states = suite.read_list()
    with warnings.catch_warnings(action="ignore"):
        node_tests = list(collect_testcases(None))
    covered = in_models(t.model for t in node_tests if states.get(t.name, "not listed") is None)
    covered |= in_cases() | in_models(model for _, _, _, model, _ in version_models.cases())
    unsupported = {reason.split()[1] for reason in states.values() if reason and reason.startswith("operator ")}
    every = {(s.domain, s.name, s.since_version) for s in SCHEMAS if s.name not in unsupported}
    missing = sorted(every - covered - REMOVED)
    print(f"{len(SCHEMAS)} versions, {len(every & covered)} have a case")
    assert not missing, "give each a row in Tests/MaasOpsTests/Cases/version_cases.py or version_models.py"


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
        assert f.dtype == e.dtype and f.shape == e.shape
        assert f.tolist() == e.tolist() if f.dtype == object else np.allclose(f, e, rtol=1e-6)
