"""Batches of canvases and targets, made by a worker thread while the network computes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from fer_training.detector.canvases import Canvases
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.targets import cell_targets

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Luma float32 [B, side, side, 1] in [0, 255], and targets float32 [B, P, COLUMNS]."""

_AHEAD = 4


def epoch_batches(canvases: Canvases, recipe: DetectorRecipe, seed: int, epoch: int) -> Iterator[Batch]:
    """Yield one epoch's batches. They depend on seed, epoch and step alone, so a resumed run sees what it would have seen."""

    def make(step: int) -> Batch:
        rng = np.random.default_rng((seed, epoch, step))
        side = canvases.side(rng)
        drawn = [canvases.draw(side, rng) for _ in range(recipe.batch_size)]
        luma = np.stack([canvas for canvas, _ in drawn]).astype(np.float32)[..., np.newaxis]
        return luma, np.stack([cell_targets(faces, side) for _, faces in drawn])

    worker = ThreadPoolExecutor(1, thread_name_prefix="fer-canvases")
    try:
        ready = deque(worker.submit(make, step) for step in range(min(_AHEAD, recipe.steps)))
        for step in range(_AHEAD, _AHEAD + recipe.steps):
            batch = ready.popleft().result()
            if step < recipe.steps:
                ready.append(worker.submit(make, step))
            yield batch
    finally:
        worker.shutdown(cancel_futures=True)
