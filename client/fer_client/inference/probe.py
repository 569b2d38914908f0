"""What the served network predicts for a few fixed crops: by that a result tells which network it is of.

A repository need not state a checksum, and a checksum of the weights says nothing of the temperature, the input
range or a TensorRT plan. The answers say all of it.
"""

from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import Contract
from fer_client.inference.client import InferenceClient, Predictions

TOLERANCE = 2e-3
"""Largest difference between answers of one network. Of `se_resnet_labels`, ONNX Runtime's optimisations, threads and
batches moved none by more than 1e-7; weights rounded to the 10 bits that a GPU's TF32 keeps, by 5e-4. A temperature
1 % higher moved one by 3e-3."""

_DIGITS = 4
_MOUTHS = (-0.5, 0.0, 0.5, 1.0)
"""How far the corners of each drawing's mouth are raised, a quarter of the crop's height for 1."""


def probe_crops(crop_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Draw faces with different mouths, uint8 [4, H, W, C], the same on every machine.

    Faces, because a network is sure of one answer, whatever its temperature, for pictures unlike its own.
    """
    height, width, channels = crop_shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    drawings = np.stack([_face(x, y, mouth) for mouth in _MOUTHS])
    tints = 1 - 0.2 * np.arange(channels)  # so that a network that takes BGR for RGB gives other answers
    return np.rint(drawings[..., None] * tints).astype(np.uint8)


def _face(x: NDArray[np.float64], y: NDArray[np.float64], mouth: float) -> NDArray[np.float64]:
    """Draw one face, float64 [H, W] in [0, 255]; `x` and `y` are each pixel's place, float64 [H, W] from -1 to 1."""
    skin = _soft(1 - np.hypot(x / 0.8, y / 0.95))
    eyes = _soft(1 - np.hypot((np.abs(x) - 0.35) / 0.16, (y + 0.2) / 0.1))
    bend = mouth * (x / 0.45) ** 2 / 2
    lips = _soft(1 - np.hypot(x / 0.45, (y - 0.45 + bend) / 0.1))
    return (80 + 40 * x) * (1 - skin) + (190 + 30 * x - 130 * np.maximum(eyes, lips)) * skin


def _soft(inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0 outside a shape, where `inside` is negative, and 1 well inside: its edge, anti-aliased."""
    return np.clip(4 * inside, 0, 1)


def ask(
    client: InferenceClient,
    contract: Contract,
    wait: "Callable[[Future[Predictions]], Predictions]" = Future.result,
) -> list[list[float]]:
    """Return the answers for `probe_crops`, a row for each: probabilities, then valence and arousal where served.

    Values have four decimals. `wait` waits for an answer. Raises ServerError.
    """
    crops = probe_crops(contract.crop_shape)
    size = contract.max_batch_size
    waiting = [client.submit(crops[start : start + size], contract) for start in range(0, len(crops), size)]
    rows = np.concatenate([_rows(wait(answer)) for answer in waiting])
    return [[round(float(value), _DIGITS) for value in row] for row in rows]


def _rows(answer: Predictions) -> NDArray[np.float32]:
    parts = [answer.expression, answer.valence_arousal]
    return np.hstack([part for part in parts if part is not None])


def is_same(was: object, now: list[list[float]]) -> bool:
    """Whether recorded answers, `was`, are those of the same network, up to TOLERANCE; False for any other value."""
    try:
        rows = np.asarray(was, np.float64)
    except (TypeError, ValueError):
        return False
    return rows.shape == np.shape(now) and bool(np.all(np.abs(rows - now) <= TOLERANCE))
