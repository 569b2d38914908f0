"""Batches for training, made by a worker thread while the network computes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_training.data.augment import augment, augment_pairs, mix, shrink
from fer_training.data.dataset import Dataset, vote_targets, voted_not_a_face
from fer_training.recipes import Recipe


@dataclass(frozen=True)
class Batch:
    """One step's input: float32 images [B, 48, 48, 1] in [-1, 1], weights [B], and targets whose rows sum to 1.

    The images are smaller, and still square, while the recipe's `small_side` is in force.
    The targets are [B, K] for the labels, where the recipe has a votes head [B, 10] for the votes, and where the set
    has references these, like the images.
    """

    images: NDArray[np.float32]
    targets: list[NDArray[np.float32]]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingSet:
    """The rows to learn from, with their targets float32 [N, K] and weights float32 [N] of mean 1.

    `images` are those of the whole dataset, still on disk; `rows` are the N to use. With a votes head, the
    targets are [N, K + 10]: the labels' and the votes' side by side. `references` are [N, M] rows of the images, for
    each of the N some that show a like face neutral; a batch takes one of them by chance.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.intp]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    classes: int
    references: NDArray[np.intp] | None = None

    def steps(self, batch_size: int) -> int:
        """Full batches in one epoch; the rest of a shuffle is left out."""
        return max(len(self.rows) // batch_size, 1)


def training_set(dataset: Dataset, recipe: Recipe) -> TrainingSet:
    """Choose the rows of Training and make their targets as the recipe says."""
    rows = dataset.rows("Training")
    if recipe.drop_not_a_face and dataset.votes is not None:
        rows = rows[~voted_not_a_face(dataset.votes[rows])]
    labels = np.asarray(dataset.labels[rows], np.int64)
    votes = None if dataset.votes is None else vote_targets(dataset.votes[rows], dataset.label_names)
    targets = soft_targets(labels, len(dataset.label_names), votes, recipe)
    if has_votes_head(dataset, recipe):
        targets = np.hstack([targets, all_votes(np.asarray(dataset.votes)[rows])])
    weights = class_weights(labels, recipe.class_balance)
    return TrainingSet(dataset.images, rows, targets, weights, len(dataset.label_names))


def has_votes_head(dataset: Dataset, recipe: Recipe) -> bool:
    """Tell whether the network learns the votes as a second output: the recipe must ask and the data have them."""
    return recipe.votes_head > 0 and dataset.votes is not None


def all_votes(votes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shares of all ten vote columns, float32 [N, 10]; equal ones where nobody voted."""
    counts = np.asarray(votes, np.float32)
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float32)


def soft_targets(
    labels: NDArray[np.int64], classes: int, votes: NDArray[np.float32] | None, recipe: Recipe
) -> NDArray[np.float32]:
    """Blend labels [N] with vote shares [N, K], then smooth; a row whose votes name no class keeps its label alone."""
    targets = np.eye(classes, dtype=np.float32)[labels]
    if votes is not None:
        share = recipe.votes_share * (votes.sum(axis=1, keepdims=True) > 0)
        targets = (1 - share) * targets + share * votes
    smoothed = (1 - recipe.label_smoothing) * targets + recipe.label_smoothing / classes
    return np.asarray(smoothed, np.float32)


def class_weights(labels: NDArray[np.int64], balance: float) -> NDArray[np.float32]:
    """Weight of each row: its class's count to the power of `-balance`, scaled to a mean of 1."""
    counts = np.bincount(labels).astype(np.float64)
    weights = counts[labels] ** -balance
    return np.asarray(weights / weights.mean(), np.float32)


def to_input(images: NDArray[np.generic]) -> NDArray[np.float32]:
    """Luma [N, 48, 48] in [0, 255] as the networks read it: float32 [N, 48, 48, 1] in [-1, 1]."""
    return np.asarray(images, np.float32)[..., np.newaxis] / np.float32(127.5) - 1


def make_batch(
    data: TrainingSet,
    chosen: NDArray[np.intp],
    recipe: Recipe,
    rng: np.random.Generator,
    side: int | None = None,
) -> Batch:
    """Augment and mix the chosen ones of `data.rows` into one batch, shrunk to `side` pixels where one is given."""
    if data.references is not None:
        return _batch_of_pairs(data, data.references, chosen, recipe, rng)
    images = augment(data.images[data.rows[chosen]], recipe.augmentation, rng)
    if side is not None:
        images = shrink(images, side)
    images, targets, weights = mix(
        images, data.targets[chosen], data.weights[chosen], recipe.augmentation, rng
    )
    return Batch(to_input(images), _parts(data, targets), weights)


def _batch_of_pairs(
    data: TrainingSet,
    references: NDArray[np.intp],
    chosen: NDArray[np.intp],
    recipe: Recipe,
    rng: np.random.Generator,
) -> Batch:
    drawn = references[chosen, rng.integers(references.shape[1], size=len(chosen))]
    images, faces = augment_pairs(
        data.images[data.rows[chosen]], data.images[drawn], recipe.augmentation, rng
    )
    targets = [*_parts(data, data.targets[chosen]), to_input(faces)]
    return Batch(to_input(images), targets, data.weights[chosen])


def _parts(data: TrainingSet, targets: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [part for part in np.split(targets, [data.classes], axis=1) if part.size]


def epoch_batches(
    data: TrainingSet, recipe: Recipe, seed: int, epoch: int, ahead: int = 4
) -> Iterator[Batch]:
    """Yield one epoch's batches, made on a thread, at most `ahead` before they are asked for.

    The order and the changes depend on seed, epoch and step alone, so a resumed run sees what it would have seen.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(data.rows))
    steps = data.steps(recipe.batch_size)

    def make(step: int) -> Batch:
        chosen = order[step * recipe.batch_size :][: recipe.batch_size]
        return make_batch(
            data, chosen, recipe, np.random.default_rng((seed, epoch, step)), recipe.side(epoch)
        )

    worker = ThreadPoolExecutor(1, thread_name_prefix="fer-batches")
    try:
        ready = deque(worker.submit(make, step) for step in range(min(ahead, steps)))
        for step in range(ahead, ahead + steps):
            batch = ready.popleft().result()
            if step < steps:
                ready.append(worker.submit(make, step))
            yield batch
    finally:
        worker.shutdown(cancel_futures=True)
