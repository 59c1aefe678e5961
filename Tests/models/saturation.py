"""What products of bytes can be compared with on this CPU.

Where a CPU has no instruction for dot products of bytes, ONNX Runtime adds two products of uint8 and int8 in 16 bits.
They saturate when weights need more than seven bits, which its quantizers' option reduce_range is for. maas's never do.
"""
import platform

import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator


def saturates():
    if platform.machine() != "x86_64":
        return False
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return not {"avx512_vnni", "avx_vnni"} & set(flags)


def session(path):
    """ONNX Runtime with a model. Where it saturates, products stay floats between QuantizeLinear and DequantizeLinear,
    and ONNX's evaluator has models with products of integers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if saturates():
        model = onnx.load(path)
        if {"MatMulInteger", "ConvInteger"} & {node.op_type for node in model.graph.node}:
            return ReferenceEvaluator(model)
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options)
