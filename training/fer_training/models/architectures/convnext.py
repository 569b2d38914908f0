"""ConvNeXt: 7x7 depthwise convolutions and inverted bottlenecks (Liu et al. 2022, arXiv 2201.03545)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_training.models.architectures.blocks import face_input, logits, network


def convnext(classes: int, stages: Sequence[tuple[int, int]] = ((32, 2), (64, 2), (128, 3))) -> keras.Model:
    """Build the network; each of `stages` is (width, blocks), and the picture is halved between them.

    The first convolution takes patches of 2x2 pixels instead of the paper's 4x4, since the picture is small.
    """
    inputs = face_input()
    x = layers.Conv2D(stages[0][0], 2, strides=2, kernel_initializer="he_normal")(inputs)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    for number, (width, blocks) in enumerate(stages):
        if number:
            x = layers.LayerNormalization(epsilon=1e-6)(x)
            x = layers.Conv2D(width, 2, strides=2, kernel_initializer="he_normal")(x)
        for _ in range(blocks):
            x = _block(x, width)
    return network(inputs, logits(x, classes, dropout=0.2), "convnext")


def _block(x: Any, width: int) -> Any:
    shortcut = x
    x = layers.DepthwiseConv2D(7, padding="same")(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    # The paper has GELU; Keras's becomes an Erfc on TensorFlow, which ONNX lacks.
    x = layers.Conv2D(4 * width, 1, activation="silu")(x)
    x = layers.Conv2D(width, 1)(x)
    # A depthwise 1x1 convolution is the paper's layer scale in a stock layer.
    x = layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer=keras.initializers.Constant(0.1))(x)
    return layers.Add()([x, shortcut])
