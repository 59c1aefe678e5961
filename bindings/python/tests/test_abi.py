"""What the package knows by itself about the library is what the header says."""

import ctypes
import re

import maas
import pytest
from conftest import ROOT
from maas import abi, dtypes, errors
from maas.abi import lib, text

HEADER = (ROOT / "include" / "maas.h").read_text()
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)


def prototypes():
    for result, name, arguments in re.findall(r"MAAS_API\s+([\w ]+?[ *]+)(maas_\w+)\(([^)]*)\);", CODE):
        yield name, result.strip(), [] if arguments == "void" else re.split(r",\s*", arguments)


def kind(argument):
    """What ctypes passes for a C argument: its size and whether it is an address."""
    text = re.sub(r"\w+$", "", argument.strip()).replace("const", "").strip()
    if "*" in text or text in ("maas_release", "maas_log_callback", "maas_operator_callback", "maas_sample_callback",
            "maas_epoch_callback", "maas_string_reader", "maas_string_function"):
        return "address"
    return {"size_t": "size", "int64_t": "int64", "uint64_t": "uint64", "uint32_t": "uint32"}.get(text, "int")


def kind_of(argument):
    if argument in (ctypes.c_size_t, ctypes.c_uint64):
        return ("size", "uint64")
    if argument is ctypes.c_int64:
        return ("int64",)
    return ("int",) if argument is ctypes.c_int else ("address",)


def test_every_function_of_the_header_is_declared():
    assert list(abi.FUNCTIONS) == [name for name, _, _ in prototypes()]


def test_declarations_are_those_of_the_header():
    for name, result, arguments in prototypes():
        ours = abi.FUNCTIONS[name]
        assert (ours[0] is abi.Status) == (result == "maas_status"), name
        assert len(ours) - 1 == len(arguments), name
        for own, theirs in zip(ours[1:], arguments):
            assert kind(theirs) in kind_of(own), (name, theirs)


def test_every_status_is_checked():
    for name, (result, *_) in abi.FUNCTIONS.items():
        function = getattr(lib, name)
        assert (getattr(function, "errcheck", None) is abi.check) == (result is abi.Status), name


def test_a_function_is_declared_once_and_only_when_it_is_of_the_header():
    assert lib.maas_model_open is lib.maas_model_open
    with pytest.raises(AttributeError, match="no function maas_nothing"):
        lib.maas_nothing


def test_calls_release_the_gil():
    assert isinstance(lib, ctypes.CDLL)
    assert not lib._func_flags_ & ctypes._FUNCFLAG_PYTHONAPI


def test_abi_and_version_are_those_of_the_header():
    assert f"#define MAAS_ABI_MAJOR {abi.ABI[0]}" in HEADER
    assert f"#define MAAS_ABI_MINOR {abi.ABI[1]}" in HEADER
    assert f'#define MAAS_VERSION "{maas.__version__}"' in HEADER


def test_there_is_one_error_per_status():
    statuses = re.findall(r'X\(MAAS_(\w+), (\d+), "([^"]+)"\)', HEADER)[1:]
    assert len(statuses) == len(errors.CLASSES) > 10
    for name, number, meaning in statuses:
        cls = errors.error_class(int(number))
        assert cls.__name__ == name.title().replace("_", "")
        assert cls.__doc__ == meaning == text(lib.maas_status_text(int(number)))
        assert getattr(maas, cls.__name__) is cls
    assert errors.error_class(999) is maas.MaasError


def test_element_types_are_those_of_the_header():
    named = {number: text(lib.maas_dtype_name(number)) for number in range(1, 27)}
    words = dict(re.findall(r"MAAS_DTYPE_(\w+)\s*=\s*(\d+)", CODE))
    assert named == {int(number): name.lower() for name, number in words.items() if 0 < int(number) < 27}
    for number in dtypes._DTYPES:
        assert dtypes.dtype_of(number).itemsize * 8 == lib.maas_dtype_bits(number)


def test_statistics_and_fields_are_those_of_the_header():
    statistics = dict(re.findall(r"MAAS_STATISTIC_(\w+) = (\d+)\b", CODE))
    assert {name: str(int(value)) for name, value in maas.Statistic.__members__.items()} == statistics
    levels = dict(re.findall(r"MAAS_LOG_(\w+) = (\d+)\b", CODE))
    assert {name: str(int(value)) for name, value in maas.LogLevel.__members__.items()} == levels
    fields = re.findall(r"MAAS_MODEL_(\w+) = \d,", CODE)
    assert [name.lower() for name in fields] == list(maas.model._FIELDS)


def test_handles_cannot_be_passed_for_one_another(digits):
    tensor = maas.Tensor.zeros((1,))
    try:
        lib.maas_session_options_close(tensor)
    except ctypes.ArgumentError:
        return
    raise AssertionError("a tensor was taken for options")
