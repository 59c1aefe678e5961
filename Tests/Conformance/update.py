"""Runs the suite and writes onnx-nodes.txt anew: update.py

Cases that pass are listed so, and what an operator does not support yet is named. Other reasons to skip are kept. A
case that fails in another way is printed and left as it is listed, for somebody to find out why; the exit status is
then 1.
"""

import os
import sys
import tempfile

import suite


def updated(name, found, states):
    """The new state of a case, and whether somebody must look at it."""
    known = states.get(name)
    if found is not None and known is not None and not known.startswith("operator "):
        return known, False
    return (known, True) if found is not None and not found.startswith("operator ") else (found, False)


def main() -> int:
    states, new, failed = suite.read_list() if suite.LIST.exists() else {}, {}, 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ONNX_MODELS"] = folder
        for cls in suite.load(__name__).values():
            for name, method in suite.methods(cls).items():
                found = suite.failure_of(method, cls(name + suite.DEVICE))
                new[name], bad = updated(name, found, states)
                if bad:
                    failed += 1
                    print(f"{name}: {found}")
    suite.write_list(new)
    skipped = sum(reason is not None for reason in new.values())
    print(f"{len(new) - skipped} pass, {skipped} are skipped, {failed} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
