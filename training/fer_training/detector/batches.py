"""Batches of canvases and targets, made by processes of their own while the network computes.

A canvas is many short calls, which in a thread would wait for the interpreter's lock between them.
"""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_training.detector.canvases import Canvases
from fer_training.detector.pictures import load_pictures
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.teacher import Teacher

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Luma uint8 [B, side, side, 1], and targets float32 [B, P, COLUMNS]."""

_PROCESSES = 2
_AHEAD = 6

_canvases: Canvases | None = None
"""Of a process that draws."""


@contextmanager
def drawing(
    folder: Path, recipe: DetectorRecipe, crops: Path | None, teacher: Path | None
) -> Iterator[ProcessPoolExecutor]:
    """Start the processes that draw from packed pictures and crops, and end them with the block."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, context, _open, (folder, recipe, crops, teacher)) as pool:
        yield pool


def epoch_batches(
    pool: ProcessPoolExecutor, recipe: DetectorRecipe, seed: int, epoch: int
) -> Iterator[Batch]:
    """Yield one epoch's batches.

    They depend on seed, epoch and step alone, so a resumed run sees what it would have seen.
    """
    seeds = iter([(seed, epoch, step) for step in range(recipe.steps)])
    ready = deque(pool.submit(_draw, next(seeds)) for _ in range(min(_AHEAD, recipe.steps)))
    while ready:
        batch = ready.popleft().result()
        for following in seeds:
            ready.append(pool.submit(_draw, following))
            break
        yield batch


def _open(folder: Path, recipe: DetectorRecipe, crops: Path | None, teacher: Path | None) -> None:
    global _canvases
    cv2.setNumThreads(1)
    _canvases = Canvases(
        load_pictures(folder),
        recipe,
        None if crops is None else load_pictures(crops),
        None if teacher is None else Teacher(teacher),
    )


def _draw(seed: tuple[int, int, int]) -> Batch:
    if _canvases is None:
        raise RuntimeError("expected a process that `drawing` started")
    return _canvases.batch(np.random.default_rng(seed))
