"""Models answer as they must: with every tier of kernels, and to the last bit with every number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import maas
import numpy as np
import pytest
from conftest import SHARED, SOURCE, golden_folders


def tiers():
    flags = next(line for line in open("/proc/cpuinfo") if line.startswith(("flags", "Features"))).split()
    if "asimd" in flags:
        return ["scalar", "neon"]
    found = ["scalar"]
    found += ["avx2"] if {"avx2", "fma"} <= set(flags) else []
    found += ["avx512"] if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= set(flags) else []
    return found


def check(tier, folders):
    script = Path(__file__).with_name("golden.py")
    result = subprocess.run(
        [sys.executable, script, *folders],
        env=dict(os.environ, PYTHONPATH=str(SOURCE), MAAS_ISA=tier),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("tier", tiers())
def test_real_models(tier):
    folders = golden_folders()
    if not folders:
        pytest.skip(f"there are no models in {SHARED}; set MAAS_SHARED")
    check(tier, folders)


@pytest.mark.parametrize("tier", tiers())
def test_made_models(tier, made_models):
    check(tier, sorted(path for path in made_models.iterdir() if path.is_dir()))


def test_digits_are_read(digits, images):
    [probabilities] = maas.Session(digits)(images).values()
    assert probabilities.argmax(axis=1).tolist() == list(range(10))
    assert probabilities.shape == (10, 10) and probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1)
