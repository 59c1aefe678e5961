"""Each integer operator of models that ONNX Runtime's quantizers write, by itself, gives what ONNX Runtime gives.

A model is run by ONNX Runtime as it is written, without any rewriting, and every tensor of bytes in it is kept. Then it
is cut there: maas gets ONNX Runtime's bytes and must make the next ones, with no more than one step between the two.
What whole models differ by is then only what such steps grow to behind them.
"""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

import maas
import quantized

BYTES = (np.uint8, np.int8)
#: Of the largest float: sums of products that are rounded in another order.
TOLERANCE = 1e-4
MAKE_CUTS = ("DynamicQuantizeLinear", "DynamicQuantizeLSTM", "MatMulNBits")


class Pieces:
    """A model cut at its tensors of bytes, at what DynamicQuantizeLinear says of them, and around products by blocks of
    weights."""

    def __init__(self, path, feed):
        self.model = onnx.load(path)
        self.constants = {c.name: c for c in self.model.graph.initializer}
        self.makers = {output: node for node in self.model.graph.node for output in node.output}
        self.values = feed | self._run()(None, feed)
        self.cuts = set(feed) | {name for name in self.makers if self._is_cut(name)}
        self.cuts |= {node.input[0] for node in self.model.graph.node if node.op_type == "MatMulNBits"}

    def _run(self):
        """Every value of the model by its name."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        names = [output for node in model.graph.node for output in node.output if output]
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        session = unchanged(model)
        return lambda _, feed: dict(zip(names, session.run(names, feed)))

    def _is_cut(self, name):
        return self.values[name].dtype in BYTES or self.makers[name].op_type in MAKE_CUTS

    def targets(self):
        outputs = {output.name for output in self.model.graph.output}
        return [name for name in self.makers if name in self.cuts or name in outputs]

    def piece(self, target):
        """The model that makes a tensor of the cut ones before it, and what it reads."""
        wanted, nodes, feed = [target], {}, {}
        while wanted:
            name = wanted.pop()
            if name in self.cuts and name != target:
                feed[name] = self.values[name]
            elif name in self.makers and id(self.makers[name]) not in nodes:
                nodes[id(self.makers[name])] = self.makers[name]
                wanted += [i for i in self.makers[name].input if i]
        ordered = [node for node in self.model.graph.node if id(node) in nodes]
        read = {i for node in ordered for i in node.input}
        graph = helper.make_graph(
            ordered, "piece", [info(name, value) for name, value in feed.items()], [info(target, self.values[target])],
            [c for name, c in self.constants.items() if name in read])  # fmt: skip
        return helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version), feed


def info(name, value):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)


def unchanged(model):
    """On one thread: with more DynamicQuantizeLSTM quantizes the hidden values of fewer rows together."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level, options.log_severity_level = quantized.LEVELS.ORT_DISABLE_ALL, 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def steps_between(found, expected):
    """How many steps of the scale, or for floats of the tolerance, there are between the two."""
    assert found.shape == expected.shape and found.dtype == expected.dtype
    if expected.dtype in BYTES:
        return int(np.abs(found.astype(int) - expected).max(initial=0))
    return float(
        np.abs(found.astype(float) - expected).max(initial=0) / (np.abs(expected).max(initial=1e-30) * TOLERANCE))


def tolerance(nodes):
    """With accuracy_level 4 maas need not round what MatMulNBits multiplies."""
    levels = [a.i for node in nodes if node.op_type == "MatMulNBits" for a in node.attribute
        if a.name == "accuracy_level"]
    return 100 if 4 in levels else 1


def check(path, feed):
    pieces, kinds = Pieces(path, feed), set()
    for target in pieces.targets():
        model, inputs = pieces.piece(target)
        found = maas.Session(model.SerializeToString()).run([target], inputs)[0]
        steps = steps_between(np.asarray(found), pieces.values[target])
        assert steps <= tolerance(model.graph.node), (target, [node.op_type for node in model.graph.node], steps)
        kinds |= {node.op_type for node in model.graph.node}
    return kinds


@pytest.mark.parametrize("method", [quantized.dynamic, quantized.static, quantized.narrow], ids=lambda m: m.__name__)
@pytest.mark.parametrize("make", list(quantized.SHAPES), ids=lambda m: m.__name__)
def test_every_operator_is_within_one_step(tmp_path, make, method):
    plain, path = (str(tmp_path / name) for name in ("plain.onnx", "quantized.onnx"))
    onnx.save(make(), plain)
    quantized.quant_pre_process(plain, plain, skip_symbolic_shape=True)
    random = np.random.default_rng(8)
    samples = [{"x": random.standard_normal(quantized.SHAPES[make]).astype(np.float32)} for _ in range(4)]
    for _ in method(plain, path, samples):
        check(path, samples[0])
