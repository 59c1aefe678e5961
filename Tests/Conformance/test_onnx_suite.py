"""Runs ONNX's conformance suite; compares as the suite does. onnx-nodes.txt says which cases pass."""

import functools
import unittest
from collections import Counter

import pytest
import suite

STATES = suite.read_list()
CLASSES = suite.load(__name__)
UPDATE = "run Tests/Conformance/update.py"


def checked(name, method):
    """The case as the list has it: one that is to be skipped for want of an operator must fail for it; others may pass
    by chance."""
    if name not in STATES:
        return lambda _: pytest.fail(f"{suite.LIST.name} does not list this case: {UPDATE}", pytrace=False)
    reason = STATES[name]
    if reason is None:

        @functools.wraps(method)
        def passes(test):
            try:
                method(test)
            except unittest.SkipTest as skip:
                pytest.fail(f"the suite skips the case: {skip}")

        return passes

    @functools.wraps(method)
    def skipped(test):
        if not reason.startswith("operator "):
            pytest.skip(reason)
        found = suite.failure_of(method, test)
        if found is None:
            pytest.fail(f"the case passes, {suite.LIST.name} skips it: update the list ({UPDATE})", pytrace=False)
        if found != reason:
            pytest.fail(f"expected '{reason}', found: {found}; correct it or update the list ({UPDATE})", pytrace=False)
        pytest.skip(reason)

    return skipped


def collected():
    """The classes for pytest to find, with their cases checked against the list."""
    for each in CLASSES.values():
        for name, method in suite.methods(each).items():
            setattr(each, name + suite.DEVICE, checked(name, method))
    return CLASSES


globals().update(collected())


@pytest.fixture(autouse=True, scope="session")
def light_models(tmp_path_factory):
    """The suite writes the data of its light models to a folder; and it downloads the others, of which it has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONNX_MODELS", str(tmp_path_factory.mktemp("light")))
        yield


def test_the_list_has_no_other_cases():
    cases = Counter(case for cls in CLASSES.values() for case in suite.methods(cls))
    assert [case for case, count in cases.items() if count > 1] == []
    assert sorted(STATES.keys() - cases.keys()) == [], UPDATE
