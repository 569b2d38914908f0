"""VGG: stacks of 3x3 convolutions and a hidden dense layer (Simonyan and Zisserman 2015, arXiv 1409.1556)."""

from collections.abc import Sequence

import keras
from keras import layers

from fer_training.models.architectures.blocks import conv_bn, face_input, network


def vgg(
    classes: int, stacks: Sequence[tuple[int, int]] = ((16, 2), (32, 2), (64, 3), (128, 3)), hidden: int = 256
) -> keras.Model:
    """Build the network; each of `stacks` is (width, convolutions), followed by a pooling.

    Batch normalisation and dropout as in the tuned VGG for FER2013 (Khaireddin and Chen 2021, arXiv 2105.03588).
    """
    x = inputs = face_input()
    for width, convolutions in stacks:
        for _ in range(convolutions):
            x = conv_bn(x, width)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    x = layers.Dense(hidden, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.Dropout(0.3)(x)
    return network(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), "vgg")
