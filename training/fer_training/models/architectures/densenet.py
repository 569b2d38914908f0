"""DenseNet: every layer reads all layers before it (Huang et al. 2017, arXiv 1608.06993)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network


def densenet(classes: int, blocks: Sequence[int] = (3, 5, 7), growth: int = 20) -> keras.Model:
    """Build the network; each of `blocks` is a number of layers, and the picture is halved between them."""
    inputs = face_input()
    x = conv_bn(inputs, 2 * growth, stride=2, activation=None)
    for number, count in enumerate(blocks):
        if number:
            x = _pre_activated(x, x.shape[-1] // 2, kernel=1)
            x = layers.AveragePooling2D(2)(x)
        for _ in range(count):
            new = _pre_activated(_pre_activated(x, 2 * growth, kernel=1), growth, kernel=3)
            x = layers.Concatenate()([x, new])
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return network(inputs, logits(x, classes, dropout=0.3), "densenet")


def _pre_activated(x: Any, width: int, kernel: int) -> Any:
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return layers.Conv2D(width, kernel, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
