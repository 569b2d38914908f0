"""Mini-Xception: residual blocks of separable convolutions (Arriaga et al. 2017, arXiv 1710.07557).

Unlike the paper's, the first convolution halves the picture and the blocks are wider: on a CPU, depthwise
convolutions on the full picture cost more time than the rest of the network together.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network


def mini_xception(classes: int, widths: Sequence[int] = (32, 64, 128, 256), stem: int = 16) -> keras.Model:
    """Build the network; each of `widths` is a block that halves the picture."""
    inputs = face_input()
    x = conv_bn(inputs, stem, stride=2)
    x = conv_bn(x, widths[0])
    for width in widths:
        x = _block(x, width)
    return network(inputs, logits(x, classes, dropout=0.2), "mini_xception")


def _block(x: Any, width: int) -> Any:
    shortcut = conv_bn(x, width, kernel=1, stride=2, activation=None)
    x = _separable(x, width)
    x = layers.Activation("relu")(x)
    x = _separable(x, width)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.Add()([x, shortcut])


def _separable(x: Any, width: int) -> Any:
    x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)
