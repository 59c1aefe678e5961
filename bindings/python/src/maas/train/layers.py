"""Layers of a network: each gives the lines of text that libmaas builds its nodes from.

Shapes are those of one sample, channels before the dimensions of an image: (channels, height, width), as ONNX has them.
Sequences are (time, features).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import InvalidArgument
from ..record import Record

Sizes = int | Sequence[int]

#: What other libraries call an activation, where it is another name.
_ACTIVATIONS = {"linear": "none", "identity": "none", "logistic": "sigmoid", "silu": "swish", "hard-silu": "hard-swish"}


def activation_word(name: str | None) -> str:
    """The name of an activation as the text of a network has it."""
    if name is None:
        return "none"
    if not isinstance(name, str):
        raise TypeError(f"an activation is a name, not {type(name).__name__}")
    word = name.replace("_", "-")
    return _ACTIVATIONS.get(word, word)


def _text(value: object) -> str:
    """A value as the text has it: no number may bring words of its own along."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "x".join(_text(item) for item in value)
    text = str(value)
    if not text or any(c.isspace() or c in "#=" for c in text):
        raise InvalidArgument(f"a layer cannot have the value {value!r}")
    return text


def _line(name: str, *values: object, **options: object) -> str:
    """A line of a network's text; options that are None are left out."""
    words = [name, *map(_text, values)]
    words += [f"{key}={_text(value)}" for key, value in options.items() if value is not None]
    return " ".join(words)


class Layer(Record):
    """A layer of a `Sequential`."""

    def lines(self) -> Iterator[str]:
        """The lines of the network's text."""
        raise NotImplementedError

    @property
    def ending(self) -> str:
        """The activation that the layer ends with."""
        return "none"


class _Activated(Layer):
    """A layer whose `activation` is a field."""

    @property
    def ending(self) -> str:
        return activation_word(getattr(self, "activation", None))

    @property
    def _activation(self) -> str | None:
        return None if self.ending == "none" else self.ending


class Input(Layer):
    """The shape of one sample, where `fit` shall not take it from the data; `dtype` is "float32" or "int64"."""

    shape: Sequence[int]
    dtype: str = "float32"

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("input", *self.shape, type="int64" if str(self.dtype).startswith("int") else None)


class Dense(_Activated):
    """activation(x·weight + bias), for features or for each place of a sequence."""

    units: int
    activation: str | None = None
    use_bias: bool = True

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("dense", self.units, activation=self._activation, bias=None if self.use_bias else False)


class Activation(_Activated):
    """A function of each element, or "softmax"."""

    activation: str

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("activation", self.ending)


class _Convolution(_Activated):
    filters: int
    kernel_size: Sizes = 3
    strides: Sizes = 1
    padding: str | Sizes = "valid"
    dilation_rate: Sizes = 1
    groups: int = 1
    activation: str | None = None
    use_bias: bool = True

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line(
            "conv", self.filters, kernel=self.kernel_size, stride=self.strides, padding=self.padding,
            dilation=self.dilation_rate, groups=self.groups, activation=self._activation,
            bias=None if self.use_bias else False,
        )  # fmt: skip


class Conv1D(_Convolution):
    """Filters that move along a sequence of (channels, time)."""


class Conv2D(_Convolution):
    """Filters that move over an image of (channels, height, width); `padding` is "valid", "same" or a number."""


class Conv3D(_Convolution):
    """Filters that move through (channels, depth, height, width)."""


class DepthwiseConv2D(_Activated):
    """A convolution with filters of its own for each channel."""

    kernel_size: Sizes = 3
    strides: Sizes = 1
    padding: str | Sizes = "valid"
    depth_multiplier: int = 1
    dilation_rate: Sizes = 1
    activation: str | None = None
    use_bias: bool = True

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line(
            "depthwise-conv", kernel=self.kernel_size, stride=self.strides, padding=self.padding,
            multiplier=self.depth_multiplier, dilation=self.dilation_rate, activation=self._activation,
            bias=None if self.use_bias else False,
        )  # fmt: skip


class _Pooling(Layer):
    pool_size: Sizes = 2
    strides: Sizes | None = None
    padding: str | Sizes = "valid"

    _word = ""

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line(self._word, kernel=self.pool_size, stride=self.strides, padding=self.padding)


class MaxPooling(_Pooling):
    """The largest of each window, which moves by its own size unless `strides` says otherwise."""

    _word = "max-pool"


class AveragePooling(_Pooling):
    """The mean of each window, which moves by its own size unless `strides` says otherwise."""

    _word = "average-pool"


MaxPooling1D = MaxPooling2D = MaxPooling3D = MaxPooling
AveragePooling1D = AveragePooling2D = AveragePooling3D = AveragePooling


class GlobalAveragePooling(Layer):
    """The mean of each channel of an image, or of each feature over the time of a sequence."""

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield "global-average-pool"


GlobalAveragePooling1D = GlobalAveragePooling2D = GlobalAveragePooling3D = GlobalAveragePooling


class Flatten(Layer):
    """All elements of a sample in a row."""

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield "flatten"


class Reshape(Layer):
    """The same elements in another shape."""

    target_shape: Sequence[int]

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("reshape", *self.target_shape)


class Dropout(Layer):
    """While training, sets this part of the elements to 0 and scales the others up."""

    rate: float = 0.5

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("dropout", float(self.rate))


class BatchNormalization(Layer):
    """Mean 0 and variance 1 over the batch, scaled and shifted; running statistics once it is trained."""

    momentum: float = 0.9
    epsilon: float = 1e-5

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("batch-norm", momentum=float(self.momentum), epsilon=float(self.epsilon))


class LayerNormalization(Layer):
    """Mean 0 and variance 1 over the features, scaled and shifted."""

    epsilon: float = 1e-5

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("layer-norm", epsilon=float(self.epsilon))


class Embedding(Layer):
    """A learned vector for each index; the network's input is indices then."""

    input_dim: int
    output_dim: int

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("embedding", self.input_dim, self.output_dim)


class PositionalEmbedding(Layer):
    """Adds a learned vector for each place of the sequence."""

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield "positional"


class _Recurrent(Layer):
    units: int
    return_sequences: bool = False
    bidirectional: bool = False

    _word = ""

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line(
            self._word, self.units, **{"return": "all" if self.return_sequences else None},
            bidirectional=self.bidirectional or None,
        )  # fmt: skip


class LSTM(_Recurrent):
    """Long short-term memory; its last state, or that of each time with `return_sequences`."""

    _word = "lstm"


class GRU(_Recurrent):
    """Gated recurrent units; their last state, or that of each time with `return_sequences`."""

    _word = "gru"


class SelfAttention(Layer):
    """Scaled dot-product attention of a sequence to itself, with several heads."""

    num_heads: int = 1
    causal: bool = False

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line("attention", heads=self.num_heads, causal=self.causal or None)


class Transformer(_Activated):
    """A block of attention and a network of two layers, each behind a normalization and beside a residual."""

    num_heads: int = 4
    ff_dim: int | None = None
    dropout: float = 0.0
    causal: bool = False
    activation: str = "gelu"

    def lines(self) -> Iterator[str]:
        """The line of the network's text."""
        yield _line(
            "transformer", heads=self.num_heads, ff=self.ff_dim, dropout=float(self.dropout) or None,
            causal=self.causal or None, activation=activation_word(self.activation),
        )  # fmt: skip

    @property
    def ending(self) -> str:
        return "none"


class Residual(_Activated):
    """Adds what comes into its layers to what comes out; through a projection where shapes differ."""

    layers: Sequence[Layer]
    activation: str | None = None

    def lines(self) -> Iterator[str]:
        """The lines of the network's text."""
        yield "residual"
        for layer in self.layers:
            yield from layer.lines()
        yield _line("end", activation=self._activation)
