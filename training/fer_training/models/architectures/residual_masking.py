"""Residual masking: a small hourglass after each stage says where to look (Pham et al. 2021, ICPR 2020).

The published network has 143 M parameters; the widths and depths here fit the budget of the other families.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network
from fer_training.models.architectures.residual import basic_block


def residual_masking(
    classes: int, stages: Sequence[tuple[int, int, int]] = ((24, 1, 2), (48, 1, 2), (96, 1, 1), (192, 1, 0))
) -> keras.Model:
    """Build the network; each of `stages` is (width, blocks, halvings inside the mask's hourglass)."""
    inputs = face_input()
    x = conv_bn(inputs, stages[0][0], stride=2)
    for number, (width, blocks, depth) in enumerate(stages):
        for block in range(blocks):
            x = basic_block(x, width, stride=2 if number and not block else 1)
        x = _masked(x, depth)
    return network(inputs, logits(x, classes, dropout=0.3), "residual_masking")


def _masked(x: Any, depth: int) -> Any:
    """Multiply by one plus a mask in [0, 1], so that a blind mask leaves the features as they are."""
    mask = layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(_hourglass(x, depth))
    return layers.Add()([x, layers.Multiply()([x, mask])])


def _hourglass(x: Any, depth: int) -> Any:
    """Encode and decode at half the width; each level adds what it saw before halving."""
    x = conv_bn(x, x.shape[-1] // 2 if x.shape[-1] >= 32 else 16)
    if not depth:
        return x
    inner = conv_bn(_hourglass_level(layers.MaxPooling2D(2)(x), depth - 1), x.shape[-1])
    return layers.Add()([x, layers.UpSampling2D(2)(inner)])


def _hourglass_level(x: Any, depth: int) -> Any:
    x = conv_bn(x, x.shape[-1])
    if not depth:
        return x
    inner = _hourglass_level(layers.MaxPooling2D(2)(x), depth - 1)
    return layers.Add()([x, layers.UpSampling2D(2)(inner)])
