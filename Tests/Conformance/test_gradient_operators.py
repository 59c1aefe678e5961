"""Gradients of the operators of dense and convolutional networks, against central differences of the ONNX reference
evaluator in double precision, and in float against double."""
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import maas

TRAINING = "ai.onnx.preview.training"
random = np.random.default_rng(11)


def values(*shape, low=-1.0, high=1.0):
    """Numbers of which no two are so near that a step of a difference would change their order."""
    count = int(np.prod(shape))
    spread = (np.arange(count) + random.uniform(0.2, 0.8, count)) / count
    return low + (high - low) * random.permutation(spread).reshape(shape)


def positive(*shape):
    return values(*shape, low=0.3, high=1.5)


def integers(*numbers):
    return np.array(numbers, np.int64)


class Case:
    """`wanted` are differentiated; `fixed` are initializers. The end is a sum of sines, so that every place has its own
    weight.

    `formula` gives the operator's result where the reference evaluator computes in float or otherwise than ONNX says.
    """

    def __init__(self, op, wanted, opset=22, fixed=None, domain="", outputs=1, names=None, formula=None, **attributes):
        self.formula = formula
        self.op, self.wanted, self.opset, self.fixed = op, wanted, opset, fixed or {}
        self.names = names or list(wanted) + list(self.fixed)
        self.domain, self.outputs, self.attributes = domain, outputs, attributes

    def nodes(self):
        outputs = ["s"] + [f"s{i}" for i in range(1, self.outputs)]
        own = helper.make_node(self.op, self.names, outputs, domain=self.domain, **self.attributes)
        return [own, helper.make_node("Sin", ["s"], ["y"])]

    def model(self, nodes, outputs, dtype, shapes=None):
        declared = lambda name, shape: helper.make_tensor_value_info(name, dtype, shape)
        as_dtype = lambda v: v.astype(helper.tensor_dtype_to_np_dtype(dtype)) if v.dtype == np.float64 else v
        graph = helper.make_graph(
            nodes, "g",
            [declared(n, shapes(n, v) if shapes else v.shape) for n, v in self.wanted.items()],
            [declared(n, None) for n in outputs],
            [numpy_helper.from_array(as_dtype(np.asarray(v)), n) for n, v in self.fixed.items()])  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(TRAINING, 1)]
        if self.domain:
            opsets.append(helper.make_opsetid(self.domain, 1))
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def gradients(self, dtype=TensorProto.DOUBLE, shapes=None):
        results = [f"d{n}" for n in self.wanted]
        gradient = helper.make_node("Gradient", list(self.wanted), results, domain=TRAINING, xs=list(self.wanted),
            y="y")
        session = maas.Session(self.model([*self.nodes(), gradient], results, dtype, shapes).SerializeToString())
        kind = helper.tensor_dtype_to_np_dtype(dtype)
        return session.run(None, {n: v.astype(kind) for n, v in self.wanted.items()})

    def forward(self):
        if self.formula:
            return lambda feeds: np.sin(self.formula(*[feeds.get(n, self.fixed.get(n)) for n in self.names]))
        evaluator = ReferenceEvaluator(self.model(self.nodes(), ["y"], TensorProto.DOUBLE))
        return lambda feeds: evaluator.run(None, feeds)[0]

    def differences(self, name, step=1e-6):
        forward = self.forward()
        result = np.zeros(self.wanted[name].shape)
        for at in np.ndindex(result.shape):
            sides = []
            for sign in (1, -1):
                moved = {k: np.array(v) for k, v in self.wanted.items()}
                moved[name][at] += sign * step
                sides.append(np.sum(forward(moved)))
            result[at] = (sides[0] - sides[1]) / (2 * step)
        return result


def reductions():
    plain = values(2, 3, 4)
    some_zero = values(3, 4)
    some_zero[1, 2] = some_zero[2, 0] = some_zero[2, 3] = 0
    for op in "ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMin ReduceProd ReduceSumSquare".split():
        for keep in (0, 1):
            yield f"{op}_{keep}", Case(op, {"x": plain}, fixed={"axes": integers(0, -1)}, keepdims=keep)
        yield f"{op}_all", Case(op, {"x": plain})
        yield f"{op}_attribute", Case(op, {"x": plain}, opset=13, axes=[1])
    yield "ReduceLogSum", Case("ReduceLogSum", {"x": positive(2, 3, 4)}, fixed={"axes": integers(1)})
    yield "ReduceProd_zeros", Case("ReduceProd", {"x": some_zero}, fixed={"axes": integers(1)})


def elementwise():
    a, b = values(2, 3, low=0.4, high=2), values(3)
    yield "Pow", Case("Pow", {"a": a, "b": b})
    yield "Pow_square", Case("Pow", {"a": values(2, 3)}, fixed={"b": np.array(2.0)})
    yield "Pow_integer", Case("Pow", {"a": values(2, 3)}, fixed={"b": integers(3)})
    yield "PRelu", Case("PRelu", {"x": values(2, 3, 4), "slope": values(3, 1)})
    yield "Max", Case("Max", {"a": values(2, 3), "b": values(3), "c": values(2, 1)})
    yield "Min", Case("Min", {"a": values(2, 3), "b": values(3)})
    yield "Max_one", Case("Max", {"a": values(2, 3)})
    yield "Mean", Case("Mean", {"a": values(2, 3), "b": values(3), "c": values(2, 1)})
    where = {"c": np.array([[True, False, True], [False, False, True]])}
    yield "Where", Case("Where", {"a": values(2, 3), "b": values(3)}, fixed=where, names=["c", "a", "b"])
    bounds = {"low": np.array(-0.5), "high": np.array(0.4)}
    yield "Clip", Case("Clip", {"x": values(20)}, fixed=bounds)
    yield "Clip_above", Case("Clip", {"x": values(20)}, fixed={"high": np.array(0.4)}, names=["x", "", "high"])
    yield "Clip_attributes", Case("Clip", {"x": values(20)}, opset=6, min=-0.5, max=0.4)
    yield "LeakyRelu_zero", Case("LeakyRelu", {"x": values(9)}, alpha=0.0)
    yield "LeakyRelu_negative", Case("LeakyRelu", {"x": values(9)}, alpha=-0.5)
    yield "Elu_negative", Case("Elu", {"x": values(9)}, alpha=-0.5)
    yield "Celu", Case("Celu", {"x": values(9)}, alpha=0.7)
    yield "Shrink", Case("Shrink", {"x": values(9)}, lambd=0.3, bias=0.1)
    yield "Swish", Case("Swish", {"x": values(9)}, opset=24, alpha=1.3)


def normalized(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def group_norm(x, scale, bias, groups=2):
    flat = normalized(x.reshape(x.shape[0], groups, -1), 2).reshape(x.shape)
    return flat * scale[:, None, None] + bias[:, None, None]


def local_response(size, alpha, beta, bias):
    def formula(x):
        sums = np.zeros_like(x)
        for c in range(x.shape[1]):
            sums[:, c] = (x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1] ** 2).sum(1)
        return x / (bias + alpha / size * sums) ** beta

    return formula


def largest_of_windows(x):
    """Windows of 3 x 2 with 1 row of padding above and below and 1 column behind."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 1)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 2), (2, 3)).max((-1, -2))


def spread_groups(x, w, b):
    """A transposed convolution of one image in two groups, kernel 2 x 2, dilated by 2 along the height."""
    y = np.zeros((1, 4, 5, 4)) + b[:, None, None]
    for channel, tap_y, tap_x in np.ndindex(4, 2, 2):
        first = channel // 2 * 2
        rows, columns = slice(2 * tap_y, 2 * tap_y + 3), slice(tap_x, tap_x + 3)
        y[0, first : first + 2, rows, columns] += w[channel, :, tap_y, tap_x][:, None, None] * x[0, channel]
    return y


def softmaxes():
    flat = lambda x: softmax(x.reshape(len(x), -1)).reshape(x.shape)
    formulas = {"Softmax": flat, "LogSoftmax": lambda x: np.log(flat(x))}
    for op in ("Softmax", "LogSoftmax"):
        for axis in (0, 1, -1):
            yield f"{op}_{axis}", Case(op, {"x": values(3, 4, 5)}, axis=axis)
        yield f"{op}_flat", Case(op, {"x": values(3, 4, 5)}, opset=11, axis=1, formula=formulas[op])


def losses():
    for op in ("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"):
        for reduction in ("mean", "sum", "none"):
            yield (f"{op}_{reduction}", Case(op, {"x": values(4, 3)}, fixed={"t": integers(0, 2, 1, 2)},
                reduction=reduction))
        places = {"t": integers([0, 2], [1, 1]), "w": positive(3)}
        for reduction in ("mean", "sum", "none"):
            name = f"{op}_places_{reduction}"
            yield name, Case(op, {"x": values(2, 3, 2)}, fixed=places, reduction=reduction, ignore_index=2)


def normalizations():
    x, scale, bias = values(3, 4, 2, 3), positive(4), values(4)
    given = {"mean": values(4), "variance": positive(4)}
    yield "BatchNormalization", Case("BatchNormalization", {"x": x, "scale": scale, "bias": bias}, fixed=given)
    yield "BatchNormalization_training", Case(
        "BatchNormalization", {"x": x, "scale": scale, "bias": bias}, fixed=given, outputs=3, training_mode=1)
    yield "BatchNormalization_dense", Case(
        "BatchNormalization", {"x": values(5, 4), "scale": scale, "bias": bias}, fixed=given, outputs=3,
        training_mode=1)
    part = {"scale": positive(2, 3), "bias": values(2, 3)}
    yield "LayerNormalization", Case("LayerNormalization", {"x": values(4, 2, 3), **part}, axis=1)
    yield "LayerNormalization_plain", Case("LayerNormalization", {"x": values(4, 5), "scale": positive(5)})
    yield ("LayerNormalization_one",
        Case("LayerNormalization", {"x": values(4, 5), "scale": positive(1), "bias": values(1)}))
    yield "RMSNormalization", Case("RMSNormalization", {"x": values(4, 5), "scale": positive(5)}, opset=23)
    yield "InstanceNormalization", Case("InstanceNormalization", {"x": x, "scale": scale, "bias": bias})
    yield ("GroupNormalization", Case("GroupNormalization", {"x": x, "scale": scale, "bias": bias}, num_groups=2,
        formula=group_norm))
    yield ("LpNormalization_1", Case("LpNormalization", {"x": values(3, 4)}, p=1,
        formula=lambda x: x / abs(x).sum(-1, keepdims=True)))
    yield "LpNormalization_2", Case("LpNormalization", {"x": values(3, 4)}, axis=0)
    yield ("LRN", Case("LRN", {"x": values(2, 5, 2, 2)}, size=3, alpha=0.5, beta=0.6, bias=1.5,
        formula=local_response(3, 0.5, 0.6, 1.5)))
    yield ("LRN_even", Case("LRN", {"x": values(2, 5, 2)}, size=2, alpha=0.5, bias=1.5,
        formula=local_response(2, 0.5, 0.75, 1.5)))
    yield ("MeanVarianceNormalization",
        Case("MeanVarianceNormalization", {"x": values(2, 3, 2, 2)}, formula=lambda x: normalized(x, (0, 2, 3), 0)))


def convolutions():
    def conv(x, w, bias=True, op="Conv", **attributes):
        filters = w[1] * attributes.get("group", 1) if op == "ConvTranspose" else w[0]
        wanted = {"x": values(*x), "w": values(*w), **({"b": values(filters)} if bias else {})}
        return Case(op, wanted, **attributes)

    yield "Conv", conv((2, 3, 5, 4), (4, 3, 3, 2))
    yield "Conv_many", conv((1, 8, 4, 3), (8, 8, 3, 3), pads=[1, 1, 1, 1])
    yield "Conv_padded", conv((2, 2, 4, 5), (6, 2, 3, 3), pads=[1, 1, 1, 1])
    yield "Conv_strided", conv((2, 2, 6, 5), (5, 2, 3, 3), pads=[1, 0, 1, 2], strides=[2, 3])
    yield "Conv_dilated", conv((1, 2, 7, 6), (5, 2, 2, 3), dilations=[3, 2], pads=[0, 1, 2, 1])
    yield "Conv_groups", conv((2, 4, 4, 4), (6, 2, 3, 3), group=2, pads=[1, 1, 1, 1], bias=False)
    yield "Conv_groups_strided", conv((2, 4, 5, 4), (6, 2, 3, 3), group=2, strides=[2, 2])
    yield "Conv_depthwise", conv((2, 3, 5, 5), (3, 1, 3, 3), group=3, pads=[1, 1, 1, 1])
    yield "Conv_depthwise_strided", conv((2, 3, 6, 5), (3, 1, 3, 3), group=3, pads=[1, 1, 1, 1], strides=[2, 2])
    yield "Conv_multiplier", conv((1, 2, 4, 4), (4, 1, 3, 3), group=2)
    yield "Conv_pointwise", conv((2, 5, 3, 3), (7, 5, 1, 1))
    yield "Conv_pointwise_strided", conv((2, 3, 4, 4), (5, 3, 1, 1), strides=[2, 2])
    yield "Conv_line", conv((2, 3, 9), (5, 3, 4), strides=[2], pads=[1, 2])
    yield "Conv_volume", conv((1, 2, 3, 4, 3), (5, 2, 2, 3, 2), pads=[1, 1, 0, 0, 1, 1])
    yield "Conv_same", conv((1, 2, 5, 4), (3, 2, 3, 2), auto_pad="SAME_UPPER", strides=[2, 1])
    yield "Conv_same_lower", conv((1, 2, 4, 4), (3, 2, 2, 2), auto_pad="SAME_LOWER")
    yield "ConvTranspose", conv((2, 3, 3, 4), (3, 5, 3, 2), op="ConvTranspose")
    yield "ConvTranspose_strided", conv(
        (2, 2, 3, 3), (2, 5, 3, 3), op="ConvTranspose", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    yield "ConvTranspose_groups", conv(
        (1, 4, 3, 3), (4, 2, 2, 2), op="ConvTranspose", group=2, dilations=[2, 1], formula=spread_groups)
    yield "ConvTranspose_line", conv((2, 2, 5), (2, 3, 3), op="ConvTranspose", strides=[3])


def pools():
    x = {"x": values(2, 2, 5, 6)}
    yield "MaxPool", Case("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    yield "MaxPool_overlapping", Case("MaxPool", x, kernel_shape=[3, 2], pads=[1, 0, 1, 1], formula=largest_of_windows)
    yield "MaxPool_dilated", Case("MaxPool", x, kernel_shape=[2, 2], dilations=[2, 3], strides=[1, 2])
    yield "MaxPool_line", Case("MaxPool", {"x": values(2, 2, 7)}, kernel_shape=[3], strides=[2], ceil_mode=1)
    yield "MaxPool_volume", Case("MaxPool", {"x": values(1, 2, 4, 4, 4)}, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    yield "AveragePool", Case("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    yield "AveragePool_padded", Case("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield "AveragePool_counted", Case(
        "AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    yield "LpPool", Case("LpPool", {"x": values(1, 2, 4, 4)}, kernel_shape=[2, 2], p=3)
    yield "LpPool_2", Case("LpPool", {"x": values(1, 2, 4, 4)}, kernel_shape=[2, 2], strides=[2, 2])
    yield "GlobalAveragePool", Case("GlobalAveragePool", {"x": values(2, 3, 4, 2)})
    yield "GlobalMaxPool", Case("GlobalMaxPool", {"x": values(2, 3, 4, 2)})


def resizes():
    def resize(x, scales=None, opset=19, **attributes):
        """By scales, floats in every model, or else by the attribute's sizes."""
        fixed = {"sizes": integers(*attributes.pop("sizes"))} if scales is None else {
            "scales": np.array(scales, np.float32)}
        if "region" in attributes:
            fixed["region"] = np.array(attributes.pop("region"), np.float32)
        names = ["x", "region" if "region" in fixed else "", "scales" if "scales" in fixed else "", "sizes"
            if "sizes" in fixed else ""]
        while not names[-1]:
            names.pop()
        return Case("Resize", {"x": values(*x)}, opset=opset, fixed=fixed, names=names, **attributes)

    flat, line = (1, 2, 3, 4), (2, 5)
    for mode in ("nearest", "linear", "cubic"):
        yield f"Resize_{mode}", resize(flat, [1, 1, 2, 2], mode=mode)
        yield f"Resize_{mode}_odd", resize(flat, [1, 1, 1.75, 0.625], mode=mode)
        yield (f"Resize_{mode}_corners",
            resize(flat, sizes=(1, 2, 5, 7), mode=mode, coordinate_transformation_mode="align_corners"))
        yield (f"Resize_{mode}_asymmetric",
            resize(line, [1, 0.75], mode=mode, coordinate_transformation_mode="asymmetric"))
    yield "Resize_nearest_ceil", resize(flat, [1, 1, 0.75, 1.25], mode="nearest", nearest_mode="ceil")
    yield "Resize_linear_smooth", resize(line, [1, 0.625], mode="linear", antialias=1)
    yield "Resize_cubic_inside", resize(line, [1, 1.625], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5)
    yield "Resize_axes", resize(flat, [2.0, 0.5], mode="linear", axes=[2, 3])
    yield "Resize_aspect", resize(flat, sizes=(6, 6), mode="linear", axes=[2, 3], keep_aspect_ratio_policy="not_larger")
    yield "Resize_region", resize(
        flat, sizes=(1, 2, 4, 5), mode="linear", coordinate_transformation_mode="tf_crop_and_resize",
        extrapolation_value=3.0,
        region=[0, 0, 0.3, -0.2, 1, 1, 1.4, 0.9])
    yield ("Upsample", Case("Upsample", {"x": values(*flat)}, opset=9,
        fixed={"scales": np.array([1, 1, 2, 3], np.float32)}))


CASES = {
    name: case
    for group in (elementwise, reductions, softmaxes, losses, normalizations, convolutions, pools, resizes)
    for name, case in group()
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_central_differences(name):
    case = CASES[name]
    for variable, found in zip(case.wanted, case.gradients()):
        expected = case.differences(variable)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-8, err_msg=variable)


@pytest.mark.parametrize("name", CASES)
def test_float_is_double_rounded(name):
    case = CASES[name]
    for variable, exact, found in zip(case.wanted, case.gradients(), case.gradients(TensorProto.FLOAT)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=2e-5, atol=2e-6, err_msg=variable)


@pytest.mark.parametrize("name", CASES)
def test_sizes_that_only_a_run_knows(name):
    case = CASES[name]
    symbols = lambda variable, value: [f"{variable}{d}" for d in range(value.ndim)] if variable == "x" else value.shape
    for variable, exact, found in zip(case.wanted, case.gradients(), case.gradients(shapes=symbols)):
        np.testing.assert_array_equal(found, exact, err_msg=variable)
