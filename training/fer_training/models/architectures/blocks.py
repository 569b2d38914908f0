"""Pieces that several families share.

Layers that see the whole picture are at least 16 wide: with 8 channels in the first layer, oneDNN's
single-precision kernels were seen to break the heap here (TensorFlow 2.21 and PyTorch 2.14 alike, on a CPU with
AVX-512). Eight channels deeper in, as in `inception`, never did.
"""

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


def depthwise_bn(x: Any, kernel: int = 3, stride: int = 1, activation: str = "relu") -> Any:
    """Depthwise convolution without bias, batch normalisation, activation."""
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x)


def squeeze_excite(x: Any, reduced: int, activation: str = "relu") -> Any:
    """Weigh each channel by what the whole picture says about it (Hu et al. 2018, arXiv 1709.01507)."""
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(reduced, 1, activation=activation)(gate)
    gate = layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(gate)
    return layers.Multiply()([x, gate])


def logits(x: Any, classes: int, dropout: float = 0.0) -> Any:
    """Mean over the picture, dropout, dense layer; in float32 whatever the precision before it."""
    x = layers.GlobalAveragePooling2D()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return layers.Dense(classes, dtype="float32", name="logits")(x)


def network(inputs: Any, outputs: Any, name: str) -> keras.Model:
    """Close the graph."""
    return keras.Model(inputs, outputs, name=name)
