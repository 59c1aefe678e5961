"""Trains networks, and writes them as ONNX models.

    from maas.train import Dense, Sequential
    model = Sequential([Dense(10, activation="relu"), Dense(1)]).compile(optimizer="adam", loss="mse")
    history = model.fit(x, y, epochs=100)
    model.save("model.onnx")

`Trainer` is the plain class below: a network's text or an ONNX model, options by name, arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .callbacks import Callback, EarlyStopping, LambdaCallback, ModelCheckpoint
from .layers import (
    GRU,
    LSTM,
    Activation,
    AveragePooling,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    Input,
    Layer,
    LayerNormalization,
    MaxPooling,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    PositionalEmbedding,
    Reshape,
    Residual,
    SelfAttention,
    Transformer,
)
from .optimizers import (
    LAMB,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    CosineDecay,
    ExponentialDecay,
    Lion,
    OneCycle,
    Optimizer,
    ReduceOnPlateau,
    RMSProp,
    Schedule,
    StepDecay,
)
from .sequential import History, Sequential
from .trainer import Dataset, Epoch, Trainer

if TYPE_CHECKING:
    from .estimators import MLPClassifier, MLPRegressor

__all__ = [
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "AveragePooling",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Callback",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "CosineDecay",
    "Dataset",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Epoch",
    "ExponentialDecay",
    "Flatten",
    "GRU",
    "GlobalAveragePooling",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "History",
    "Input",
    "LAMB",
    "LSTM",
    "LambdaCallback",
    "Layer",
    "LayerNormalization",
    "Lion",
    "MLPClassifier",
    "MLPRegressor",
    "MaxPooling",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "ModelCheckpoint",
    "OneCycle",
    "Optimizer",
    "PositionalEmbedding",
    "RMSProp",
    "ReduceOnPlateau",
    "Reshape",
    "Residual",
    "SGD",
    "Schedule",
    "SelfAttention",
    "Sequential",
    "StepDecay",
    "Trainer",
    "Transformer",
]


def __getattr__(name: str) -> Any:
    """The estimators, which import scikit-learn where it is installed, only when they are asked for."""
    if name in ("MLPClassifier", "MLPRegressor"):
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
