"""Nothing is copied that need not be, and memory lives as long as somebody uses it, and no longer."""

import ctypes
import gc
import weakref

import maas
import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from conftest import model_bytes, run_python
from maas import memory, session


@pytest.fixture
def spied(monkeypatch):
    """The addresses of the tensors that runs of this test get and give, by name."""
    addresses = {}

    def address(handle):
        data = ctypes.c_void_p()
        tensor = session.TensorHandle(handle)
        session.lib.maas_tensor_data(tensor, ctypes.byref(data), None)
        tensor.value = None  # not ours to close
        return data.value

    run = session.lib.maas_session_run

    def spy(handle, options, names, inputs, count, output_names, outputs, output_count):
        run(handle, options, names, inputs, count, output_names, outputs, output_count)
        addresses.update({names[i].decode(): address(inputs[i]) for i in range(count)})
        addresses.update({output_names[i].decode(): address(outputs[i]) for i in range(output_count)})

    class Library:
        maas_session_run = staticmethod(spy)

        def __getattr__(self, name):
            return getattr(run_library, name)

    run_library = session.lib
    monkeypatch.setattr(session, "lib", Library())
    return addresses


def test_arrays_are_passed_and_come_back_without_a_copy(passing, spied):
    x = np.ones((5, 3), np.float32)
    same, fixed, twice = maas.Session(passing).run(None, {"x": x})
    assert spied["x"] == x.ctypes.data
    assert [spied[name] for name in ("same", "fixed", "twice")] == [a.ctypes.data for a in (same, fixed, twice)]
    assert all(array.flags.writeable and array.flags.c_contiguous for array in (same, fixed, twice))


def test_read_only_arrays_are_passed_without_a_copy(passing, spied):
    x = np.ones((5, 3), np.float32)
    x.flags.writeable = False
    maas.Session(passing)(x)
    assert spied["x"] == x.ctypes.data


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda a: a[:, ::-1],
        lambda a: a.astype(">f4"),
        lambda a: np.frombuffer(b"." + a.tobytes(), "f4", 6, 1).reshape(2, 3),
    ],
    ids=["fortran", "negative stride", "big endian", "unaligned"],
)
def test_other_arrays_are_copied(passing, spied, change):
    x = change(np.arange(6, dtype=np.float32).reshape(2, 3))
    np.testing.assert_array_equal(maas.Session(passing)(x)["twice"], x * 2)
    assert spied["x"] != x.ctypes.data


def test_an_array_without_elements_may_lie_anywhere(passing):
    x = np.frombuffer(b".", "f4", 0, 1).reshape(0, 3)
    assert maas.Session(passing)(x)["twice"].shape == (0, 3)


def test_outputs_do_not_show_inputs_or_weights(passing):
    """A caller may write to what a run gave without changing anything else."""
    own = maas.Session(passing)
    x = np.ones((1, 3), np.float32)
    first = own(x)
    for array in first.values():
        array[:] = 77
    second = own(x)
    assert x.tolist() == [[1, 1, 1]] and second["fixed"].tolist() == [[1, 2], [3, 4]]
    assert first["same"].tolist() == [[77, 77, 77]]


def test_outputs_outlive_their_session_and_inputs(passing):
    own = maas.Session(bytes(bytearray(passing)))
    x = np.ones((4, 3), np.float32)
    same, fixed, twice = own.run(None, {"x": x})
    del own, x
    gc.collect()
    assert same.tolist() == [[1, 1, 1]] * 4 and fixed.tolist() == [[1, 2], [3, 4]] and twice.tolist() == [[2, 2, 2]] * 4


def test_a_session_outlives_its_model_and_bytes(passing):
    model = maas.Model(bytes(bytearray(passing)))
    own = maas.Session(model)
    model.close()
    del model
    gc.collect()
    assert own(np.ones((1, 3), np.float32))["fixed"].tolist() == [[1, 2], [3, 4]]


def test_memory_of_outputs_goes_with_the_last_array(passing):
    [twice] = maas.Session(passing).run(["twice"], {"x": np.ones((2, 3), np.float32)})
    handle = weakref.ref(twice.base._handle)
    row = twice[0]
    del twice
    assert handle() is not None and row.tolist() == [2, 2, 2]
    del row
    assert handle() is None


class Bytes(bytearray):
    """Can be watched."""


def test_bytes_of_a_model_are_borrowed_and_given_back(passing):
    data = Bytes(passing)
    watch, count = weakref.ref(data), len(memory._borrowed)
    own = maas.Session(data)
    assert len(memory._borrowed) == count + 1
    del data
    assert own(np.ones((1, 3), np.float32))["twice"].tolist() == [[2, 2, 2]]
    assert watch() is not None
    own.close()
    own.model.close()
    assert watch() is None and len(memory._borrowed) == count


def test_bytes_that_are_copied_are_given_back_at_once(passing):
    data = Bytes(passing)
    watch = weakref.ref(data)
    own = maas.Session(data, copy=True)
    del data
    assert watch() is None
    assert own(np.ones((1, 3), np.float32))["twice"].tolist() == [[2, 2, 2]]


def test_bytes_that_are_refused_are_given_back():
    data = Bytes(b"no model")
    watch, count = weakref.ref(data), len(memory._borrowed)
    with pytest.raises(maas.InvalidModel):
        maas.Session(data)
    del data
    gc.collect()
    assert watch() is None and len(memory._borrowed) == count


def test_tensors_lie_over_arrays():
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    tensor = maas.Tensor.from_numpy(array)
    assert (tensor.shape, tensor.dtype, tensor.element_type, tensor.nbytes) == ((2, 3), np.int16, 5, 12)
    assert tensor.address == array.ctypes.data == tensor.numpy().ctypes.data == np.asarray(tensor).ctypes.data
    watch = weakref.ref(array)
    del array
    view = tensor.numpy()
    tensor.close()
    assert watch() is not None and view[1].tolist() == [3, 4, 5]
    del view
    assert watch() is None


def test_tensors_over_read_only_arrays_are_read_only():
    array = np.zeros(3, np.float32)
    array.flags.writeable = False
    tensor = maas.Tensor.from_numpy(array)
    assert not tensor.numpy().flags.writeable
    with pytest.raises(maas.InvalidArgument, match="read-only"):
        tensor.copy_from(np.ones(3, np.float32))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,) * 8], ids=str)
def test_unusual_shapes(shape):
    array = np.full(shape, 2.5)
    for tensor in (maas.Tensor.from_numpy(array), maas.Tensor.zeros(shape, np.float64)):
        assert tensor.shape == shape and tensor.numpy().shape == shape
    np.testing.assert_array_equal(maas.Tensor.from_numpy(array).numpy(), array)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"])
def test_every_dtype_of_numpy(dtype):
    array = np.array([[0, 1], [1, 0]], dtype)
    tensor = maas.Tensor.from_numpy(array)
    assert tensor.dtype == array.dtype
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal(np.from_dlpack(tensor), array)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2fnuz"])
def test_dtypes_of_ml_dtypes(name):
    dtype = getattr(ml_dtypes, name)
    array = np.array([1.5, -2], dtype)
    tensor = maas.Tensor.from_numpy(array)
    assert tensor.dtype == dtype and tensor.numpy().tolist() == array.tolist() == np.asarray(tensor).tolist()


def test_tensors_become_arrays_as_numpy_asks():
    tensor = maas.Tensor.from_numpy(np.float32([1.5, 2]))
    assert np.asarray(tensor).ctypes.data == tensor.address != np.array(tensor).ctypes.data
    assert np.asarray(tensor, np.float64).tolist() == [1.5, 2]
    with pytest.raises(ValueError):
        np.asarray(tensor, np.float64, copy=False)
    assert len(tensor) == 2


def test_dlpack_goes_round(passing):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = maas.Tensor.from_dlpack(array)
    back = np.from_dlpack(tensor)
    assert tensor.address == array.ctypes.data == back.ctypes.data and tensor.__dlpack_device__() == (1, 0)
    del tensor, array
    gc.collect()
    assert back.tolist() == [[0, 1, 2], [3, 4, 5]]


class OnlyDLPack:
    """An array of a library that NumPy does not know."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_inputs_may_come_through_dlpack(passing, spied):
    array = np.ones((1, 3), np.float32)
    assert maas.Session(passing)(OnlyDLPack(array))["twice"].tolist() == [[2, 2, 2]]
    assert spied["x"] == array.ctypes.data


def test_dlpack_with_another_library(passing, spied):
    """onnxruntime's values stand for those of any library that speaks DLPack: no copy in either direction."""
    x = onnxruntime.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
    x.update_inplace(np.arange(6, dtype=np.float32).reshape(2, 3))
    own = maas.Session(passing)
    assert maas.Tensor.from_dlpack(x).address == x.data_ptr()
    [tensor] = own.run_tensors(["twice"], {"x": x})
    assert spied["x"] == x.data_ptr()
    theirs = onnxruntime.OrtValue.from_dlpack(tensor)
    assert theirs.data_ptr() == tensor.address and theirs.numpy().tolist() == [[0, 2, 4], [6, 8, 10]]
    tensor.close()
    del tensor
    gc.collect()
    assert theirs.numpy()[1].tolist() == [6, 8, 10]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"])
def test_models_with_dtypes_of_ml_dtypes(name, spied):
    dtype = getattr(ml_dtypes, name)
    kind = f"{name.replace('_', '')}[N]"
    own = maas.Session(model_bytes(f"g ({kind} x) => ({kind} y) {{ y = Identity(x) }}", opset=19))
    assert own.inputs[0].dtype == own.outputs[0].dtype == dtype
    x = np.array([1.5, -2, 0.25], dtype)
    [y] = own.run(None, {"x": x})
    assert spied["x"] == x.ctypes.data and y.dtype == dtype and y.tobytes() == x.tobytes()
    for _ in range(3):
        assert own.run(None, {"x": x})[0].tobytes() == x.tobytes()
    [y] = own.run(None, {"x": [1.5, -2.0, 0.1]})
    assert y.tobytes() == np.array([1.5, -2.0, 0.1], dtype).tobytes()


def test_tensors_are_inputs(passing):
    own = maas.Session(passing)
    [tensor] = own.run_tensors(["twice"], {"x": np.ones((1, 3), np.float32)})
    assert own(tensor)["twice"].tolist() == [[4, 4, 4]]
    tensor.close()
    with pytest.raises(maas.InvalidArgument):
        own(tensor)


def test_scalars_and_numbers_are_inputs():
    own = maas.Session(model_bytes("g (float a, int64 b) => (float c, int64 d) { c = Add(a, a) d = Add(b, b) }"))
    for a, b in ((1.5, 2), (np.float32(1.5), np.int64(2)), (np.array(1.5, "f4"), np.array(2))):
        answer = own(a, b)
        assert (answer["c"].shape, answer["c"].item(), answer["d"].item()) == ((), 3.0, 4)
    with pytest.raises(maas.TypeMismatch, match="'b'.*int64.*double"):
        own(1.5, 2.5)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_nothing_is_left_behind(digits, images):
    def cycle():
        own = maas.InferenceSession(digits)
        own.run(None, {"image": images}, maas.RunOptions())
        binding = own.io_binding()
        binding.bind_cpu_input("image", images)
        own.run_with_iobinding(binding)
        with pytest.raises(maas.NotFound):
            own.run(["nobody"], {"image": images})

    gc.collect()  # what failed calls of earlier tests left in tracebacks
    borrowed = len(memory._borrowed)
    for _ in range(200):
        cycle()
    before = resident()
    for _ in range(1000):
        cycle()
    assert resident() - before < 4 << 20
    assert len(memory._borrowed) == borrowed and not memory.returned


SESSIONS_OF_ONE_FILE = """
import sys
import numpy as np
from maas import InferenceSession

def kilobytes():
    rows = (line.split() for line in open("/proc/self/status") if line.startswith(("RssAnon", "RssFile")))
    return sum(int(row[1]) for row in rows)

x = np.ones((1, 2048), np.float32)
before = kilobytes()
kept, results, sizes = [], [], []
for _ in range(4):
    kept.append(InferenceSession(sys.argv[1]))
    results.append(kept[-1].run(None, {"x": x})[0])
    sizes.append(kilobytes() - before)
assert all(np.array_equal(result, results[0]) for result in results)
kept.clear()
print(*sizes, kilobytes() - before)
"""


def test_sessions_of_one_file_share_its_weights(tmp_path):
    """A weight of 64 MB: one session has it once, packed, and four have no more."""
    weight = np.random.default_rng(4).standard_normal((2048, 8192), np.float32)
    path = tmp_path / "model.onnx"
    path.write_bytes(model_bytes("g (float[N, 2048] x) => (float[N, 8192] y) { y = MatMul(x, w) }", w=weight))
    first, _, _, fourth, closed = map(int, run_python(SESSIONS_OF_ONE_FILE, str(path)).split())
    assert 65536 <= first < 1.1 * 65536
    assert fourth < 1.1 * first
    assert closed < 0.1 * first


def test_what_data_decides_does_not_pile_up():
    """Every output has a length that only the run tells: 12**5 ways to go on, of which few can be kept."""
    outputs = range(5)
    lengths = ", ".join(f"int64[1] n{i}" for i in outputs)
    results = ", ".join(f"float[M{i}] y{i}" for i in outputs)
    nodes = " ".join(f"z{i} = ConstantOfShape(n{i}) y{i} = Cos(z{i})" for i in outputs)
    own, random = maas.Session(model_bytes(f"g ({lengths}) => ({results}) {{ {nodes} }}")), np.random.default_rng(0)

    def runs(count):
        for lengths in random.integers(0, 12, (count, 5)):
            answer = own.run(None, {f"n{i}": lengths[i : i + 1] for i in outputs})
            assert [array.tolist() for array in answer] == [[1.0] * length for length in lengths]

    runs(1500)
    before = resident()
    runs(3000)
    assert resident() - before < 8 << 20


def test_closed_objects_say_so(passing):
    own = maas.Session(passing)
    with own:
        pass
    own.close()
    with pytest.raises(maas.InvalidArgument, match="the Session is closed"):
        own(np.ones((1, 3), np.float32))
    options = maas.RunOptions()
    options.close()
    with pytest.raises(maas.InvalidArgument, match="the RunOptions is closed"):
        options.cancel()
    assert "closed" in repr_of_closed_tensor()


def repr_of_closed_tensor():
    tensor = maas.Tensor.zeros((2, 2))
    assert repr(tensor) == "maas.Tensor(float32, (2, 2))"
    tensor.close()
    return repr(tensor)
