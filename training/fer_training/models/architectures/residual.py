"""Residual networks of basic blocks, plain (He et al. 2016) and with squeeze-and-excitation (Hu et al. 2018)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network, squeeze_excite

STAGES = ((24, 1), (48, 2), (96, 2), (192, 2))
"""(width, blocks) of each stage; the picture is halved before the first and between them: 38 M multiply-adds."""


SMALL_STAGES = ((24, 0), (48, 1), (96, 1))
"""2.4 M multiply-adds with a first layer that quarters the picture."""

MEDIUM_STAGES = ((40, 0), (80, 1), (168, 1))
"""As many multiply-adds as `generative_contrastive`, whose encoder has SMALL_STAGES."""

QUARTERING = (5, 4)
"""Kernel and stride of the first layer of the small networks: half of their time would go into a finer one."""


def resnet(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the plain network."""
    return _residual(classes, stages, excite=False, name="resnet")


def se_resnet(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the network whose blocks weigh their channels."""
    return _residual(classes, stages, excite=True, name="se_resnet")


def resnet_small(classes: int) -> keras.Model:
    """Build the plain network with SMALL_STAGES: the encoder of `generative_contrastive` without the contrast."""
    return _residual(classes, SMALL_STAGES, excite=False, name="resnet_small", stem=QUARTERING)


def resnet_medium(classes: int) -> keras.Model:
    """Build the plain network with MEDIUM_STAGES."""
    return _residual(classes, MEDIUM_STAGES, excite=False, name="resnet_medium", stem=QUARTERING)


def _residual(
    classes: int, stages: Sequence[tuple[int, int]], excite: bool, name: str, stem: tuple[int, int] = (3, 2)
) -> keras.Model:
    inputs = face_input()
    return network(inputs, logits(trunk(inputs, stages, stem, excite), classes, dropout=0.3), name)


def trunk(
    x: Any, stages: Sequence[tuple[int, int]], stem: tuple[int, int] = (3, 2), excite: bool = False
) -> Any:
    """Everything before the mean over the picture; `stem` is kernel and stride of the first layer."""
    kernel, stride = stem
    x = conv_bn(x, stages[0][0], kernel=kernel, stride=stride)
    for number, (width, blocks) in enumerate(stages):
        for block in range(blocks):
            x = basic_block(x, width, stride=2 if number and not block else 1, excite=excite)
    return x


def basic_block(x: Any, width: int, stride: int = 1, excite: bool = False) -> Any:
    """Two 3x3 convolutions around which the input passes, through a 1x1 convolution where the shape changes."""
    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = conv_bn(x, width, kernel=1, stride=stride, activation=None)
    x = conv_bn(conv_bn(x, width, stride=stride), width, activation=None)
    if excite:
        x = squeeze_excite(x, width // 4)
    return layers.Activation("relu")(layers.Add()([x, shortcut]))
