"""The server's half of preprocessing: UINT8 face crops become the network's input, in NumPy and as ONNX operations.

The operations travel inside the model repository, so a client in any language sends nothing but crops. The NumPy
function is what they are compared with.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fer_client.contract import CROP_SIDE

Shape: TypeAlias = tuple[int, int, int]
"""(height, width, channels)."""

Float32Array: TypeAlias = npt.NDArray[np.float32]
Operation: TypeAlias = tuple[str, npt.NDArray[np.generic] | None, dict[str, object]]
"""An ONNX operation on the result of the one before it: type, constant beside it, attributes."""

FLOAT = 1
"""ONNX's number for FP32, `onnx.TensorProto.FLOAT`."""

TO_PLANES, FROM_PLANES = (0, 3, 1, 2), (0, 2, 3, 1)
"""Between [N, H, W, C], as clients send crops, and [N, C, H, W], as ONNX's operations take pictures."""


def default_crop_side(network_side: int) -> int:
    """Smallest multiple of the network's side that is at least CROP_SIDE, so that reduction is an exact mean."""
    return network_side * -(-CROP_SIDE // network_side)


def preprocess(
    faces: npt.NDArray[np.uint8], input_shape: Shape, input_range: tuple[float, float]
) -> Float32Array:
    """Bring UINT8 [N, h, w, C] crops to FP32 [N, height, width, C], 0 and 255 becoming the ends of the range.

    Sides that are a whole multiple of the network's are reduced by the mean over each block of pixels, others
    by antialiased bilinear interpolation as `tf.image.resize(..., antialias=True)` does it.
    """
    (crop_height, crop_width), (height, width, _) = faces.shape[1:3], input_shape
    planes = faces.transpose(TO_PLANES).astype(np.float32)
    if crop_height % height == 0 and crop_width % width == 0:
        blocks = (height, crop_height // height, width, crop_width // width)
        resized = planes.reshape(*planes.shape[:2], *blocks).mean(axis=(3, 5))
    else:
        resized = _resize_matrix(crop_height, height).T @ planes @ _resize_matrix(crop_width, width)
    low, high = input_range
    scaled = resized.transpose(FROM_PLANES) * np.float32((high - low) / 255) + np.float32(low)
    return np.asarray(scaled, np.float32)


def operations(
    crop_shape: Shape, input_shape: Shape, input_range: tuple[float, float]
) -> Iterator[Operation]:
    """The same as a chain of ONNX operations, from UINT8 [N, *crop_shape] to FP32 [N, *input_shape]."""
    (crop_height, crop_width, channels), (height, width, _) = crop_shape, input_shape
    low, high = input_range
    is_resized = crop_shape != input_shape
    yield "Cast", None, {"to": FLOAT}
    if is_resized:
        yield _moved((channels, crop_height, crop_width), TO_PLANES)
        yield from _resizing((crop_height, crop_width), (height, width))
    yield "Mul", np.array((high - low) / 255, np.float32), {}
    yield "Add", np.full((1, 1, 1, 1), low, np.float32), {}
    if is_resized:
        yield _moved((height, width, channels), FROM_PLANES)


def _resizing(source_hw: tuple[int, int], target_hw: tuple[int, int]) -> Iterator[Operation]:
    (crop_height, crop_width), (height, width) = source_hw, target_hw
    if crop_height % height == 0 and crop_width % width == 0:
        block = (crop_height // height, crop_width // width)
        yield "AveragePool", None, {"kernel_shape": block, "strides": block}
        return
    for source, target in ((crop_width, width), (crop_height, height)):
        yield "MatMul", _resize_matrix(source, target), {}
        yield "Transpose", None, {"perm": (0, 1, 3, 2)}


def _moved(shape: Shape, order: tuple[int, ...]) -> Operation:
    """Move the channels to another place; a single one only needs the new shape."""
    if 1 in (shape[0], shape[2]):
        return "Reshape", np.array((-1, *shape), np.int64), {}
    return "Transpose", None, {"perm": order}


def _resize_matrix(source: int, target: int) -> Float32Array:
    """Weights [source, target] of an antialiased bilinear resize: a triangle of twice the step's width, or 2 pixels.

    Source: TensorFlow's ScaleAndTranslate with the kernel `triangle`, which `tf.image.resize` calls.
    """
    step = source / target
    centres = (np.arange(target) + 0.5) * step - 0.5
    distances = np.abs(np.arange(source)[:, None] - centres) / max(1, step)
    weights = np.maximum(0, 1 - distances)
    return (weights / weights.sum(axis=0)).astype(np.float32)
