"""Residual networks of basic blocks, plain (He et al. 2016) and with squeeze-and-excitation (Hu et al. 2018)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network, squeeze_excite

STAGES = ((24, 1), (48, 2), (96, 2), (192, 2))
"""(width, blocks) of each stage; the picture is halved before the first and between them: 38 M multiply-adds."""


def resnet(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the plain network."""
    return _residual(classes, stages, excite=False, name="resnet")


def se_resnet(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the network whose blocks weigh their channels."""
    return _residual(classes, stages, excite=True, name="se_resnet")


def _residual(classes: int, stages: Sequence[tuple[int, int]], excite: bool, name: str) -> keras.Model:
    inputs = face_input()
    x = conv_bn(inputs, stages[0][0], stride=2)
    for number, (width, blocks) in enumerate(stages):
        for block in range(blocks):
            x = basic_block(x, width, stride=2 if number and not block else 1, excite=excite)
    return network(inputs, logits(x, classes, dropout=0.3), name)


def basic_block(x: Any, width: int, stride: int = 1, excite: bool = False) -> Any:
    """Two 3x3 convolutions around which the input passes, through a 1x1 convolution where the shape changes."""
    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = conv_bn(x, width, kernel=1, stride=stride, activation=None)
    x = conv_bn(conv_bn(x, width, stride=stride), width, activation=None)
    if excite:
        x = squeeze_excite(x, width // 4)
    return layers.Activation("relu")(layers.Add()([x, shortcut]))
