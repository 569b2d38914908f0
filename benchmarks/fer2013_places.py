"""Measure where eyes, nose and mouth lie in FER2013's own pictures, which crops of videos are to match.

    python -m benchmarks.fer2013_places FER2013/images.npy [--every 10] [--detector lumaface]

The folder that `fer-train prepare fer2013` writes holds `images.npy`. Detectors want larger faces than 48
pixels with something around them, so each picture is enlarged four times, and set in a plain border of its
own mean: both are undone in the numbers, which are shares of the picture's side. Medians, since some of
FER2013's pictures show no face; `spread` is half the range between the 16th and 84th percentile.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.cli.console import notify
from fer_client.errors import FerError, InputError
from fer_client.faces.detection import Detector, choose_detector
from fer_client.settings import LUMAFACE, YUNET

ENLARGED = 4
BORDER_SHARE = 0.25
MIN_SCORE = 0.5

Image = NDArray[np.uint8]


def place_face(picture: Image, detector: Detector) -> NDArray[np.float64] | None:
    """Return box [x, y, w, h] and five landmarks [x, y] as 14 shares of the picture's side, or None."""
    side = len(picture)
    border = round(BORDER_SHARE * side) * ENLARGED
    large = cv2.resize(picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(
        large, border, border, border, border, cv2.BORDER_CONSTANT, value=picture.mean()
    )
    seen = framed if detector.reads_luma else cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR)
    faces = detector.detect(np.asarray(seen, np.uint8))
    if not len(faces.scores):
        return None
    largest = int(faces.boxes_xywh[:, 2:].prod(axis=1).argmax())
    numbers = np.concatenate([faces.boxes_xywh[largest], faces.landmarks_xy[largest].ravel()])
    corner = np.tile([border, border], 7)
    corner[2:4] = 0
    return np.asarray((numbers - corner) / (ENLARGED * side), np.float64)


def describe(places: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Measures per face, [N] each, in shares of the picture's side, of places [N, 14]; the tilt in degrees."""
    boxes, points = places[:, :4], places[:, 4:].reshape(-1, 5, 2)
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    between = points[:, 1] - points[:, 0]
    names = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
    single = {
        f"{name} {axis}": points[:, index, dimension]
        for index, name in enumerate(names)
        for dimension, axis in enumerate("xy")
    }
    return {
        **single,
        "eyes' centre x": eyes[:, 0],
        "eyes' centre y": eyes[:, 1],
        "mouth's centre x": mouth[:, 0],
        "mouth's centre y": mouth[:, 1],
        "between the eyes": np.hypot(*between.T),
        "eyes to mouth": np.hypot(*(mouth - eyes).T),
        "eyes' tilt, degrees": np.degrees(np.arctan2(between[:, 1], between[:, 0])),
        "box's width": boxes[:, 2],
        "box's height": boxes[:, 3],
        "1 / box's longer side": 1 / boxes[:, 2:].max(axis=1),
    }


def table(measures: dict[str, NDArray[np.float64]]) -> str:
    """Lay out the median and the spread of each measure as Markdown."""
    lines = ["| measure | median | spread |", "|---|---|---|"]
    for name, values in measures.items():
        low, median, high = np.percentile(values, [16, 50, 84])
        lines.append(f"| {name} | {median:.3f} | {(high - low) / 2:.3f} |")
    return "\n".join(lines)


def load_pictures(path: Path) -> Image:
    """Open the array of faces, uint8 [N, side, side]. Raises InputError where it is none."""
    try:
        pictures = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected images.npy as fer-train prepare writes it ({error}).") from error
    if pictures.dtype != np.uint8 or pictures.ndim != 3 or pictures.shape[1] != pictures.shape[2]:
        raise InputError(f"{path}: expected uint8 [N, side, side], got {pictures.dtype} {pictures.shape}.")
    return np.asarray(pictures)


def main() -> None:
    """Parse the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", type=Path, help="images.npy of the prepared FER2013")
    parser.add_argument("--every", type=int, default=10, help="measure every N-th picture (default 10)")
    parser.add_argument("--detector", choices=(YUNET, LUMAFACE), default=YUNET)
    parser.add_argument("--detector-model", type=Path, help="YuNet's ONNX file")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        detector = choose_detector(arguments.detector, arguments.detector_model, MIN_SCORE).make()
        pictures = load_pictures(arguments.images)[:: max(1, arguments.every)]
    except FerError as error:
        notify(f"fer2013_places: {error}")
        sys.exit(error.exit_code)
    found = [place for picture in pictures if (place := place_face(picture, detector)) is not None]
    print(f"{len(found)} of {len(pictures)} pictures with a face\n")  # noqa: T201
    print(table(describe(np.array(found))))  # noqa: T201


if __name__ == "__main__":
    main()
