"""The wheel works in an environment that has nothing but NumPy."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import maas
import pytest
from conftest import DIGITS, ROOT

USE = """
import sys, maas, numpy
session = maas.InferenceSession(sys.argv[1])
probabilities, label = session.run(None, {"image": numpy.load(sys.argv[2])})
print(maas.library_path, maas.__version__, label.item())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / ".build" / "release" / "libmaas.so").exists():
        pytest.skip("no release build in .build")
    if not (importlib.util.find_spec("hatchling") and shutil.which("strip") and shutil.which("objdump")):
        pytest.skip("needs hatchling and binutils")
    folder = tmp_path_factory.mktemp("dist")
    script = ROOT / "scripts" / "build-wheel.sh"
    subprocess.run([script, folder], env=dict(os.environ, PYTHON=sys.executable), check=True, capture_output=True)
    [path] = folder.glob("maas-*.whl")
    return path


def test_the_wheel_holds_what_it_must(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        library = next(info for info in archive.infolist() if info.filename == "maas/libmaas.so.1")
    assert {"maas/__init__.py", "maas/py.typed", "maas/LICENSE"} <= set(names)
    assert not [name for name in names if not name.startswith(("maas/", f"maas-{maas.__version__}.dist-info/"))]
    assert "-py3-none-manylinux_2_" in wheel.name and library.file_size < 8 << 20


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(wheel, tmp_path):
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    lend_numpy(python)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel]
    subprocess.run(install, check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAAS_LIBRARY")}
    printed = subprocess.run(
        [python, "-c", USE, DIGITS / "digits.onnx", DIGITS / "images" / "7.npy"],
        env=environment, cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    path, version, answer = printed.split()
    assert Path(path).is_relative_to(home) and version == maas.__version__ and answer == "7"


def lend_numpy(python):
    """This environment's NumPy, so that the test needs no network."""
    import numpy

    site = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], check=True, capture_output=True
    )
    own = Path(numpy.__file__).parents[1]
    for path in own.glob("numpy*"):
        (Path(site.stdout.decode().strip()) / path.name).symlink_to(path)
