"""The server's half of preprocessing, as a TensorFlow function: UINT8 face crops become the network's input.

It travels inside the model repository, so a client in any language sends nothing but crops.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fer_client.contract import CROP_SIDE


def default_crop_side(network_side: int) -> int:
    """Smallest multiple of the network's side that is at least CROP_SIDE, so that reduction is an exact mean."""
    return network_side * -(-CROP_SIDE // network_side)


def preprocess(faces: Any, input_shape: tuple[int, int, int], input_range: tuple[float, float]) -> Any:
    """Bring UINT8 [N, h, w, C] crops to FP32 [N, height, width, C], 0 and 255 becoming the ends of the range.

    Sides that are a whole multiple of the network's are reduced by the mean over each block of pixels, others
    by antialiased bilinear interpolation as `tf.image.resize(..., antialias=True)` does it.
    """
    height, width, channels = input_shape
    low, high = input_range
    pixels = tf.cast(faces, tf.float32)
    crop_height, crop_width = pixels.shape[1:3]
    if crop_height % height == 0 and crop_width % width == 0:
        block = (crop_height // height, crop_width // width)
        if block != (1, 1):
            pixels = tf.nn.avg_pool2d(pixels, block, block, "VALID")
    else:
        pixels = _interpolate(pixels, (height, width))
    return tf.ensure_shape(pixels * ((high - low) / 255) + low, (None, height, width, channels))


def _interpolate(pixels: Any, size_hw: tuple[int, int]) -> Any:
    """Resize by two matrix products, because tf2onnx has no counterpart of TensorFlow's antialiased resize."""
    (height, width, channels), (rows, columns) = pixels.shape[1:], size_hw
    # Products of plain matrices: the batched kind with one channel crashes oneDNN in TensorFlow 2.21.
    pixels = tf.reshape(tf.transpose(pixels, (0, 1, 3, 2)), (-1, width))
    pixels = tf.matmul(pixels, _resize_matrix(width, columns))
    pixels = tf.reshape(pixels, (-1, height, channels, columns))
    pixels = tf.reshape(tf.transpose(pixels, (0, 3, 2, 1)), (-1, height))
    pixels = tf.matmul(pixels, _resize_matrix(height, rows))
    return tf.transpose(tf.reshape(pixels, (-1, columns, channels, rows)), (0, 3, 1, 2))


def _resize_matrix(source: int, target: int) -> npt.NDArray[np.float32]:
    """Weights [source, target] of an antialiased bilinear resize: TensorFlow's own, applied to unit vectors."""
    with tf.init_scope():
        unit_columns: npt.NDArray[np.float32] = np.eye(source, dtype=np.float32)[:, :, None]
        resized = tf.image.resize(unit_columns, (target, source), antialias=True).numpy()
    return np.asarray(resized[:, :, 0].T, dtype=np.float32)
