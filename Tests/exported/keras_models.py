"""Keras's networks over torch, exported by Keras."""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers


def convolutions():
    return [
        layers.Input((24, 24, 3)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.SeparableConv2D(16, 3, strides=2, padding="same"), layers.BatchNormalization(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ]  # fmt: skip


def recurrent():
    return [layers.Input((9, 12)), layers.Bidirectional(layers.LSTM(8, return_sequences=True)), layers.GRU(6),
        layers.Dense(3)]


def embedded():
    return [layers.Input((10,), dtype="int32"), layers.Embedding(50, 8), layers.Conv1D(12, 3, activation="gelu"),
            layers.GlobalMaxPooling1D(), layers.Dense(4)]  # fmt: skip


MODELS = {"keras-convolutions": convolutions, "keras-recurrent": recurrent, "keras-embedding": embedded}


def export(name, path):
    model = keras.Sequential(MODELS[name]())
    model(inputs(model, np.random.default_rng(0), 2))
    model.export(str(path), format="onnx", verbose=False)
    return model


def inputs(model, random, batch):
    shape = batch, *model.input_shape[1:]
    value = random.integers(0, 50, shape) if "int" in model.inputs[0].dtype else random.normal(size=shape)
    return value.astype(model.inputs[0].dtype)
