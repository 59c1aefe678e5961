"""maas beside other libraries in one process."""

import itertools
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import maas
import pytest
from conftest import DIGITS, SOURCE, run_python

WORK = """
import sys
for name in sys.argv[2:]:
    __import__(name)
import maas, onnx, onnxruntime, numpy as np
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
x = np.load(sys.argv[1].replace("digits.onnx", "images/all.npy"))
theirs = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"]).run(None, {"image": x})[0]
ours = maas.InferenceSession(model.SerializeToString()).run(None, {"image": x})[0]
np.testing.assert_allclose(ours, theirs, 1e-3, 1e-5)
print("fine")
"""


@pytest.mark.parametrize("order", list(itertools.permutations(("maas", "onnx", "onnxruntime"))), ids="-".join)
def test_with_onnx_and_onnxruntime_in_any_order(order):
    assert run_python(WORK, str(DIGITS / "digits.onnx"), *order) == "fine\n"


def test_in_the_global_scope_of_symbols():
    """As if the program were linked with libmaas."""
    assert (
        run_python(WORK, str(DIGITS / "digits.onnx"), "onnx", LD_PRELOAD=os.path.realpath(maas.library_path))
        == "fine\n"
    )


def test_no_signal_handler_is_installed():
    code = """
caught = lambda: next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
import numpy
before = caught()
import maas
maas.Session(__import__("sys").argv[1])
print(caught() == before)
"""
    assert run_python(code, str(DIGITS / "digits.onnx")) == "True\n"


HOST = r"""
#include <maas.h>
#include <stdio.h>

int Py_BytesMain(int argc, char **argv); /* of libpython's stable ABI */

int main(int argc, char **argv) {
  maas_session *session = NULL;
  if (maas_session_open(argv[argc - 1], NULL, &session) != MAAS_OK) {
    fprintf(stderr, "%s\n", maas_error_message());
    return 2;
  }
  int result = Py_BytesMain(argc, argv);
  maas_session_close(session);
  return result;
}
"""


def python_library() -> Path | None:
    """libpython of this Python, if it has one to link."""
    for variable in ("INSTSONAME", "LDLIBRARY"):
        name = sysconfig.get_config_var(variable)
        for folder in (sysconfig.get_config_var("LIBDIR"), "/usr/lib/x86_64-linux-gnu"):
            if name and ".so" in name and (Path(folder) / name).exists():
                return Path(folder) / name
    return None


def test_a_c_program_with_maas_can_embed_python_and_onnx(tmp_path):
    library, compiler = python_library(), shutil.which("cc") or shutil.which("gcc")
    if not library or not compiler:
        pytest.skip("needs a C compiler and a shared libpython")
    (tmp_path / "host.c").write_text(HOST)
    os.symlink(os.path.realpath(maas.library_path), tmp_path / "libmaas.so.1")
    os.symlink("libmaas.so.1", tmp_path / "libmaas.so")
    program = tmp_path / "host"
    subprocess.run(
        [compiler, tmp_path / "host.c", "-o", program, f"-I{SOURCE.parents[2] / 'include'}", f"-L{tmp_path}", "-lmaas",
         library, f"-Wl,-rpath,{tmp_path}:{library.parent}"], check=True,
    )  # fmt: skip
    environment = dict(
        os.environ,
        PYTHONPATH=f"{SOURCE}:{sysconfig.get_path('purelib')}",
        PYTHONHOME=sysconfig.get_config_var("prefix"),
    )
    result = subprocess.run(
        [program, "-c", WORK, DIGITS / "digits.onnx"], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "fine\n"
