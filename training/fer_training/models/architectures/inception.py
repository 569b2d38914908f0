"""Inception: branches of several receptive fields side by side (Szegedy et al. 2015 and 2016).

The 5x5 branch is two 3x3 convolutions, as in the second paper (arXiv 1512.00567).
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network


def inception(classes: int, stages: Sequence[tuple[int, int]] = ((64, 2), (128, 2), (256, 2))) -> keras.Model:
    """Build the network; each of `stages` is (width, modules), and the picture is halved between them."""
    inputs = face_input()
    x = conv_bn(conv_bn(inputs, 16, stride=2), 32)
    for number, (width, modules) in enumerate(stages):
        if number:
            x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        for _ in range(modules):
            x = _module(x, width)
    return network(inputs, logits(x, classes, dropout=0.3), "inception")


def _module(x: Any, width: int) -> Any:
    """Four branches that give a quarter, a half, an eighth and an eighth of the width."""
    single = conv_bn(x, width // 4, kernel=1)
    middle = conv_bn(conv_bn(x, width // 4, kernel=1), width // 2)
    reduced = max(width // 8, 16)
    large = conv_bn(conv_bn(conv_bn(x, reduced, kernel=1), reduced), width // 8)
    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return layers.Concatenate()([single, middle, large, conv_bn(pooled, width // 8, kernel=1)])
