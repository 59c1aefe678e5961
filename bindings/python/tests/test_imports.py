"""What imports bring along, and that every name is there when it is asked for."""

import ast
import pickle
from pathlib import Path

import maas
import maas.train
import pytest
from conftest import run_python


def modules_after(code):
    return set(run_python(f"{code}\nimport sys; print(*sys.modules)").split())


def test_the_package_alone_imports_neither_numpy_nor_what_runs_models():
    found = modules_after("import maas; maas.__version__, maas.library_path, maas.MaasError")
    assert not found & {"numpy", "maas.tensor", "maas.session", "maas.log", "maas.quantization", "maas.operators"}


def test_training_does_not_import_what_runs_models():
    found = modules_after("from maas.train import Dense, Sequential; Sequential([Dense(1)]).compile().build((2,))")
    assert "maas.train.trainer" in found
    assert not found & {"maas.session", "maas.ort", "maas.options", "maas.quantization", "maas.operators"}
    assert not found & {"dataclasses", "numpy.ma", "numpy.testing", "sklearn", "maas.train.estimators"}


@pytest.mark.parametrize("module", [maas, maas.train])
def test_every_name_is_there_and_listed(module):
    code = f"import {module.__name__} as m; print(*dir(m)); [getattr(m, name) for name in m.__all__]"
    assert set(module.__all__) <= set(run_python(code).split())


def test_all_names_come_with_a_star():
    assert run_python("from maas import *; print(InferenceSession.__name__, threads() > 0)") == "InferenceSession True\n"


def test_modules_are_attributes_of_the_package():
    assert run_python("import maas; print(maas.model.Model is maas.Model, maas.errors)").startswith("True <module")


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="module 'maas' has no attribute 'Sesion'"):
        maas.Sesion  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Sesion'"):
        from maas import Sesion  # noqa: F401


def test_checkers_of_types_see_the_names_that_are_imported_later():
    tree = ast.parse(Path(maas.__file__).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    imports = {node.module: {alias.name for alias in node.names} for node in found}
    for module, names in maas._LAZY.items():
        assert imports[module] == set(names)


@pytest.mark.parametrize("name", ["Session", "LogLevel", "quantize"])
def test_what_is_imported_later_can_be_pickled(name):
    code = f"import pickle, sys, maas; sys.stdout.write(pickle.dumps(maas.{name}, 0).decode())"
    assert pickle.loads(run_python(code).encode()) is getattr(maas, name)
