"""Models that ONNX Runtime's quantizers and optimizer write, answered by maas as by ONNX Runtime itself.

quantized.py: small networks of random weights (an MLP, a CNN, a transformer block, an LSTM) are quantized in every way
that onnxruntime.quantization has; each result is run as it is and as a session of ONNX Runtime saves it, optimized.
Where a sum of floats is rounded otherwise, a number of 8 bits may be one off, so that answers agree only to some of
their range.
"""
import itertools
import logging
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import onnxruntime.capi._pybind_state as native
from onnx import helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                      quant_pre_process, quantize_dynamic, quantize_static)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../bindings/python/src"))
import maas
from saturation import saturates

MOST, MEAN = 0.03, 0.006  # Of the largest number of the answer.
random = np.random.default_rng(5)
LEVELS = onnxruntime.GraphOptimizationLevel


def weights(*shape):
    return (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)


class Network:
    """A graph under construction: a call adds a node and returns the name of its output."""

    def __init__(self, *shape):
        self.nodes, self.constants = [], []
        self.input = helper.make_tensor_value_info("x", 1, shape)

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def __call__(self, op, *inputs, **attributes):
        names = [self.constant(i) if isinstance(i, (np.ndarray, np.generic)) else i for i in inputs]
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [name], name=name, **attributes))
        return name

    def model(self, output):
        graph = helper.make_graph(
            self.nodes, "g", [self.input], [helper.make_tensor_value_info(output, 1, None)], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mlp():
    n = Network("batch", 48)
    h = n("LeakyRelu", n("Gemm", "x", weights(64, 48), weights(64), transB=1), alpha=0.1)
    h = n("Sigmoid", n("Add", n("MatMul", h, weights(64, 40).T.copy().T), weights(40)))
    h = n("Mul", h, h)
    return n.model(n("Softmax", n("Gemm", h, weights(40, 10), weights(10))))


def cnn():
    n = Network(1, 3, 20, 20)
    a = n("Relu", n("Conv", "x", weights(8, 3, 3, 3), weights(8), pads=[1] * 4))
    b = n("LeakyRelu", n("Conv", a, weights(8, 8, 3, 3), pads=[1] * 4), alpha=0.2)
    c = n("MaxPool", n("Add", a, b), kernel_shape=[2, 2], strides=[2, 2])
    d = n("AveragePool", n("Conv", n("Concat", a, b, axis=1), weights(8, 16, 1, 1)), kernel_shape=[2, 2],
        strides=[2, 2])
    e = n("Mul", n("Sigmoid", c), d)
    f = n("Conv", e, weights(8, 1, 3, 3), weights(8), group=8, pads=[1] * 4)
    return n.model(n("Gemm", n("Flatten", n("GlobalAveragePool", f)), weights(8, 5), weights(5)))


def transformer():
    n, size, heads = Network("batch", "time", 32), 32, 4

    def split(x):
        x = n("Reshape", x, np.array([0, 0, heads, size // heads]))
        return n("Transpose", x, perm=[0, 2, 1, 3])

    def dense(x, *shape):
        return n("Add", n("MatMul", x, weights(*shape)), weights(shape[1]))

    h = n("LayerNormalization", "x", np.ones(size, np.float32), np.zeros(size, np.float32))
    q, k, v = (split(dense(h, size, size)) for _ in range(3))
    scores = n("MatMul", q, n("Transpose", k, perm=[0, 1, 3, 2]))
    mixed = n("MatMul", n("Softmax", scores), v)
    y = n("Reshape", n("Transpose", mixed, perm=[0, 2, 1, 3]), np.array([0, 0, size]))
    y = n("Add", "x", dense(y, size, size))
    y = n("Add", y, dense(n("Relu", dense(y, size, 96)), 96, size))
    return n.model(n("ReduceMean", y, axes=[1], keepdims=0))


def lstm():
    n = Network("time", 2, 16)
    y = n("LSTM", "x", weights(1, 80, 16) * 8, weights(1, 80, 20) * 8, weights(1, 160), hidden_size=20)
    return n.model(n("MatMul", n("Squeeze", y, np.array([1])), weights(20, 6)))


SHAPES = {mlp: (3, 48), cnn: (1, 3, 20, 20), transformer: (2, 5, 32), lstm: (4, 2, 16)}


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def dynamic(path, to, samples):
    for kind, columns in itertools.product((QuantType.QUInt8, QuantType.QInt8), (False, True)):
        quantize_dynamic(path, to, weight_type=kind, per_channel=columns, reduce_range=saturates())
        yield f"dynamic {kind.name}{' columns' * columns}"


def static(path, to, samples):
    kinds = ((QuantType.QUInt8, QuantType.QUInt8), (QuantType.QUInt8, QuantType.QInt8),
        (QuantType.QInt8, QuantType.QInt8))
    for form, (a, w), columns in itertools.product(QuantFormat, kinds, (False, True)):
        quantize_static(
            path, to, Samples(samples), form, activation_type=a, weight_type=w, per_channel=columns,
            reduce_range=saturates())
        yield f"{form.name} {a.name} {w.name}{' columns' * columns}"


def narrowed(node, weight, bits, block, symmetric, level):
    """MatMulNBits for a MatMul by `weight`, and its constants, as MatMulNBitsQuantizer makes them (which needs more
    packages)."""
    (k, n), per_byte = weight.shape, 8 // bits
    blocks = -(-k // block)
    padded = np.pad(weight, ((0, blocks * block - k), (0, 0)))
    parts = {
        "codes": np.zeros((n, blocks, block // per_byte), np.uint8), "scales": np.zeros((n, blocks), np.float32),
        "zeros": np.zeros((n, -(-blocks // per_byte)), np.uint8),
    }  # fmt: skip
    quantize = {2: native.quantize_matmul_2bits, 4: native.quantize_matmul_4bits, 8: native.quantize_matmul_8bits}[bits]
    quantize(parts["codes"], padded, parts["scales"], parts["zeros"], block, n, k, symmetric)
    if symmetric:
        del parts["zeros"]
    constants = [numpy_helper.from_array(value, f"{node.name}_{name}") for name, value in parts.items()]
    attributes = {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": level}
    inputs = [node.input[0]] + [c.name for c in constants]
    return helper.make_node("MatMulNBits", inputs, node.output, node.name, domain="com.microsoft",
        **attributes), constants


def narrow(path, to, samples):
    for bits, block, symmetric, level in itertools.product((2, 4, 8), (16, 32), (True, False), (0, 4)):
        model = onnx.load(path)
        values = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
        nodes = list(model.graph.node)
        for i, node in enumerate(nodes):
            if node.op_type == "MatMul" and node.input[1] in values:
                nodes[i], constants = narrowed(node, values[node.input[1]], bits, block, symmetric, level)
                model.graph.initializer.extend(constants)
        if not any(node.domain for node in nodes):
            return
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        onnx.save(model, to)
        yield f"{bits} bits of {block}{' symmetric' * symmetric} level {level}"


def optimized(path, to, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.optimized_model_filepath = level, to
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path, options)


def wrong(path, x, seen):
    """What maas does otherwise than ONNX Runtime, or None."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = LEVELS.ORT_DISABLE_ALL, 4
    nodes = onnx.load(path).graph.node
    if any(node.domain == "com.microsoft.nchwc" for node in nodes):
        return None  # ONNX Runtime's own layout of memory, for the machine that wrote the file.
    seen.update(node.op_type for node in nodes if node.domain == "com.microsoft")
    expected = onnxruntime.InferenceSession(path, options).run(None, {"x": x})[0]
    try:
        found = maas.Session(path).run(None, {"x": x})[0]
    except maas.MaasError as error:
        return str(error)
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    difference, largest = np.abs(found - expected), np.abs(expected).max()
    if difference.max() > MOST * largest or difference.mean() > MEAN * largest:
        return f"differs by {difference.max():.3g}, on the average {difference.mean():.3g}, of {largest:.3g}"
    return None


def main():
    logging.disable(logging.WARNING)
    passed, failed, seen = 0, 0, set()
    with tempfile.TemporaryDirectory() as folder:
        plain, path, saved = (os.path.join(folder, name) for name in ("plain.onnx", "quantized.onnx", "saved.onnx"))
        for make, shape in SHAPES.items():
            onnx.save(make(), plain)
            quant_pre_process(plain, plain, skip_symbolic_shape=True)
            samples = [{"x": random.standard_normal(shape).astype(np.float32)} for _ in range(4)]
            for method in (dynamic, static, narrow):
                for name in method(plain, path, samples):
                    for level in (None, LEVELS.ORT_ENABLE_EXTENDED, LEVELS.ORT_ENABLE_ALL):
                        if level is not None:
                            optimized(path, saved, level)
                        problem = wrong(path if level is None else saved, samples[0]["x"], seen)
                        passed, failed = passed + (problem is None), failed + (problem is not None)
                        if problem:
                            print(f"{make.__name__}, {name}, {level.name if level else 'as written'}: {problem}")
    print("operators of com.microsoft:", ", ".join(sorted(seen)))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
