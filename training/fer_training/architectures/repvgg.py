"""RepVGG: branches while learning, one convolution each while serving (Ding et al. 2021, arXiv 2101.03697)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from fer_training.architectures.blocks import face_input, logits, network

STAGES = ((24, 1), (48, 2), (96, 4), (192, 1))
"""(width, blocks) of each stage; the first block of each halves the picture."""


def repvgg(classes: int, stages: Sequence[tuple[int, int]] = STAGES) -> keras.Model:
    """Build the network to train: each block adds a 3x3, a 1x1 and, where the shape stays, an identity branch."""
    return _build(classes, stages, _branches)


def reparameterise(trained: keras.Model) -> keras.Model:
    """Give the plain network with the same answers: every block's branches become one 3x3 convolution."""
    stages = _stages_of(trained)
    plain = _build(trained.output.shape[-1], stages, _plain)
    for name in _block_names(stages):
        plain.get_layer(f"{name}_conv").set_weights(list(_fused(trained, name)))
    plain.get_layer("logits").set_weights(trained.get_layer("logits").get_weights())
    return plain


def _build(classes: int, stages: Sequence[tuple[int, int]], block: Any) -> keras.Model:
    x = inputs = face_input()
    names = iter(_block_names(stages))
    for width, blocks in stages:
        for number in range(blocks):
            x = block(x, width, 1 if number else 2, next(names))
    return network(inputs, logits(x, classes, dropout=0.3), "repvgg")


def _block_names(stages: Sequence[tuple[int, int]]) -> list[str]:
    return [
        f"stage{stage}_block{block}" for stage, (_, blocks) in enumerate(stages) for block in range(blocks)
    ]


def _stages_of(model: keras.Model) -> list[tuple[int, int]]:
    """Read (width, blocks) back from the names of a trained network's layers."""
    widths: dict[str, list[int]] = {}
    for layer in model.layers:
        if layer.name.endswith("_3x3"):
            widths.setdefault(layer.name.split("_")[0], []).append(layer.filters)
    return [(found[0], len(found)) for found in widths.values()]


def _branches(x: Any, width: int, stride: int, name: str) -> Any:
    def convolve(kernel: int) -> Any:
        branch = f"{name}_{kernel}x{kernel}"
        convolution = layers.Conv2D(
            width,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            name=branch,
            kernel_initializer="he_normal",
        )
        return layers.BatchNormalization(name=f"{branch}_bn")(convolution(x))

    branches = [convolve(3), convolve(1)]
    if stride == 1 and x.shape[-1] == width:
        branches.append(layers.BatchNormalization(name=f"{name}_identity_bn")(x))
    return layers.Activation("relu")(layers.Add()(branches))


def _plain(x: Any, width: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(width, 3, strides=stride, padding="same", name=f"{name}_conv")(x)
    return layers.Activation("relu")(x)


def _fused(model: keras.Model, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel [3, 3, in, out] and bias [out] that equal the sum of one block's branches."""
    convolution = model.get_layer(f"{name}_3x3")
    large = convolution.get_weights()[0]
    # On an even side, stride 2 pads only after the picture: the 1x1 branch reads the window's first pixel.
    position = 1 if convolution.strides[0] == 1 else 0
    kernels = {f"{name}_3x3_bn": large}
    kernels[f"{name}_1x1_bn"] = _placed(model.get_layer(f"{name}_1x1").get_weights()[0][0, 0], position)
    if any(layer.name == f"{name}_identity_bn" for layer in model.layers):
        kernels[f"{name}_identity_bn"] = _placed(np.eye(large.shape[2], dtype=np.float32), position)
    folded = [_folded(kernel, model.get_layer(layer)) for layer, kernel in kernels.items()]
    return np.sum([kernel for kernel, _ in folded], axis=0), np.sum([bias for _, bias in folded], axis=0)


def _placed(point: NDArray[np.float32], position: int) -> NDArray[np.float32]:
    """Put a 1x1 kernel [in, out] into an empty 3x3 one."""
    kernel = np.zeros((3, 3, *point.shape), np.float32)
    kernel[position, position] = point
    return kernel


def _folded(kernel: NDArray[np.float32], norm: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold a batch normalisation into the convolution before it."""
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, beta - mean * scale
