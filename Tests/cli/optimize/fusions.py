"""fusions.py FILE: a model with what the optimizer folds and fuses, bodies and functions."""
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

model = onnx.parser.parse_model(
    """
    <ir_version: 8, opset_import: ["": 17, "local": 1], producer_name: "test", model_version: 3>
    fusions (float[N, 4, 6, 6] image, float[N, 8] row)
        => (float[N, 5, 4, 4] features, float[N, 3] y, float[N, 3] twice) {
        convolved = Conv(image, kernels)
        normal = BatchNormalization(convolved, scale, shift, mean, variance)
        features = Relu(normal)
        product = MatMul(row, weights)
        sum = Add(product, bias)
        clipped = Clip(sum, low, high)
        total = ReduceSum <keepdims = 0> (clipped)
        flag = Greater(total, low)
        y = If (flag) <
            then_branch = small () => (float[n, 3] a) { a = Mul(clipped, bias) },
            else_branch = large () => (float[n, 3] b) { c = Relu(clipped)  b = local.shifted <by = 2.0> (c) }
        >
        twice = local.shifted <by = 0.5> (y)
    }
    <domain: "local", opset_import: ["": 17]>
    shifted <by> (x) => (z) {
        amount = Constant <value_float: float = @by> ()
        z = Add(x, amount)
    }
    """)
random = np.random.default_rng(0)
shapes = {"kernels": (5, 4, 3, 3), "scale": 5, "shift": 5, "mean": 5, "weights": (8, 3), "bias": (1, 3)}
arrays = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
arrays |= {
    "variance": random.uniform(0.5, 2, 5).astype(np.float32), "low": np.float32(-1), "high": np.float32(1.5)
}
for name, array in arrays.items():
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
