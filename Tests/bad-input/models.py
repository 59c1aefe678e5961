"""Sound protobuf files that are no sound models: the demo model with one change each."""
import os
import struct

from onnx import TensorProto, helper

from table import case, digits, write


def node(model, name):
    return next(n for n in model.graph.node if n.name == name)


def initializer(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def set_attribute(name, attribute, value):
    """A change of one attribute of one node."""

    def change(model):
        found = node(model, name)
        kept = [a for a in found.attribute if a.name != attribute]
        del found.attribute[:]
        found.attribute.extend(kept)
        if value is not None:
            found.attribute.append(helper.make_attribute(attribute, value))

    return change


def set_dims(name, dims, keep_data=True):
    def change(model):
        tensor = initializer(model, name)
        del tensor.dims[:]
        tensor.dims.extend(dims)
        if not keep_data:
            tensor.ClearField("raw_data")

    return change


def set_data(name, edit):
    def change(model):
        tensor = initializer(model, name)
        tensor.raw_data = edit(tensor.raw_data)

    return change


def set_input(name, index, value):
    def change(model):
        node(model, name).input[index] = value

    return change


def set_output(name, value):
    def change(model):
        node(model, name).output[0] = value

    return change


def set_operator(op_type, domain=""):
    def change(model):
        relu = node(model, "relu1")
        relu.op_type, relu.domain = op_type, domain

    return change


def import_opset(domain, version):
    def change(model):
        set_operator("Relu", domain)(model)
        model.opset_import.append(helper.make_opsetid(domain, version))

    return change


def set_opset(version):
    def change(model):
        del model.opset_import[:]
        if version is not None:
            model.opset_import.append(helper.make_opsetid("", version))

    return change


def external(**fields):
    """The weights of conv1 (576 bytes) are looked for elsewhere."""

    def change(model):
        tensor = initializer(model, "conv1.weight")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in fields.items():
            tensor.external_data.add(key=key, value=value)

    return change


def set_dtype(name, dtype):
    def change(model):
        initializer(model, name).data_type = dtype

    return change


def set_inputs(name, inputs):
    def change(model):
        del node(model, name).input[:]
        node(model, name).input.extend(inputs)

    return change


def copy_initializer(model):
    model.graph.initializer.append(initializer(model, "conv1.bias"))


def copy_input(model):
    model.graph.input.append(model.graph.input[0])


def lose_output(model):
    model.graph.output[0].name = "nowhere"


def no_outputs(model):
    del model.graph.output[:]


def no_graph(model):
    model.ClearField("graph")


def add_dtypes(model):
    initializer(model, "white").data_type = TensorProto.DOUBLE
    initializer(model, "white").raw_data = struct.pack("<d", 16)


# name, change of the demo model, kind, status, words
MODELS = [
    ("raw-data-short", set_data("conv1.weight", lambda d: d[:-4]), "open", "INVALID_MODEL",
        ["conv1.weight", "576", "572"]),
    ("raw-data-long", set_data("conv1.weight", lambda d: d + b"1234"), "open", "INVALID_MODEL",
        ["conv1.weight", "576", "580"]),
    ("raw-data-none", set_data("conv1.weight", lambda d: b""), "open", "INVALID_MODEL", ["conv1.weight", "576"]),
    ("dims-negative", set_dims("conv1.weight", [16, -1, 3, 3]), "open", "INVALID_MODEL", ["conv1.weight", "-1"]),
    ("dims-zero", set_dims("conv1.weight", [16, 0, 3, 3]), "open", "INVALID_MODEL", ["conv1.weight", "576"]),
    ("dims-zero-no-data", set_dims("conv1.weight", [16, 0, 3, 3], False), "model", "SHAPE_MISMATCH", ["conv1"]),
    ("dims-overflow", set_dims("conv1.weight", [1 << 40, 1 << 40]), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("elements-2^62", set_dims("conv1.weight", [1 << 62]), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("elements-2^62-no-data", set_dims("conv1.weight", [1 << 62], False), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("elements-2^60-no-data", set_dims("conv1.weight", [1 << 60], False), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("unknown-operator", set_operator("Reluu"), "open", "UNSUPPORTED", ["relu1", "Reluu"]),
    ("unknown-domain", import_opset("com.example", 1), "open", "UNSUPPORTED", ["relu1", "com.example"]),
    ("domain-not-imported", set_operator("Relu", "com.example"), "open", "INVALID_MODEL", ["com.example"]),
    ("opset-too-new", set_opset(9999), "open", "UNSUPPORTED", ["9999"]),
    ("opset-zero", set_opset(0), "open", "INVALID_MODEL", ["opset"]),
    ("opset-missing", set_opset(None), "open", "INVALID_MODEL", ["opset"]),
    ("cycle", set_input("conv1", 0, "relu1"), "open", "INVALID_MODEL", ["cycle"]),
    ("cycle-of-one", set_input("relu1", 0, "relu1"), "open", "INVALID_MODEL", ["relu1", "cycle"]),
    ("input-missing", set_input("relu1", 0, "nobody"), "open", "INVALID_MODEL", ["relu1", "nobody"]),
    ("input-empty", set_input("relu1", 0, ""), "open", "INVALID_MODEL", ["relu1"]),
    ("output-twice", set_output("relu1", "conv1"), "open", "INVALID_MODEL", ["conv1"]),
    ("output-is-input", set_output("relu1", "image"), "open", "INVALID_MODEL", ["image"]),
    ("output-is-weight", set_output("relu1", "conv1.bias"), "open", "INVALID_MODEL", ["conv1.bias"]),
    ("initializer-twice", copy_initializer, "open", "INVALID_MODEL", ["conv1.bias"]),
    ("input-twice", copy_input, "open", "INVALID_MODEL", ["image"]),
    ("output-of-nobody", lose_output, "open", "INVALID_MODEL", ["nowhere"]),
    ("no-outputs", no_outputs, "open", "INVALID_MODEL", ["output"]),
    ("no-graph", no_graph, "open", "INVALID_MODEL", ["graph"]),
    ("dtype-unknown", set_dtype("conv1.weight", 99), "open", "UNSUPPORTED", ["conv1.weight", "99"]),
    ("dtype-undefined", set_dtype("conv1.weight", 0), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("dtypes-mixed", add_dtypes, "model", "TYPE_MISMATCH", ["scale", "float", "double"]),
    ("inputs-too-few", set_inputs("dense", ["features"]), "open", "INVALID_MODEL", ["dense", "Gemm"]),
    ("inputs-too-many", set_inputs("relu1", ["conv1", "image"]), "open", "INVALID_MODEL", ["relu1", "Relu"]),
    ("attribute-missing", set_attribute("pool", "kernel_shape", None), "open", "INVALID_MODEL",
        ["pool", "kernel_shape"]),
    ("attribute-type", set_attribute("softmax", "axis", "last"), "open", "INVALID_MODEL", ["softmax", "axis"]),
    ("attribute-unknown", set_attribute("softmax", "axes", 1), "open", "UNSUPPORTED", ["softmax", "axes", "axis"]),
    ("axis-too-large", set_attribute("softmax", "axis", 7), "model", "INVALID_MODEL", ["softmax", "7"]),
    ("kernel-zero", set_attribute("pool", "kernel_shape", [0, 2]), "model", "INVALID_MODEL", ["pool", "kernel_shape"]),
    ("kernel-huge", set_attribute("pool", "kernel_shape", [1 << 62, 1 << 62]), "model", "INVALID_MODEL", ["pool"]),
    ("strides-zero", set_attribute("pool", "strides", [2, 0]), "model", "INVALID_MODEL", ["pool", "strides"]),
    ("strides-short", set_attribute("pool", "strides", [2]), "model", "INVALID_MODEL", ["pool", "strides"]),
    ("pads-huge", set_attribute("conv1", "pads", [1 << 62] * 4), "model", "INVALID_MODEL", ["conv1"]),
    ("pads-enormous", set_attribute("conv1", "pads", [1 << 30] * 4), "model", "INVALID_MODEL", ["conv1"]),
    ("pads-negative", set_attribute("conv1", "pads", [-1] * 4), "model", "INVALID_MODEL", ["conv1", "pads"]),
    ("group-zero", set_attribute("conv1", "group", 0), "model", "INVALID_MODEL", ["conv1", "group"]),
    ("channels-differ", set_input("conv2", 1, "conv1.weight"), "model", "SHAPE_MISMATCH", ["conv2"]),
    ("inner-dims-differ", set_dims("dense.weight", [384, 10]), "model", "SHAPE_MISMATCH", ["dense", "384"]),
    ("external-outside", external(location="../outside.bin"), "open", "INVALID_MODEL",
        ["conv1.weight", "../outside.bin"]),
    ("external-absolute", external(location="/etc/passwd"), "open", "INVALID_MODEL", ["conv1.weight", "/etc/passwd"]),
    ("external-link", external(location="link.bin"), "open", "INVALID_MODEL", ["conv1.weight", "link.bin"]),
    ("external-dots", external(location="folder/../../outside.bin"), "open", "INVALID_MODEL", ["conv1.weight"]),
    ("external-missing", external(location="missing.bin"), "open", "NOT_FOUND", ["conv1.weight", "missing.bin"]),
    ("external-folder", external(location="folder"), "open", "IO_ERROR", ["conv1.weight", "folder"]),
    ("external-nowhere", external(), "open", "INVALID_MODEL", ["conv1.weight", "location"]),
    ("external-short", external(location="short.bin"), "open", "INVALID_MODEL", ["conv1.weight", "short.bin", "576"]),
    ("external-offset", external(location="weights.bin", offset="577"), "open", "INVALID_MODEL",
        ["conv1.weight", "577"]),
    ("external-offset-negative", external(location="weights.bin", offset="-4"), "open", "INVALID_MODEL",
        ["conv1.weight", "-4"]),
    ("external-offset-huge", external(location="weights.bin", offset=str((1 << 63) - 4)), "open", "INVALID_MODEL",
        ["conv1.weight"]),
    ("external-length", external(location="weights.bin", length="8"), "open", "INVALID_MODEL",
        ["conv1.weight", "576", "8"]),
    ("external-words", external(location="weights.bin", offset="four"), "open", "INVALID_MODEL",
        ["conv1.weight", "four"]),
]


def external_files(folder):
    """What the models above point at; `outside.bin` has good data, but lies outside their folder."""
    weights = initializer(digits(), "conv1.weight").raw_data
    write(os.path.join(os.path.dirname(folder), "outside.bin"), weights)
    write(os.path.join(folder, "weights.bin"), weights)
    write(os.path.join(folder, "short.bin"), weights[:-4])
    os.mkdir(os.path.join(folder, "folder"))
    os.symlink("../outside.bin", os.path.join(folder, "link.bin"))


def changed_models(folder):
    models = os.path.join(folder, "models")
    os.mkdir(models)
    external_files(models)
    for name, change, kind, status, words in MODELS:
        model = digits()
        change(model)
        write(os.path.join(models, f"{name}.onnx"), model.SerializeToString())
        case(name, kind, f"models/{name}.onnx", status, [f"{name}.onnx", *words])
