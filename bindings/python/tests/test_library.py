"""How the library is found, and what is said when it is not."""

import shutil
import subprocess
import sys
from pathlib import Path

import maas
import pytest
from conftest import ROOT, SOURCE, run_python


def failing_import(source=SOURCE, **environment):
    result = subprocess.run(
        [sys.executable, "-c", "import maas"],
        env={"PYTHONPATH": str(source), **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    return result.stderr


def test_a_named_library_that_is_missing_is_not_replaced():
    message = failing_import(MAAS_LIBRARY="/nowhere/libmaas.so")
    assert "ImportError" in message and "/nowhere/libmaas.so: no such file" in message and "make build" in message


def test_a_file_that_is_no_library_is_named(tmp_path):
    (tmp_path / "libmaas.so").write_text("no library\n" * 100)
    message = failing_import(MAAS_LIBRARY=str(tmp_path / "libmaas.so"))
    assert str(tmp_path / "libmaas.so") in message and "ELF" in message


def test_a_library_of_something_else_is_refused():
    message = failing_import(MAAS_LIBRARY="libc.so.6")
    assert "ImportError" in message and "libc.so.6 has no function maas_" in message


def test_everything_that_was_tried_is_told(tmp_path):
    shutil.copytree(SOURCE / "maas", tmp_path / "maas")
    message = failing_import(tmp_path)
    assert f"{tmp_path}/maas/libmaas.so.1: no such file" in message
    assert "libmaas.so.1: cannot open shared object file" in message


def test_the_library_beside_the_package_comes_first(tmp_path):
    shutil.copytree(SOURCE / "maas", tmp_path / "maas")
    shutil.copy(maas.library_path, tmp_path / "maas" / "libmaas.so.1")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import maas; print(maas.library_path)"
    assert run_python(code, str(tmp_path), MAAS_LIBRARY="").strip() == str(tmp_path / "maas" / "libmaas.so.1")


def test_a_source_tree_uses_its_own_build():
    if not (ROOT / ".build" / "release" / "libmaas.so").exists():
        pytest.skip("no release build in .build")
    printed = run_python("import maas; print(maas.library_path)", MAAS_LIBRARY="").strip()
    assert Path(printed).parent == ROOT / ".build" / "release"
