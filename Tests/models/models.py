"""The models of make.py: (name, opset, ONNX's textual syntax, weights, sizes of the symbolic dims per case).

A weight that is a tuple is the shape of random float32 values, anything else its value.
"""
import numpy as np

ONE_AND_MORE = [{"N": 1}, {"N": 3}, {"N": 16}]

MODELS = [
    ("five_nodes", 17, """(float[N, 8] x) => (float[N, 4] y) {
        a = MatMul(x, w1)
        b = Add(a, b1)
        c = Relu(b)
        d = MatMul(c, w2)
        y = Softmax<axis = -1>(d)
    }""", {"w1": (8, 8), "b1": (8,), "w2": (8, 4)}, ONE_AND_MORE),
    ("passes_through", 17, """(float[N, 3] x) => (float[N, 3] same, float[2, 2] fixed, float[N, 3] twice) {
        same = Identity(x)
        fixed = Identity(w)
        twice = Add(x, x)
    }""", {"w": (2, 2)}, ONE_AND_MORE),
    ("branches", 17, """(bool choose, float[N, 4] x) => (float[N, 4] y) {
        double = Add(x, x)
        y = If(choose) <
            then_branch = first () => (float[N, 4] p) { q = Mul(double, w)  p = Tanh(q) },
            else_branch = second () => (float[N, 4] r) { r = Sigmoid(x) }
        >
    }""", {"w": (4,)}, [{"N": 1, "choose": True}, {"N": 1, "choose": False}, {"N": 3, "choose": True}]),
    (
        "broadcasts", 17, """(float[N, 1, 5] a, float[4, 1] b, float c)
            => (float[N, 4, 5] y, bool[N, 4, 5] z, float[4, 1] p) {
        sum = Add(a, b)
        scaled = Mul(sum, c)
        less = Sub(scaled, w)
        y = Div(less, v)
        same = Equal(scaled, sum)
        z = Not(same)
        two = Constant<value_float = 2.0>()
        p = Pow(b, two)
    }""", {"w": (5,), "v": np.float32([[1.5], [-2.5], [3.5], [0.25]])}, ONE_AND_MORE),
    (
        "functions", 17, """(float[N, 33] x)
            => (float[N, 33] e, float[N, 33] r, float[N, 33] s, float[N, 33] t, float[N, 33] q,
            float[N, 33] k, float[N, 33] d) {
        e = Exp(x)
        r = Erf(x)
        s = Sigmoid(x)
        t = Tanh(x)
        square = Mul(x, x)
        q = Sqrt(square)
        k = Clip(x, low, high)
        d = Dropout(x)
    }""", {"low": np.float32(-0.5), "high": np.float32(0.75)}, ONE_AND_MORE),
    ("convolutions", 17, """(float[N, 4, 15, 17] x) => (float[N, 6, H1, W1] plain, float[N, 4, H2, W2] depth,
            float[N, 6, H3, W3] strided, float[N, 8, H4, W4] grouped, float[N, 3, H5, W5] point) {
        plain = Conv<pads = [1, 1, 1, 1]>(x, w, b)
        depth = Conv<group = 4, dilations = [2, 1]>(x, dw)
        strided = Conv<strides = [2, 3], auto_pad = "SAME_UPPER">(x, w, b)
        grouped = Conv<group = 2, pads = [0, 2, 1, 0]>(x, gw)
        point = Conv(x, pw)
    }""", {"w": (6, 4, 3, 3), "b": (6,), "dw": (4, 1, 3, 3), "gw": (8, 2, 2, 5), "pw": (3, 4, 1, 1)}, ONE_AND_MORE),
    ("convolution_1d", 17, """(float[N, 3, T] x) => (float[N, 5, U] y, float[N, 5, 1] mean) {
        conv = Conv<strides = [2], pads = [2, 1]>(x, w, b)
        y = Relu(conv)
        mean = GlobalAveragePool(y)
    }""", {"w": (5, 3, 4), "b": (5,)}, [{"N": 1, "T": 20}, {"N": 2, "T": 64}, {"N": 1, "T": 4}]),
    ("pooling", 17, """(float[N, 3, 13, 10] x) => (float[N, 3, A, B] m, float[N, 3, C, D] a, float[N, 3, E, F] i,
            float[N, 3, 1, 1] g, float[N, 3, 13, 10] n) {
        m = MaxPool<kernel_shape = [3, 2], strides = [2, 2], ceil_mode = 1>(x)
        a = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x)
        i = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 1], count_include_pad = 1>(x)
        g = GlobalAveragePool(x)
        n = BatchNormalization(x, scale, bias, mean, variance)
    }""", {"scale": (3,), "bias": (3,), "mean": (3,), "variance": np.float32([0.5, 1, 2])}, ONE_AND_MORE),
    ("transformer", 17, """(float[N, S, 16] x) => (float[N, S, 16] y) {
        q0 = MatMul(x, wq)
        k0 = MatMul(x, wk)
        v0 = MatMul(x, wv)
        shape = Shape(x)
        n = Gather(shape, zero)
        s = Gather(shape, one)
        axis0 = Constant<value_ints = [0]>()
        n1 = Unsqueeze(n, axis0)
        s1 = Unsqueeze(s, axis0)
        heads = Concat<axis = 0>(n1, s1, split)
        q1 = Reshape(q0, heads)
        k1 = Reshape(k0, heads)
        v1 = Reshape(v0, heads)
        q2 = Transpose<perm = [0, 2, 1, 3]>(q1)
        k2 = Transpose<perm = [0, 2, 3, 1]>(k1)
        v2 = Transpose<perm = [0, 2, 1, 3]>(v1)
        scores = MatMul(q2, k2)
        scaled = Div(scores, two)
        weights = Softmax<axis = -1>(scaled)
        mixed = MatMul(weights, v2)
        back = Transpose<perm = [0, 2, 1, 3]>(mixed)
        joined = Reshape(back, join)
        residual = Add(joined, x)
        normal = LayerNormalization<axis = -1, epsilon = 0.00001>(residual, scale, bias)
        wide = MatMul(normal, w1)
        root = Div(wide, sqrt2)
        erf = Erf(root)
        plus = Add(erf, unit)
        half = Mul(wide, plus)
        gelu = Mul(half, point5)
        narrow = MatMul(gelu, w2)
        sum = Add(narrow, normal)
        mean = ReduceMean<axes = [-1]>(sum)
        centred = Sub(sum, mean)
        square = Pow(centred, two)
        variance = ReduceMean<axes = [-1]>(square)
        deviation = Sqrt(variance)
        y = Div(centred, deviation)
    }""", {"wq": (16, 16), "wk": (16, 16), "wv": (16, 16), "zero": 0, "one": 1, "split": [4, 4], "join": [0, 0, -1],
           "two": np.float32(2), "scale": (16,), "bias": (16,), "w1": (16, 32), "w2": (32, 16),
           "sqrt2": np.float32(2**0.5), "unit": np.float32(1), "point5": np.float32(0.5)},
     [{"N": 1, "S": 1}, {"N": 1, "S": 7}, {"N": 3, "S": 20}]),
    (
        "products", 17, """(float[N, 2, 5, 7] a, float[7, 3] b, float[N, 6] c)
            => (float[N, 2, 5, 3] y, float[N, 9] g, float[N, 9] h,
            float[N, N] s) {
        y = MatMul(a, b)
        g = Gemm<transB = 1, alpha = 0.5, beta = 2.0>(c, w, bias)
        h = Gemm(c, v)
        t = Transpose(c)
        s = MatMul(c, t)
    }""", {"w": (9, 6), "v": (6, 9), "bias": (1, 9)}, ONE_AND_MORE),
    (
        "lstm", 17, """(float[T, N, 5] x)
            => (float[T, 2, N, 4] y, float[2, N, 4] h, float[2, N, 4] c, float[T, 1, N, 4] r) {
        y, h, c = LSTM<hidden_size = 4, direction = "bidirectional">(x, w, rec, b)
        r = LSTM<hidden_size = 4, direction = "reverse">(x, w1, rec1)
    }""", {"w": (2, 16, 5), "rec": (2, 16, 4), "b": (2, 32), "w1": (1, 16, 5), "rec1": (1, 16, 4)},
     [{"T": 1, "N": 1}, {"T": 6, "N": 1}, {"T": 5, "N": 3}]),
    (
        "shapes", 17, """(float[N, 4, 6] x)
            => (float[A, B, C] cut, float[D, E, F] back, float[N, 24] flat, float[G, H, I] pad,
            int64 size, float[N, 6, 4] t, float[N, 4, 6, 1] u, float[N, 2, 6] picked, int64[J] range, float[2, K] fill,
            int64[N, 4] best, float[N, 4, 6] mirrored) {
        cut = Slice(x, starts, ends, axes, steps)
        back = Slice(x, minus1, far, axis2, minus1)
        flat = Flatten<axis = 1>(x)
        pad = Pad(x, pads, seven)
        mirrored_wide = Pad<mode = "reflect">(x, pads2)
        mirrored = Slice(mirrored_wide, two1, eight1, axis2)
        size = Size(x)
        t = Transpose<perm = [0, 2, 1]>(x)
        last = Constant<value_ints = [-1]>()
        u = Unsqueeze(x, last)
        picked = Gather<axis = 1>(x, picks)
        n = Shape<start = 0, end = 1>(x)
        n0 = Squeeze(n)
        zero = Constant<value_int = 0>()
        one = Constant<value_int = 1>()
        range = Range(zero, n0, one)
        two = Constant<value_ints = [2]>()
        dims = Concat<axis = 0>(two, n)
        fill = ConstantOfShape(dims)
        best = ArgMax<axis = 2, keepdims = 0>(x)
    }""", {"starts": [1, -5], "ends": [4, 6], "axes": [1, 2], "steps": [1, 2], "minus1": [-1], "far": [-(1 << 62)],
           "axis2": [2], "pads": [0, 1, 2, 1, 0, 0], "seven": np.float32(7), "pads2": [0, 0, 2, 0, 0, 3],
           "two1": [2], "eight1": [8], "picks": [-1, 0]}, ONE_AND_MORE),
    (
        "reductions", 17, """(float[N, 5, 7] x)
            => (float[N, 5, 1] mean, float[N, 7] sum, float highest, float[N, 1, 1] lowest, float[5] product,
            float[N, 5] l2, int64[N, 5] integers) {
        mean = ReduceMean<axes = [2]>(x)
        sum = ReduceSum<keepdims = 0>(x, axis1)
        highest = ReduceMax<keepdims = 0>(x)
        lowest = ReduceMin<axes = [1, -1]>(x)
        product = ReduceProd<axes = [0, 2], keepdims = 0>(x)
        l2 = ReduceL2<axes = [-1], keepdims = 0>(x)
        integers_float = ReduceSum<keepdims = 0>(x, axis2)
        integers = Cast<to = 7>(integers_float)
    }""", {"axis1": [1], "axis2": [2]}, ONE_AND_MORE),
    (
        "old_opset", 11, """(float[N, 1, 6] x)
            => (float[N, 6] flat, float[N, 6, 1] soft, float[N, 1] sum, float[N, 4] cut, float[1, N, 6] wide) {
        flat = Squeeze<axes = [1]>(x)
        column = Transpose<perm = [0, 2, 1]>(x)
        soft = Softmax(column)
        sum = ReduceSum<axes = [1]>(flat)
        cut = Slice(flat, one, five, axis)
        wide = Unsqueeze<axes = [0]>(flat)
    }""", {"one": [1], "five": [5], "axis": [1]}, ONE_AND_MORE),
]
