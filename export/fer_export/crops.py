"""Real face crops, on which the exported graphs must answer as the Keras network does."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from fer_client.errors import InputError, UsageError
from fer_client.faces.detection import lumaface

MAX_CROPS = 576
MAX_EXAMPLES = 6

PORTRAITS = (("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"), ("skimage", "data/astronaut.png"))
"""Portraits in the public domain (US Navy, NASA) that packages carry."""

ZOOMS = (0.85, 1.0, 1.15, 1.3)
SHIFTS = (-0.08, 0.0, 0.08)
GAMMAS = (0.5, 0.8, 1.25, 2.0)
PLAIN = " (zoom 1.0, shift +0.0 +0.0, gamma 0.8, mirrored False)"
"""How the variation nearest to the portrait itself is named."""

_MIN_SCORE = 0.5
"""Least score of the face that is looked for in a portrait, where there is one."""

UInt8Array: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Crops:
    """Face crops UINT8 [N, H, W, C] and, for each, the words that find it again.

    `examples` names a few to look at: each portrait as it is, or at most MAX_EXAMPLES of the user's own.
    """

    pixels: UInt8Array
    names: tuple[str, ...]
    examples: dict[str, int]


def load_crops(source: Path | None, crop_shape: tuple[int, int, int]) -> Crops:
    """At most MAX_CROPS crops of `crop_shape`, evenly chosen from `source`.

    `source` is a folder of pictures, a folder with `images.npy` such as `fer-train prepare` writes, or a
    `.npy` file of UINT8 [N, H, W] or [N, H, W, C]; None takes portraits that installed packages carry. Raises
    InputError for a source without readable crops and UsageError where no portrait is installed.
    """
    if source is None:
        named = list(_portrait_variations())
    elif source.is_dir() and not (source / "images.npy").is_file():
        named = list(_pictures(source))
    else:
        named = list(_array(source / "images.npy" if source.is_dir() else source))
    pixels = np.stack([_fitted(picture, crop_shape) for _, picture in named])
    names = tuple(name for name, _ in named)
    return Crops(pixels, names, _examples(names, source is None))


def _examples(names: tuple[str, ...], are_portraits: bool) -> dict[str, int]:
    """Index of each example by its name; of a portrait's variations the one nearest to the picture."""
    if are_portraits:
        return {name.removesuffix(PLAIN): i for i, name in enumerate(names) if name.endswith(PLAIN)}
    return {names[index]: index for index in _evenly(len(names), MAX_EXAMPLES)}


def _portrait_variations() -> Iterator[tuple[str, UInt8Array]]:
    found = [path for package, inside in PORTRAITS if (path := _packaged(package, inside))]
    if not found:
        raise UsageError(
            "No sample portraits are installed: pip install matplotlib, or name face crops with --crops."
        )
    for path in found:
        picture = _read_picture(path)
        x, y, side = _face_square(picture, path)
        for zoom, right, down, gamma, mirrored in product(ZOOMS, SHIFTS, SHIFTS, GAMMAS, (False, True)):
            cut = _cut(picture, (x + right * side, y + down * side), side * zoom)
            name = f"{path.name} (zoom {zoom}, shift {right:+} {down:+}, gamma {gamma}, mirrored {mirrored})"
            yield name, _gamma_table(gamma)[cut[:, ::-1] if mirrored else cut]


def _packaged(package: str, inside: str) -> Path | None:
    """Find a package's file without importing the package."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / inside if folders else None
    return path if path and path.is_file() else None


def _face_square(picture: UInt8Array, path: Path) -> tuple[float, float, float]:
    """Centre x, centre y and side in pixels of the largest face that LumaFace finds."""
    luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    boxes = lumaface(_MIN_SCORE).detect(luma).boxes_xywh.tolist()
    if not boxes:
        raise InputError(f"No face was found in {path}: name face crops with --crops.")
    x, y, width, height = max(boxes, key=lambda box: box[2] * box[3])
    return x + width / 2, y + height / 2, float(max(width, height))


def _cut(picture: UInt8Array, centre_xy: tuple[float, float], side: float) -> UInt8Array:
    size = round(side)
    return np.asarray(cv2.getRectSubPix(picture, (size, size), centre_xy), dtype=np.uint8)


def _gamma_table(gamma: float) -> UInt8Array:
    return np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)


def _pictures(folder: Path) -> Iterator[tuple[str, UInt8Array]]:
    suffixes = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".webp"}
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if not paths:
        raise InputError(
            f"No pictures ({', '.join(sorted(suffixes))}) are in {folder}: name a folder of face crops."
        )
    for index in _evenly(len(paths)):
        yield str(paths[index].relative_to(folder)), _read_picture(paths[index])


def _read_picture(path: Path) -> UInt8Array:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(
            f"{path} could not be read as a picture: remove it or name another folder of face crops."
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _array(path: Path) -> Iterator[tuple[str, UInt8Array]]:
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} could not be read as a NumPy array of face crops: name a folder or a .npy file."
        ) from error
    grey, coloured = images.ndim == 3, images.ndim == 4 and images.shape[-1] in (1, 3)
    if not (grey or coloured) or images.dtype != np.uint8 or len(images) == 0:
        raise InputError(
            f"{path} holds {images.dtype} {list(images.shape)}, expected uint8 [N, height, width(, 1 or 3)]."
        )
    for index in _evenly(len(images)):
        yield f"{path.name}[{index}]", np.asarray(images[index])


def _evenly(count: int, wanted: int = MAX_CROPS) -> list[int]:
    return sorted({int(index) for index in np.linspace(0, count - 1, min(count, wanted))})


def _fitted(picture: npt.NDArray[Any], crop_shape: tuple[int, int, int]) -> UInt8Array:
    """Resize to the crop's size and bring to its channels: luma for one, RGB for three."""
    height, width, channels = crop_shape
    if picture.ndim == 3 and picture.shape[2] == 3 and channels == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    elif picture.ndim == 2 or picture.shape[2] == 1:
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), channels, axis=2)
    if picture.shape[:2] != (height, width):
        method = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_LINEAR
        picture = cv2.resize(picture, (width, height), interpolation=method)
    return np.asarray(picture, dtype=np.uint8).reshape(crop_shape)
