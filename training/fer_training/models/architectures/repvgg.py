"""RepVGG: branches while learning, one convolution each while serving (Ding et al. 2021, arXiv 2101.03697).

`fer-export` merges the branches, so the served network costs less than the counts of the one that learns.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network

STAGES = ((24, 1), (48, 2), (96, 4), (192, 1))
"""(width, blocks) of each stage; the first block of each halves the picture."""


def repvgg(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the network to train: each block adds a 3x3, a 1x1 and, where the shape stays, an identity branch."""
    x = inputs = face_input()
    for width, blocks in stages:
        for number in range(blocks):
            x = _branches(x, width, stride=1 if number else 2)
    return network(inputs, logits(x, classes, dropout=0.3), "repvgg")


def _branches(x: Any, width: int, stride: int) -> Any:
    branches = [conv_bn(x, width, kernel, stride, activation=None) for kernel in (3, 1)]
    if stride == 1 and x.shape[-1] == width:
        branches.append(layers.BatchNormalization()(x))
    return layers.Activation("relu")(layers.Add()(branches))
