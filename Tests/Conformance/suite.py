"""ONNX's conformance suite over `maas.backend`, and the list of what its cases are expected to do."""

import re
import unittest
from collections.abc import Callable
from pathlib import Path

import maas
import maas.backend
import numpy as np
from onnx.backend.test import BackendTest

LIST = Path(__file__).with_name("onnx-nodes.txt")
DEVICE = "_cpu"

#: What maas says of an operator that it does not have, in this domain or version, and of one that it has in part.
UNKNOWN = re.compile(
    r"\((\w+)\): (?:(?:the operator|this version of the operator) is not supported"
    r"|operator '\w+' of \S+, .* is not known)"
)
INCOMPLETE = re.compile(r"\((\w+)\): (.*?)(?:: expected|;|$)")


class Suite(BackendTest):
    """The suite, with sequences whose elements may be of any rank."""

    @classmethod
    def assert_similar_outputs(cls, ref_outputs, outputs, rtol, atol, model_dir=None):
        """Compares an array in a sequence as an output of its own; `BackendTest` takes len() of it, which fails at rank
        0."""
        expected, found = ([x] if isinstance(x, np.ndarray) else x for x in (ref_outputs, outputs))
        super().assert_similar_outputs(expected, found, rtol, atol, model_dir)


def load(module: str, backend=maas.backend) -> dict[str, type[unittest.TestCase]]:
    """The suite's test classes; of the devices the CPU, and nothing that would be downloaded."""
    classes = Suite(backend, module).test_cases
    for cls in classes.values():
        for method in [name for name in vars(cls) if name.startswith("test_") and not name.endswith(DEVICE)]:
            delattr(cls, method)
    return classes


def methods(cls: type[unittest.TestCase]) -> dict[str, Callable[[unittest.TestCase], None]]:
    """The cases of a class by name, without the device."""
    return {
        name.removesuffix(DEVICE): method for name, method in vars(cls).items() if name.startswith("test_")
    }


def failure_of(method: Callable[[unittest.TestCase], None], test: unittest.TestCase) -> str | None:
    """Runs a case; what went wrong, None when nothing did. What is not supported is told as "operator …"."""
    try:
        method(test)
    except maas.MaasError as error:
        return _unsupported(str(error)) or f"{type(error).__name__}: {error}"
    except (Exception, unittest.SkipTest) as error:
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None


def _unsupported(text: str) -> str | None:
    unknown, incomplete = UNKNOWN.search(text), INCOMPLETE.search(text)
    if unknown:
        return f"operator {unknown[1]} is not supported yet"
    return f"operator {incomplete[1]}: {incomplete[2]}" if incomplete and "supported" in text else None


def read_list() -> dict[str, str | None]:
    """The cases of the list: None for those that pass, else the reason to skip."""
    states: dict[str, str | None] = {}
    for number, line in enumerate(LIST.read_text().splitlines(), 1):
        name, state, *reason = line.split(maxsplit=2)
        if state not in ("pass", "skip") or (state == "skip") != bool(reason) or name in states:
            raise ValueError(
                f"{LIST}:{number}: expected a new name, then 'pass' or 'skip' and a reason: found {line!r}")
        states[name] = reason[0] if reason else None
    return states


def write_list(states: dict[str, str | None]) -> None:
    """Writes what `read_list` reads."""
    lines = (f"{name}  {'pass' if reason is None else f'skip  {reason}'}\n" for name, reason in sorted(states.items()))
    LIST.write_text("".join(lines))
