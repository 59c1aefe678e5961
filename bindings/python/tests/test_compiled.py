"""Compiled models: opened like ONNX models, with the same answers."""

import numpy as np
import pytest
from conftest import DIGITS

import maas


@pytest.fixture
def compiled(tmp_path):
    """digits.maas, made from digits.onnx beside it."""
    (tmp_path / "digits.onnx").write_bytes((DIGITS / "digits.onnx").read_bytes())
    path = tmp_path / "digits.maas"
    maas.Session(path, maas.SessionOptions(rebuild=True))
    return path


def test_answers_as_the_model_does(compiled):
    images = np.load(DIGITS / "images" / "all.npy")
    expected = maas.InferenceSession(DIGITS / "digits.onnx").run(None, {"image": images})
    for source in (compiled, compiled.read_bytes()):
        session = maas.InferenceSession(source)
        assert [x.name for x in session.get_inputs()] == ["image"]
        for found, wanted in zip(session.run(None, {"image": images}), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_compiled_file_is_left_alone_where_it_fits(compiled):
    before = compiled.stat().st_ino
    maas.Session(compiled, maas.SessionOptions(rebuild=True))
    assert compiled.stat().st_ino == before


def test_every_truncated_file_is_refused(compiled):
    whole = compiled.read_bytes()
    for part in range(1, 64):
        compiled.write_bytes(whole[: len(whole) * part // 64])
        with pytest.raises(maas.errors.InvalidModel, match="damaged"):
            maas.Session(compiled)
    maas.Session(compiled, maas.SessionOptions(rebuild=True))
    assert compiled.read_bytes() == whole


def test_changed_bytes_are_refused_or_harmless(compiled):
    """What no checksum sees when a file is opened are weights: they change answers, and nothing else."""
    images = np.load(DIGITS / "images" / "all.npy")
    whole = compiled.read_bytes()
    for i in range(0, len(whole), 131):
        damaged = bytearray(whole)
        damaged[i] ^= 0x40
        try:
            session = maas.Session(bytes(damaged))
        except maas.MaasError:
            continue
        scores, labels = session.run(None, {"image": images})
        assert i > 64 and scores.shape == (10, 10) and labels.shape == (10,)
