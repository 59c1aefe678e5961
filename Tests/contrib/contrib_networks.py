"""Small transformers in the form that exporters give them, and in that of files made for ONNX Runtime."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

BATCH, LENGTH, WIDTH, HEADS, WORDS = 2, 5, 32, 4, 19
SIZE = WIDTH // HEADS
MICROSOFT = "com.microsoft"


class Builder:
    """Nodes, weights and inputs of a graph in the making. Values are their names."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.feeds = [], [], [], {}

    def input(self, name, array, dims):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims))
        self.feeds[name] = array
        return name

    def constant(self, array, dtype=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def weight(self, *shape):
        return self.constant(self.random.normal(0, 0.3, shape))

    def integers(self, *values):
        return self.constant(values, np.int64)

    def __call__(self, op, *inputs, outputs=1, domain="", **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x, rows, columns):
        return self("Add", self("MatMul", x, self.weight(rows, columns)), self.weight(columns))

    def layer_norm(self, x):
        """As exporters wrote it before opset 17."""
        centred = self("Sub", x, self("ReduceMean", x, axes=[-1]))
        square = self("Pow", centred, self.constant(2))
        variance = self("Add", self("ReduceMean", square, axes=[-1]), self.constant(1e-5))
        y = self("Div", centred, self("Sqrt", variance))
        return self("Add", self("Mul", y, self.scale()), self.weight(WIDTH))

    def rms_norm(self, x):
        mean = self("ReduceMean", self("Pow", x, self.constant(2)), axes=[-1], keepdims=1)
        root = self("Sqrt", self("Add", mean, self.constant(1e-6)))
        return self("Mul", self("Mul", x, self("Div", self.constant(1), root)), self.scale())

    def scale(self):
        return self.constant(self.random.uniform(0.5, 1.5, WIDTH))

    def heads(self, x, perm=(0, 2, 1, 3)):
        return self("Transpose", self("Reshape", x, self.integers(0, 0, HEADS, SIZE)), perm=list(perm))

    def joined(self, x):
        return self("Reshape", self("Transpose", x, perm=[0, 2, 1, 3]), self.integers(0, 0, WIDTH))

    def attention(self, x, mask=None):
        """Q, K and V of x; the mask is added to the scores, or is called with them."""
        q = self.heads(self.linear(x, WIDTH, WIDTH))
        k = self.heads(self.linear(x, WIDTH, WIDTH), (0, 2, 3, 1))
        v = self.heads(self.linear(x, WIDTH, WIDTH))
        scores = self("Div", self("MatMul", q, k), self.constant(np.sqrt(SIZE)))
        if callable(mask):
            scores = mask(scores)
        elif mask:
            scores = self("Add", scores, mask)
        return self.linear(self.joined(self("MatMul", self("Softmax", scores, axis=-1), v)), WIDTH, WIDTH)

    def gelu(self, x):
        erf = self("Add", self("Erf", self("Div", x, self.constant(np.sqrt(2)))), self.constant(1))
        return self("Mul", self("Mul", x, erf), self.constant(0.5))

    def gelu_tanh(self, x):
        cube = self("Mul", self("Pow", x, self.constant(3)), self.constant(0.044715))
        inner = self("Tanh", self("Mul", self("Add", x, cube), self.constant(np.sqrt(2 / np.pi))))
        return self("Mul", self("Mul", x, self.constant(0.5)), self("Add", inner, self.constant(1)))

    def model(self, outputs, opset=14):
        made = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
        graph = helper.make_graph(self.nodes, "network", self.inputs, made, self.weights)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def bert():
    b = Builder(1)
    dims = ["batch", "length"]
    words = b.input("input_ids", b.random.integers(0, WORDS, (BATCH, LENGTH)), dims)
    mask = b.input("attention_mask", np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]), dims)
    kinds = b.input("token_type_ids", b.random.integers(0, 2, (BATCH, LENGTH)), dims)
    hidden = b("Unsqueeze", b("Unsqueeze", mask, b.integers(1)), b.integers(2))
    hidden = b("Sub", b.constant(1), b("Cast", hidden, to=TensorProto.FLOAT))
    hidden = b("Mul", hidden, b.constant(-10000))
    places = b.constant(np.arange(LENGTH)[None], np.int64)
    x = b("Add", b("Gather", b.weight(WORDS, WIDTH), words), b("Gather", b.weight(2, WIDTH), kinds))
    x = b.layer_norm(b("Add", x, b("Gather", b.weight(8, WIDTH), places)))
    for _ in range(2):
        x = b.layer_norm(b("Add", b.attention(x, hidden), x))
        x = b.layer_norm(b("Add", b.linear(b.gelu(b.linear(x, WIDTH, 64)), 64, WIDTH), x))
    return b.model([x]), b.feeds


def gpt():
    b = Builder(2)
    words = b.input("input_ids", b.random.integers(0, WORDS, (BATCH, LENGTH)), ["batch", "length"])
    seen = b.constant(np.tril(np.ones((1, 1, LENGTH, LENGTH))), np.bool_)
    x = b("Add", b("Gather", b.weight(WORDS, WIDTH), words), b.weight(LENGTH, WIDTH))
    for _ in range(2):
        inner = b.attention(b.layer_norm(x), lambda scores: b("Where", seen, scores, b.constant(-10000)))
        x = b("Add", inner, x)
        x = b("Add", b.linear(b.gelu_tanh(b.linear(b.layer_norm(x), WIDTH, 64)), 64, WIDTH), x)
    return b.model([b("MatMul", b.layer_norm(x), b.weight(WIDTH, WORDS))]), b.feeds


def vit():
    b = Builder(3)
    image = b.input("pixel_values", b.random.normal(0, 1, (BATCH, 3, 8, 8)).astype(np.float32), ["batch", 3, 8, 8])
    patches = b("Conv", image, b.weight(WIDTH, 3, 4, 4), b.weight(WIDTH), strides=[4, 4], kernel_shape=[4, 4])
    x = b("Transpose", b("Reshape", patches, b.integers(0, WIDTH, 4)), perm=[0, 2, 1])
    first = b("Expand", b.weight(1, 1, WIDTH), b.integers(BATCH, 1, WIDTH))
    x = b("Add", b("Concat", first, x, axis=1), b.weight(1, 5, WIDTH))
    for _ in range(2):
        x = b("Add", b.attention(b.layer_norm(x)), x)
        x = b("Add", b.linear(b.gelu(b.linear(b.layer_norm(x), WIDTH, 64)), 64, WIDTH), x)
    first = b("Gather", b.layer_norm(x), b.constant(0, np.int64), axis=1)
    stem = b("Relu", b("Conv", image, b.weight(4, 3, 3, 3), b.weight(4), kernel_shape=[3, 3]))
    y = b("Gemm", first, b.weight(WIDTH, 10), b.weight(10))
    return b.model([b("Relu", y), stem]), b.feeds


def llama():
    b = Builder(4)
    words = b.input("input_ids", b.random.integers(0, WORDS, (BATCH, LENGTH)), ["batch", "length"])
    angles = np.arange(LENGTH)[:, None] / 10000 ** (np.arange(SIZE // 2) / (SIZE // 2))
    cosines, sines = (b.constant(np.tile(f(angles), 2)[None, None]) for f in (np.cos, np.sin))
    hidden = b.constant(np.triu(np.full((1, 1, LENGTH, LENGTH), -1e4), 1))

    def rotated(x):
        low = b("Slice", x, b.integers(0), b.integers(SIZE // 2), b.integers(3))
        high = b("Slice", x, b.integers(SIZE // 2), b.integers(SIZE), b.integers(3))
        turned = b("Concat", b("Neg", high), low, axis=-1)
        return b("Add", b("Mul", x, cosines), b("Mul", turned, sines))

    x = b("Gather", b.weight(WORDS, WIDTH), words)
    for _ in range(2):
        own = b.rms_norm(x)
        q, k, v = (b.heads(b("MatMul", own, b.weight(WIDTH, WIDTH))) for _ in range(3))
        scores = b("MatMul", rotated(q), b("Transpose", rotated(k), perm=[0, 1, 3, 2]))
        scores = b("Add", b("Mul", scores, b.constant(1 / np.sqrt(SIZE))), hidden)
        y = b.joined(b("MatMul", b("Softmax", scores, axis=-1), v))
        x = b("Add", x, b("MatMul", y, b.weight(WIDTH, WIDTH)))
        own = b.rms_norm(x)
        gate = b("MatMul", own, b.weight(WIDTH, 64))
        gate = b("Mul", gate, b("Sigmoid", gate))
        x = b("Add", x, b("MatMul", b("Mul", gate, b("MatMul", own, b.weight(WIDTH, 64))), b.weight(64, WIDTH)))
    return b.model([b("MatMul", b.rms_norm(x), b.weight(WIDTH, WORDS))]), b.feeds


def generator(layers=2, groups=2, size=16):
    """A decoder with a cache, of com.microsoft's operators: what files made for text generation hold."""
    b = Builder(5)
    width = HEADS * size
    words = b.input("input_ids", np.zeros((1, 1), np.int64), ["batch", "length"])
    mask = b.input("attention_mask", np.zeros((1, 1), np.int64), ["batch", "total"])
    last = b("Sub", b("ReduceSum", mask, b.integers(1), keepdims=0), b.integers(1))
    last = b("Cast", last, to=TensorProto.INT32)
    total = b("Cast", b("Gather", b("Shape", mask), b.constant(1, np.int64)), to=TensorProto.INT32)
    angles = np.arange(32)[:, None] / 10000 ** (np.arange(size // 2) / (size // 2))
    cosines, sines = b.constant(np.cos(angles)), b.constant(np.sin(angles))
    x = b("Gather", b.weight(WORDS, width), words)
    scale = lambda: b.constant(b.random.uniform(0.5, 1.5, width))
    own, presents = b("SimplifiedLayerNormalization", x, scale(), epsilon=1e-5), []
    for layer in range(layers):
        past = [np.zeros((1, groups, 0, size), np.float32)] * 2
        past = [b.input(f"past_{layer}_{i}", p, ["batch", groups, "past", size]) for i, p in enumerate(past)]
        q, k, v = (b("MatMul", own, b.weight(width, n * size)) for n in (HEADS, groups, groups))
        y, *present = b("GroupQueryAttention", q, k, v, *past, last, total, cosines, sines, outputs=3, domain=MICROSOFT,
                        num_heads=HEADS, kv_num_heads=groups, do_rotary=1)
        presents += present
        inner = b("MatMul", y, b.weight(width, width))
        own, _, _, x = b("SkipSimplifiedLayerNormalization", x, inner, scale(), outputs=4, domain=MICROSOFT,
            epsilon=1e-5)
        gate = b("QuickGelu", b("MatMul", own, b.weight(width, 64)), domain=MICROSOFT, alpha=1.0)
        inner = b("MatMul", b("Mul", gate, b("MatMul", own, b.weight(width, 64))), b.weight(64, width))
        own, _, _, x = b("SkipSimplifiedLayerNormalization", x, inner, scale(), outputs=4, domain=MICROSOFT,
            epsilon=1e-5)
    return b.model([b("MatMul", own, b.weight(width, WORDS)), *presents], opset=18), b.feeds


def gpt_with_past(layers=2):
    """As ONNX Runtime's tools write GPT-2: attention that gets and gives its past."""
    b = Builder(6)
    words = b.input("input_ids", np.zeros((BATCH, 1), np.int64), ["batch", "length"])
    mask = b.input("attention_mask", np.zeros((BATCH, 1), np.int32), ["batch", "total"])
    x, presents = b("Gather", b.weight(WORDS, WIDTH), words), []
    own = b("LayerNormalization", x, b.scale(), b.weight(WIDTH))
    for layer in range(layers):
        empty = np.zeros((2, BATCH, HEADS, 0, SIZE), np.float32)
        past = b.input(f"past_{layer}", empty, [2, "batch", HEADS, "past", SIZE])
        y, present = b("Attention", own, b.weight(WIDTH, 3 * WIDTH), b.weight(3 * WIDTH), mask, past, outputs=2,
                       domain=MICROSOFT, num_heads=HEADS, unidirectional=1)
        presents.append(present)
        inner = b("MatMul", y, b.weight(WIDTH, WIDTH))
        own, _, _, x = b("SkipLayerNormalization", x, inner, b.scale(), b.weight(WIDTH), b.weight(WIDTH), outputs=4,
                         domain=MICROSOFT)
        inner = b("FastGelu", b("MatMul", own, b.weight(WIDTH, 64)), b.weight(64), domain=MICROSOFT)
        inner = b("MatMul", inner, b.weight(64, WIDTH))
        own, _, _, x = b("SkipLayerNormalization", x, inner, b.scale(), b.weight(WIDTH), b.weight(WIDTH), outputs=4,
                         domain=MICROSOFT)
    return b.model([b("MatMul", own, b.weight(WIDTH, WORDS)), *presents], opset=18), b.feeds
