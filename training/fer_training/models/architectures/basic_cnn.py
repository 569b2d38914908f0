"""A plain stack of convolutions and poolings: the baseline that every other family has to beat."""

from collections.abc import Sequence

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, logits, network


def basic_cnn(classes: int, widths: Sequence[int] = (32, 64, 128, 256)) -> keras.Model:
    """Build the network; each of `widths` is one convolution, followed by a pooling that halves the picture."""
    x = inputs = face_input()
    for width in widths:
        x = layers.MaxPooling2D(2)(conv_bn(x, width))
    return network(inputs, logits(x, classes, dropout=0.3), "basic_cnn")
