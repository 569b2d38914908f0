"""The network: one luma channel in, for each cell of three grids a score, a box and five landmarks out.

In the manner of YuNet (Wu, Peng and Yu 2023, doi:10.1007/s11633-023-1423-y), whose decoding OpenCV's `FaceDetectorYN`
does. Plain convolutions instead of depthwise ones, a first layer that quarters the picture and one channel instead of
three: on a CPU the first two layers of such a network cost more than all others.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from fer_training.detector.targets import STRIDES

ANSWERS = 15
"""Logit of the score, box (4), landmarks (10) of a cell, as in `fer_training.detector.targets`."""

LEAST_SIDE = max(STRIDES)
"""Width and height of the input are multiples of it."""


_FIRST_LOGIT = -4.0
_SMALL = keras.initializers.RandomNormal(stddev=0.01)


@dataclass(frozen=True)
class Widths:
    """Channels of the first layer, of the stages at strides 8, 16 and 32, and of the heads; blocks of each stage."""

    first: int = 16
    stages: tuple[int, int, int] = (24, 48, 72)
    blocks: tuple[int, int, int] = (2, 2, 2)
    head: int = 32


def face_detector(widths: Widths = Widths()) -> keras.Model:
    """Build the network for luma [N, H, W, 1] in [0, 255], H and W multiples of LEAST_SIDE.

    Its answers are float32 [N, P, ANSWERS], P all cells in the order of `cell_targets`.
    """
    luma = layers.Input((None, None, 1), name="luma")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scaled")(luma)
    x = _convolution(x, widths.first, "first", kernel=6, stride=4)
    found = []
    for stride, width, blocks in zip(STRIDES, widths.stages, widths.blocks, strict=True):
        x = _convolution(x, width, f"down{stride}", stride=2)
        for block in range(blocks):
            x = _convolution(x, width, f"stage{stride}_{block}")
        found.append(_convolution(x, widths.head, f"level{stride}", kernel=1))
    for finer, coarser in ((1, 2), (0, 1)):
        wide = layers.UpSampling2D(2, interpolation="nearest", name=f"wide{STRIDES[coarser]}")(found[coarser])
        found[finer] = layers.Add(name=f"joined{STRIDES[finer]}")([found[finer], wide])
    answers = [_answers(level, widths.head, stride) for level, stride in zip(found, STRIDES, strict=True)]
    joined = layers.Concatenate(axis=1, name="answers", dtype="float32")(answers)
    model = keras.Model(luma, joined, name="face_detector")
    _expect_few_faces(model)
    return model


def _convolution(x: Any, width: int, name: str, kernel: int = 3, stride: int = 1) -> Any:
    x = layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _answers(level: Any, width: int, stride: int) -> Any:
    x = _convolution(level, width, f"head{stride}")
    x = layers.Conv2D(ANSWERS, 1, dtype="float32", kernel_initializer=_SMALL, name=f"answer{stride}")(x)
    return layers.Reshape((-1, ANSWERS), name=f"cells{stride}")(x)


def _expect_few_faces(model: keras.Model) -> None:
    """Begin with low scores: at even odds, the many cells without a face would drown the others (Lin et al. 2017)."""
    for stride in STRIDES:
        layer = model.get_layer(f"answer{stride}")
        kernel, bias = layer.get_weights()
        bias[0] = _FIRST_LOGIT
        layer.set_weights([kernel, bias])
