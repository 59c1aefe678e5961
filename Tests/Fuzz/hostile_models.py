"""Models that are well-formed protobuf and ONNX's operators, but wrong in what they say: sound cases of every operator
(Tests/MaasOpsTests/Fixtures) with one to three hostile changes. The same seed always gives the same model."""
import base64
import copy
import json
import pathlib
import random

from onnx import AttributeProto, TensorProto, helper

FIXTURES = pathlib.Path(__file__).parent.parent / "MaasOpsTests/Fixtures/cases.jsonl"
WIDTHS = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
INTEGERS = (2, 3, 4, 5, 6, 7, 12, 13)
MOST_CONTENTS = 1 << 16
HUGE = [2**24, 2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**32, 2**40, 2**46, 2**53, 2**60, 2**61, 2**62, 2**63 - 1]
HOSTILE = [0, 1, 2, 3, 5, 7, 64, 1000] + HUGE + [-1, -2, -3, -9] + [-n for n in HUGE] + [-(2**63)]
SIZES = [0, 0, 1, 1, 2, 3, 4, 5, 7, 9, 64] + HUGE + [-1, -5, "N", "M", None]
REALS = [0.0, -1.0, 1e-45, 1e30, -3e38, float("inf"), float("-inf"), float("nan")]


class Tensor:
    """A value of a case: an input of the graph, or (`constant`) an initializer."""

    def __init__(self, text):
        dtype, dims, data = text.split(" ")
        self.dtype, self.dims = int(dtype), [int(d) for d in dims.split(",") if d]
        self.data, self.constant, self.declared = base64.b64decode(data), False, None

    def resize(self, dims):
        """The same elements again and again, as many as the new shape has."""
        count = 1
        for dim in dims:
            count *= dim if isinstance(dim, int) else 2
        size = max(0, count) * WIDTHS.get(self.dtype, 1)
        self.dims, self.declared = [d for d in dims if isinstance(d, int)], dims
        if not self.constant or size > MOST_CONTENTS or len(self.dims) != len(dims):
            self.constant = False
        else:
            self.data = (self.data or bytes(16)) * (size // len(self.data or bytes(16)) + 1)
            self.data = self.data[:size]

    def set_integers(self, numbers):
        width = WIDTHS[self.dtype]
        wrapped = [(n % 2 ** (8 * width)).to_bytes(width, "little") for n in numbers]
        self.data, self.dims, self.constant = b"".join(wrapped), [len(wrapped)], True


class Case:
    def __init__(self, entry):
        self.op, self.opset = entry["op"], entry["opset"]
        self.inputs = [Tensor(text) if text else None for text in entry["inputs"]]
        self.outputs = len(entry["outputs"])
        self.attributes = {name: self._value(value) for name, value in entry.get("attributes", {}).items()}
        self.output_dtype, self.output_dims = 0, None
        self.extra = []

    @staticmethod
    def _value(value):
        kind, content = next(iter(value.items()))
        if kind != "tensor":
            return content
        tensor = Tensor(content)
        return TensorProto(data_type=tensor.dtype, dims=tensor.dims, raw_data=tensor.data, name="value")

    def tensors(self):
        return [tensor for tensor in self.inputs if tensor]

    def model(self):
        names = [f"x{i}" if tensor else "" for i, tensor in enumerate(self.inputs)]
        outputs = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(self.op, names, outputs, "node")
        node.attribute.extend(attribute(name, value) for name, value in self.attributes.items())
        inputs, initializers = [], []
        for name, tensor in zip(names, self.inputs):
            if tensor and tensor.constant:
                initializers.append(
                    TensorProto(name=name, data_type=tensor.dtype, dims=tensor.dims, raw_data=tensor.data))
            elif tensor:
                dims = tensor.dims if tensor.declared is None else tensor.declared
                inputs.append(helper.make_tensor_value_info(name, tensor.dtype, dims))
        result = helper.make_tensor_value_info("z", self.output_dtype, self.output_dims)
        if self.output_dtype == 0:
            result.ClearField("type")
        nodes, last = [node], (outputs + names + ["x0"])[0]
        for i, (op, attributes) in enumerate(self.extra):
            nodes.append(
                helper.make_node(op, [last] * (1 if op not in TWO else 2), [f"e{i}"], f"extra{i}", **attributes))
            last = f"e{i}"
        nodes.append(helper.make_node("Identity", [last], ["z"], "last"))
        graph = helper.make_graph(nodes, "hostile", inputs, [result], initializers)
        return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", self.opset)])


TWO = ("Concat", "Mul", "MatMul")
EXTRA = [("Concat", {"axis": 0}), ("Mul", {}), ("MatMul", {}), ("Shape", {}), ("Flatten", {}), ("Softmax", {}),
         ("Transpose", {}), ("Cast", {"to": 11}), ("Cast", {"to": 10}), ("ReduceSum", {}), ("Size", {})]


def attribute(name, value):
    """helper.make_attribute, which takes empty lists and out-of-range numbers badly."""
    if isinstance(value, int):
        return AttributeProto(name=name, type=AttributeProto.INT, i=value)
    if isinstance(value, list) and all(isinstance(v, int) for v in value):
        return AttributeProto(name=name, type=AttributeProto.INTS, ints=value)
    return helper.make_attribute(name, value)


# The hostile changes.

def change_attribute(case, rng):
    if not case.attributes:
        return add_attribute(case, rng)
    name = rng.choice(sorted(case.attributes))
    value = case.attributes[name]
    if isinstance(value, int):
        case.attributes[name] = rng.choice(HOSTILE)
    elif isinstance(value, float):
        case.attributes[name] = rng.choice(REALS)
    elif isinstance(value, list) and value and isinstance(value[0], int):
        case.attributes[name] = hostile_list(value, rng)
    elif isinstance(value, TensorProto):
        value.dims[:] = [rng.choice(HOSTILE)] if rng.random() < 0.5 else []
    else:
        case.attributes[name] = rng.choice([0, [1], "", "SAME_UPPER", 2.5])


def hostile_list(values, rng):
    values = list(values)
    choice = rng.random()
    if choice < 0.6 and values:
        for _ in range(rng.randint(1, len(values))):
            values[rng.randrange(len(values))] = rng.choice(HOSTILE)
    elif choice < 0.75:
        values = values + [rng.choice(HOSTILE)]
    elif choice < 0.9:
        values = values[:-1]
    elif choice < 0.95:
        values = [rng.choice(HOSTILE)] * max(1, len(values))
    else:
        values = list(range(20000))
    return values


KNOWN = {"axis": 0, "axes": [0], "keepdims": 1, "pads": [0, 0, 0, 0], "strides": [1, 1], "dilations": [1, 1],
         "kernel_shape": [2, 2], "ceil_mode": 1, "auto_pad": "SAME_LOWER", "perm": [1, 0], "group": 2, "to": 7,
         "num_outputs": 2, "split": [1, 1], "hidden_size": 2, "layout": 1, "transA": 1, "transB": 1,
         "count_include_pad": 1, "storage_order": 1, "start": 1, "end": -1, "starts": [0], "ends": [1],
         "allowzero": 1, "mode": "reflect", "noop_with_empty_axes": 1, "direction": "bidirectional"}


def add_attribute(case, rng):
    name = rng.choice(sorted(KNOWN))
    case.attributes[name] = copy.deepcopy(KNOWN[name])
    if rng.random() < 0.5:
        change_attribute(case, rng)


def drop_attribute(case, rng):
    if case.attributes:
        del case.attributes[rng.choice(sorted(case.attributes))]


def change_dtype(case, rng):
    if case.tensors():
        rng.choice(case.tensors()).dtype = rng.choice(
            [1, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 21, 22, 26, 27])


def change_dims(case, rng):
    if not case.tensors():
        return
    tensor = rng.choice(case.tensors())
    dims = list(tensor.dims)
    choice = rng.random()
    if choice < 0.6 and dims:
        dims[rng.randrange(len(dims))] = rng.choice(SIZES)
    elif choice < 0.7:
        dims.insert(rng.randint(0, len(dims)), rng.choice(SIZES))
    elif choice < 0.8 and dims:
        dims.pop(rng.randrange(len(dims)))
    elif choice < 0.85:
        dims = [rng.choice(SIZES) for _ in range(rng.randint(0, 10))]
    elif choice < 0.95:
        dims = [1] * rng.choice([7, 8, 9, 63, 64, 65, 1000]) + dims
    else:
        tensor.declared = None if tensor.constant else []
        return
    tensor.resize(dims)


def make_constant(case, rng):
    for tensor in case.tensors():
        if rng.random() < 0.6 and tensor.declared is None:
            tensor.constant = True


def change_integers(case, rng):
    """Index tensors, shapes, pads, axes: the contents that decide about memory."""
    numbers = [t for t in case.tensors() if t.dtype in INTEGERS and len(t.data) <= 512]
    if not numbers:
        return make_constant(case, rng)
    tensor = rng.choice(numbers)
    count = len(tensor.data) // WIDTHS[tensor.dtype]
    values = [rng.choice(HOSTILE) if rng.random() < 0.4 else 1 for _ in range(count)]
    dims = tensor.dims
    tensor.set_integers(hostile_list(values, rng) if rng.random() < 0.3 else values)
    if len(values) * WIDTHS[tensor.dtype] == len(tensor.data) and rng.random() < 0.8:
        tensor.dims = dims


def change_reals(case, rng):
    import struct
    reals = [t for t in case.tensors() if t.dtype == 1 and t.data]
    if reals:
        tensor = rng.choice(reals)
        tensor.data = b"".join(struct.pack("<f", rng.choice(REALS)) for _ in range(len(tensor.data) // 4))
        tensor.constant = tensor.declared is None


def change_inputs(case, rng):
    choice = rng.random()
    if choice < 0.3 and case.inputs:
        case.inputs.pop(rng.randrange(len(case.inputs)))
    elif choice < 0.8 and case.tensors():
        case.inputs.insert(rng.randint(0, len(case.inputs)), copy.deepcopy(rng.choice(case.tensors())))
    elif case.inputs:
        case.inputs[rng.randrange(len(case.inputs))] = None


def change_outputs(case, rng):
    case.outputs = rng.choice([0, 1, 2, 3, 4, 9])


def contradict_output(case, rng):
    case.output_dtype = rng.choice([1, 1, 6, 7, 9, 11])
    case.output_dims = [rng.choice(SIZES) for _ in range(rng.randint(0, 4))]


def change_opset(case, rng):
    case.opset = rng.choice([1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 21, 24, 28, 29, 0, -1, 2**62])


def add_nodes(case, rng):
    case.extra += [rng.choice(EXTRA) for _ in range(rng.choice([1, 1, 2, 3, 40]))]


def double_often(case, rng):
    case.extra += [("Concat", {"axis": 0})] * rng.choice([20, 60])
    make_constant(case, rng)


CHANGES = [change_attribute] * 5 + [change_dims] * 5 + [change_integers] * 5 + [change_inputs] * 3 + [
    add_attribute, add_attribute, drop_attribute, change_dtype, change_dtype, make_constant, change_reals,
    change_outputs, contradict_output, change_opset, add_nodes, double_often]


class Models:
    """`models[i]` for any i: operators take turns, so that a short run sees all of them."""

    suffix = ".onnx"
    # One of these stands in each refusal.
    PLACES = ("node '", "tensor '", "tensors of", "deadline", "more memory")

    def __init__(self, seed=0):
        self.seed, self.entries = seed, {}
        for line in FIXTURES.read_text().splitlines():
            entry = json.loads(line)
            self.entries.setdefault(entry["op"], []).append(entry)
        self.operators = sorted(self.entries)

    def __getitem__(self, index):
        rng = random.Random(self.seed * 2**32 + index)
        case = Case(rng.choice(self.entries[self.operators[index % len(self.operators)]]))
        if rng.random() < 0.5:
            make_constant(case, rng)
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
            rng.choice(CHANGES)(case, rng)
        return case.model().SerializeToString()
