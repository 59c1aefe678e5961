"""folding.py FILE: a model whose nodes the optimizer folds, shares and joins, some of them in a loop."""
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

model = onnx.parser.parse_model(
    """
    <ir_version: 8, opset_import: ["": 17], producer_name: "test">
    folding (float[N, 2, S, 8] heads, float[1, S, 4] angles, float[N, 4, 6, 6] image, float[N, 8] row)
      => (float[N, 2, S, 8] rotated, float[N, 5, 7, 8] features, float[N, 3] y, float[N, 3] state) {
        doubled = Concat <axis = -1> (angles, angles)
        cosine = Cos(doubled)
        sine = Sin(doubled)
        cosines = Unsqueeze(cosine, one)
        sines = Unsqueeze(sine, one)
        front = Slice(heads, zero, four, last, one)
        back = Slice(heads, four, end, last, one)
        negated = Neg(back)
        swapped = Concat <axis = -1> (negated, front)
        plain = Mul(heads, cosines)
        turned = Mul(swapped, sines)
        rotated = Add(plain, turned)
        padded = Pad(image, pads)
        convolved = Conv(padded, kernels)
        features = Mul(convolved, factors)
        doubledrow = Mul(row, two)
        product = MatMul(doubledrow, weights)
        normal = BatchNormalization(product, scale, shift, mean, variance)
        once = Sigmoid(normal)
        again = Sigmoid(normal)
        y = Add(once, again)
        state = Loop(three, , y) <
            body = step (int64 i, bool goes, float[n, 3] s) => (bool on, float[n, 3] next) {
                on = Identity(goes)
                inner = Mul(s, two)
                made = MatMul(inner, square)
                sum = Add(made, shiftagain)
                next = Tanh(sum)
            }
        >
    }
    """)
random = np.random.default_rng(0)
shapes = {"kernels": (5, 4, 3, 3), "factors": (5, 1, 1), "scale": 3, "shift": 3, "mean": 3, "weights": (8, 3),
    "square": (3, 3)}
arrays = {name: random.standard_normal(shape) for name, shape in shapes.items()}
arrays |= {"variance": random.uniform(0.5, 2, 3), "two": 2, "shiftagain": arrays["shift"]}
integers = {"one": [1], "zero": [0], "four": [4], "last": [3], "end": [1 << 62], "pads": [0, 0, 1, 2, 0, 0, 2, 2],
    "three": 3}
for names, dtype in ((arrays, np.float32), (integers, np.int64)):
    for name, array in names.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(array, dtype), name))
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
