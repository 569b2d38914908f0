"""Pieces that several families share."""

from typing import Any

import keras
from keras import layers

SIDE = 48


def face_input() -> Any:
    """Input of every network: luma [N, 48, 48, 1] in [-1, 1]."""
    return layers.Input((SIDE, SIDE, 1), name="luma")


def conv_bn(x: Any, width: int, kernel: int = 3, stride: int = 1, activation: str | None = "relu") -> Any:
    """Convolution without bias, batch normalisation, activation."""
    x = layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


def logits(x: Any, classes: int, dropout: float = 0.0) -> Any:
    """Mean over the picture, dropout, dense layer; in float32 whatever the precision before it."""
    x = layers.GlobalAveragePooling2D()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return layers.Dense(classes, dtype="float32", name="logits")(x)


def network(inputs: Any, outputs: Any, name: str) -> keras.Model:
    """Close the graph."""
    return keras.Model(inputs, outputs, name=name)
