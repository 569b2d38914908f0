"""Inverted residuals: MobileNetV2 (Sandler et al. 2018) and EfficientNet (Tan and Le 2019) at 48 pixels."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import (
    conv_bn,
    depthwise_bn,
    face_input,
    logits,
    network,
    squeeze_excite,
)

STAGES = ((24, 2, 1), (40, 3, 2), (80, 3, 2), (112, 2, 2))
"""(width, blocks, stride of the first block) of each stage, after a convolution that halves the picture."""


def mobilenet(classes: int, stages: Sequence[tuple[int, int, int]] = STAGES) -> keras.Model:
    """Build MobileNetV2: expansion by six, linear bottlenecks, ReLU6."""
    return _inverted(classes, stages, activation="relu6", excite=False, name="mobilenet")


def efficientnet(classes: int, stages: Sequence[tuple[int, int, int]] = STAGES) -> keras.Model:
    """Build EfficientNet: the same blocks with swish and squeeze-and-excitation."""
    return _inverted(classes, stages, activation="silu", excite=True, name="efficientnet")


def _inverted(
    classes: int, stages: Sequence[tuple[int, int, int]], activation: str, excite: bool, name: str
) -> keras.Model:
    inputs = face_input()
    x = conv_bn(inputs, 16, stride=2, activation=activation)
    for width, blocks, stride in stages:
        for block in range(blocks):
            x = _block(x, width, stride if not block else 1, activation, excite)
    x = conv_bn(x, 3 * stages[-1][0], kernel=1, activation=activation)
    return network(inputs, logits(x, classes, dropout=0.2), name)


def _block(x: Any, width: int, stride: int, activation: str, excite: bool, expansion: int = 6) -> Any:
    shortcut, before = x, x.shape[-1]
    x = conv_bn(x, expansion * before, kernel=1, activation=activation)
    x = depthwise_bn(x, stride=stride, activation=activation)
    if excite:
        x = squeeze_excite(x, max(before // 4, 16), activation)
    x = conv_bn(x, width, kernel=1, activation=None)
    return layers.Add()([x, shortcut]) if stride == 1 and before == width else x
