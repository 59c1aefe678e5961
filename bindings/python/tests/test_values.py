"""Sequences, optionals and maps, and elements of every type."""

import gc
import sys

import maas
import ml_dtypes
import numpy as np
import onnx
import pytest
from conftest import model_bytes
from onnx import TensorProto, helper

IDENTITY = "g (seq(float[N]) x) => (seq(float[N]) y) { y = Identity(x) }"
#: All that include/maas.h has, without strings.
ELEMENT_TYPES = [number for number in range(1, 27) if number != TensorProto.STRING]
#: How many bit patterns an element has, where it has less than a byte.
CODES = {TensorProto.INT4: 16, TensorProto.UINT4: 16, TensorProto.FLOAT4E2M1: 16, TensorProto.INT2: 4,
    TensorProto.UINT2: 4}


def value_model(type_proto: onnx.TypeProto) -> bytes:
    """A model that hands on its input, of any type."""
    inputs, outputs = (helper.make_value_info(name, type_proto) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [inputs], [outputs])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)]).SerializeToString()


def map_type(key: int, element: int) -> onnx.TypeProto:
    return helper.make_map_type_proto(key, helper.make_tensor_type_proto(element, []))


def bits(array: np.ndarray) -> list[int]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).tolist()


@pytest.mark.parametrize("number", ELEMENT_TYPES, ids=TensorProto.DataType.Name)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0, 2), (8,)], ids=str)
def test_every_element_type(number, shape):
    """The NumPy types are onnx's; the bits are any, of bools 0 and 1."""
    dtype = helper.tensor_dtype_to_np_dtype(number)
    codes = 2 if dtype == bool else CODES.get(number, 256)
    random = np.random.default_rng(number).integers(0, codes, (*shape, dtype.itemsize), np.uint8)
    array = random.view(dtype).reshape(shape)
    session = maas.Session(value_model(helper.make_tensor_type_proto(number, None)))
    for _ in range(4):
        [found] = session.run(None, {"x": array})
        assert found.dtype == dtype and found.shape == shape and bits(found) == bits(array)
    tensor = maas.Tensor.from_numpy(array)
    assert tensor.element_type == number and tensor.shape == shape and bits(tensor.numpy()) == bits(array)


@pytest.mark.parametrize("name", ["int4", "uint4", "int2", "uint2", "float4_e2m1fn"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_packing_is_that_of_onnx(name, count):
    array = np.random.default_rng(count).integers(0, 4, count, np.uint8).view(getattr(ml_dtypes, name))
    expected = onnx.numpy_helper.from_array(array).raw_data
    assert maas.Tensor.from_numpy(array)._bytes().tobytes() == expected


def test_packed_tensors_can_be_written():
    tensor = maas.Tensor.zeros([3], TensorProto.INT4)
    tensor.copy_from(np.array([-8, 7, 1]).astype(ml_dtypes.int4))
    assert tensor.numpy().tolist() == [-8, 7, 1]
    value = maas.OrtValue.ortvalue_from_shape_and_type([2], TensorProto.UINT2)
    value.update_inplace(np.array([3, 1]).astype(ml_dtypes.uint2))
    assert value.numpy().tolist() == [3, 1] and value.data_type() == "tensor(uint2)"


def test_bindings_of_packed_elements():
    session = maas.Session(value_model(helper.make_tensor_type_proto(TensorProto.INT4, None)))
    binding, array = session.bind(), np.array([-1, 2, 3]).astype(ml_dtypes.int4)
    binding.set_input("x", array)
    binding.set_output("y", maas.Tensor.zeros([3], TensorProto.INT4))
    binding.run()
    assert binding.output("y").numpy().tolist() == [-1, 2, 3]
    with pytest.raises(maas.InvalidArgument, match="at least a byte"):
        binding.set_output("y", array)


@pytest.mark.parametrize(
    ("key", "element", "value"),
    [
        (TensorProto.INT64, TensorProto.FLOAT, {1: 0.5, -7: 2.0}),
        (TensorProto.STRING, TensorProto.INT64, {"a": 1, "Zoë": -2}),
        (TensorProto.INT64, TensorProto.STRING, {3: "three", 1: ""}),
        (TensorProto.STRING, TensorProto.DOUBLE, {}),
    ],
)
def test_maps(key, element, value):
    session = maas.Session(value_model(map_type(key, element)))
    [found] = session.run(None, {"x": value})
    assert found == value and list(found) == list(value) and list(map(type, found)) == list(map(type, value))
    listed = maas.Session(value_model(helper.make_sequence_type_proto(map_type(key, element))))
    assert listed.run(None, {"x": [value, {}, value]}) == [[value, {}, value]]


def test_lists_of_numbers_become_tensors_of_the_declared_type():
    [found] = maas.Session(model_bytes(IDENTITY)).run(None, {"x": [[1, 2], (3,), 4.5]})
    assert [array.tolist() for array in found] == [[1, 2], [3], 4.5]
    assert {array.dtype for array in found} == {np.dtype(np.float32)}


def test_tensors_and_values_are_taken_as_they_are():
    session = maas.Session(model_bytes(IDENTITY))
    x = np.float32([1, 2])
    value = maas.Value.of([x, maas.Tensor.from_numpy(x)], "seq(tensor(float))")
    assert value.kind == maas.ValueKind.SEQUENCE and len(value.elements()) == 2
    [result] = session.run_values(None, {"x": value})
    assert result.type == "seq(tensor(float))" and not result.is_empty()
    assert [element.tensor().numpy().tolist() for element in result.elements()] == [[1, 2], [1, 2]]
    assert session(value)["y"][1].tolist() == [1, 2]
    value.close()
    with pytest.raises(maas.InvalidArgument, match="closed"):
        session.run(None, {"x": value})


def test_results_belong_to_the_caller():
    session = maas.Session(model_bytes(IDENTITY))
    x = np.float32([1, 2])
    [first] = session.run(None, {"x": [x]})
    x[:] = 9
    first[0][1] = 5
    [second] = session.run(None, {"x": [x]})
    assert first[0].tolist() == [1, 5] and second[0].tolist() == [9, 9]
    session.close()
    del session
    gc.collect()
    assert second[0].tolist() == [9, 9]


def test_nothing_is_kept():
    session = maas.Session(model_bytes(IDENTITY))
    x = np.float32([1, 2])
    before = sys.getrefcount(x)
    for _ in range(10):
        session.run(None, {"x": [x, x]})
    gc.collect()
    assert sys.getrefcount(x) == before


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float32([1, 2]), "input 'x' is of the wrong kind: expected a list, found ndarray"),
        (None, "input 'x' is of the wrong kind: expected a list, found NoneType"),
        ({1: 2.0}, "input 'x' is of the wrong kind: expected a list, found dict"),
        ([None], r"input 'x'\[0\] is of the wrong kind: expected an array, found NoneType"),
        ([np.int64([1])], r"'x'.*expected seq\(tensor\(float\)\), found seq\(tensor\(int64\)\)"),
    ],
    ids=["array", "none", "dict", "none in a list", "type"],
)
def test_wrong_values_are_refused_by_name(value, message):
    with pytest.raises(maas.TypeMismatch, match=message):
        maas.Session(model_bytes(IDENTITY)).run(None, {"x": value})


def test_names_are_checked_as_for_tensors():
    session = maas.Session(model_bytes(IDENTITY))
    with pytest.raises(maas.NotFound, match="z"):
        session.run(None, {"z": []})
    with pytest.raises(maas.MissingInput, match="x"):
        session.run(None, {})
    with pytest.raises(maas.NotFound, match="w"):
        session.run(["w"], {"x": []})
    with pytest.raises(TypeError, match="dict"):
        session.run(None, [[]])


def test_only_tensors_take_the_way_of_tensors():
    """Runs of models of tensors are prepared; others come to the same whichever outputs are asked for."""
    model = model_bytes(
        "g (float[N] x) => (float[N] y, seq(float[N]) z) { y = Neg(x) z = SequenceConstruct(x, y) }"
    )
    session, x = maas.Session(model), np.float32([1, 2])
    for names in (None, ["y"], ["z"], ["z", "y", "z"]):
        found = dict(zip(names or ["y", "z"], session.run(names, {"x": x})))
        if "y" in found:
            assert found["y"].tolist() == [-1, -2]
        if "z" in found:
            assert [array.tolist() for array in found["z"]] == [[1, 2], [-1, -2]]


@pytest.mark.parametrize("dtype", [object, "U"])
@pytest.mark.parametrize("texts", [[], [""], ["", "a", "é日本", "x" * 1000], ["", "", ""]], ids=len)
def test_strings_of_every_array(texts, dtype):
    array = np.array(texts, dtype).reshape(-1, 1)
    found = maas.Tensor.from_numpy(array).numpy()
    assert found.dtype == object and found.shape == array.shape and found.ravel().tolist() == texts


@pytest.mark.parametrize(
    "texts", [["\0"], ["a", "", "\0", "a\0b\0", "\udcff\udcfe"], [b"a", "b"], [b"\xc3", "\xa9"]], ids=ascii
)
def test_strings_keep_every_byte(texts):
    expected = [text if isinstance(text, str) else text.decode(errors="surrogateescape") for text in texts]
    assert maas.Tensor.from_numpy(np.array(texts, object)).numpy().tolist() == expected


def test_lone_surrogates_are_no_strings():
    with pytest.raises(UnicodeEncodeError):
        maas.Tensor.from_numpy(np.array(["a", "\ud800"], object))
