"""The wheel works in an environment that has nothing but NumPy, and its name tells where it does."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import maas
import numpy
import pytest
from conftest import DIGITS, ROOT

#: What a process of maas may load besides what Python and NumPy bring: Debian's and the C and C++ runtimes.
NEEDED = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    script = ROOT / "scripts" / "build-wheel.sh"
    subprocess.run([script, folder], env=dict(os.environ, PYTHON=sys.executable), check=True, capture_output=True)
    [path] = folder.glob("maas-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The Python of a fresh environment with the wheel and this environment's NumPy, so that no network is needed."""
    home = tmp_path_factory.mktemp("fresh") / "environment"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    [site] = home.glob("lib/python*/site-packages")
    for path in Path(numpy.__file__).parents[1].glob("numpy*"):
        shutil.copytree(path, site / path.name)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel]
    subprocess.run([home / "bin" / "python", *install], check=True)
    return home


def run(environment, folder, code):
    """What `code` prints there, away from the source tree."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAAS_LIBRARY")}
    command = [environment / "bin" / "python", "-c", code]
    result = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_holds_what_it_must(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "bindings" / "python" / "src"
    modules = {str(path.relative_to(source)) for path in source.rglob("*.py")}
    assert modules | {"maas/py.typed", "maas/LICENSE", "maas/libmaas.so.1"} == {
        n for n in names if n.startswith("maas/")
    }
    assert not [name for name in names if not name.startswith(("maas/", f"maas-{maas.__version__}.dist-info/"))]


def test_the_tag_is_what_auditwheel_finds(wheel):
    """auditwheel knows which versions of glibc and libstdc++ a platform's name promises."""
    report = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel], check=True, capture_output=True, text=True
    ).stdout
    own = re.search(r"(manylinux_\d+_\d+)_\w+\.whl$", wheel.name)[1]
    found = re.search(r'following platform tag: "(manylinux_\d+_\d+)_', " ".join(report.split()))[1]
    assert own == found, report


def test_the_library_needs_nothing_but_the_system(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        library = archive.extract("maas/libmaas.so.1", tmp_path)
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"NEEDED.*\[(.*)\]", dynamic)) <= NEEDED
    assert set(re.findall(r"(?:RPATH|RUNPATH).*\[(.*)\]", dynamic)) <= {"$ORIGIN"}


def test_the_example_works_in_a_fresh_environment(environment, tmp_path):
    readme = (ROOT / "bindings" / "python" / "README.md").read_text()
    example = re.findall(r"```python\n(.*?)```", readme, re.S)[0]
    shutil.copy(DIGITS / "digits.onnx", tmp_path)
    shutil.copy(DIGITS / "images" / "7.npy", tmp_path)
    assert run(environment, tmp_path, example) == "[7]\n"


def test_nothing_of_the_source_tree_is_used(environment, tmp_path):
    code = f"""
import maas, numpy
print(maas.library_path, maas.__version__)
maas.Session({str(DIGITS / "digits.onnx")!r})
print({{line.split()[-1] for line in open("/proc/self/maps") if "/" in line}})
"""
    first, maps = run(environment, tmp_path, code).splitlines()
    path, version = first.split()
    loaded = eval(maps) - {str(DIGITS / "digits.onnx")}
    assert Path(path).is_relative_to(environment) and version == maas.__version__
    assert path in loaded
    assert not [name for name in loaded if name.startswith(str(ROOT)) or "onnx" in name or "protobuf" in name]
