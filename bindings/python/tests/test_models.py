"""Models answer as they must: with every tier of kernels, and to the last bit with every number of threads."""

import subprocess
import sys
from pathlib import Path

import golden
import maas
import numpy as np
import pytest
from conftest import MODEL_TESTS, SHARED, SOURCE, golden_folders


def check(tier, folder, least):
    script = Path(__file__).with_name("run_golden.py")
    result = subprocess.run(
        [sys.executable, script, folder],
        env=golden.environment(tier) | {"PYTHONPATH": f"{SOURCE}:{MODEL_TESTS}"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    *faults, count = result.stdout.splitlines()
    assert not faults and int(count.split()[0]) >= least


@pytest.mark.parametrize("tier", golden.tiers())
def test_real_models(tier):
    folders = golden_folders()
    if not folders:
        pytest.skip(f"there are no models in {SHARED}; set MAAS_SHARED")
    check(tier, SHARED, len(folders))


@pytest.mark.parametrize("tier", golden.tiers())
def test_made_models(tier, made_models):
    check(tier, made_models, len(list(made_models.iterdir())))


def test_digits_are_read(digits, images):
    answer = maas.Session(digits)(images)
    probabilities = answer["probabilities"]
    assert answer["label"].tolist() == list(range(10))
    assert probabilities.shape == (10, 10) and probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1)
