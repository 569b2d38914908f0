"""Valence and arousal of expressions, and from them targets for faces on which only votes are known.

The coordinates are the mean ratings of the words for the expressions, pleasure and arousal from -1 to 1, by Russell and
Mehrabian (1977, "Evidence for a three-factor theory of emotions", Journal of Research in Personality 11, 273-294,
among 151 terms: happy, surprised, angry, disgusted, fearful, sad). `neutral` is put in the middle of the scales. They
say how people rate a feeling that they are told of, not what they see in a face: targets made from them are weak
supervision.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError
from fer_training.data.dataset import SPLITS, Dataset, vote_targets

COORDINATES = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}
"""(valence, arousal) of each expression; none is known for contempt."""

SOURCE = "Russell and Mehrabian 1977"

ANNOTATIONS, VOTES = "annotations", "votes"
"""Where targets come from: people who rated valence and arousal, or the voters' expressions."""


def coordinates(labels: Sequence[str]) -> NDArray[np.float32]:
    """Valence and arousal of each label, float32 [K, 2]; InputError for a label without any."""
    unknown = [label for label in labels if label not in COORDINATES]
    if unknown:
        raise InputError(
            f"Expected expressions with known valence and arousal ({', '.join(COORDINATES)}), got "
            f"{', '.join(unknown)}. Leave the class out, or give a network without it."
        )
    return np.array([COORDINATES[label] for label in labels], np.float32)


def affect_of_votes(votes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean coordinates of the votes uint8 [N, 10] for the known expressions, float32 [N, 2]; NaN without such votes."""
    shares = vote_targets(votes, tuple(COORDINATES))
    means = shares @ coordinates(tuple(COORDINATES))
    return np.where(shares.sum(axis=1, keepdims=True) > 0, means, np.float32(np.nan))


def target_source(dataset: Dataset) -> str:
    """Tell where the dataset's valence and arousal come from; InputError where it has neither source."""
    if dataset.valence_arousal is not None:
        return ANNOTATIONS
    if dataset.votes is not None:
        return VOTES
    raise InputError(
        f"Expected annotated valence and arousal, or FER+ votes, but {dataset.description['name']} has neither. "
        "Prepare AffectNet, or FER2013 with fer2013new.csv beside it."
    )


def affect_targets(dataset: Dataset, split: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Rows of a split whose valence and arousal are known, [N], and these, float32 [N, 2].

    Raises InputError where there are none.
    """
    rows = dataset.rows(split)
    if target_source(dataset) == ANNOTATIONS:
        values = np.asarray(dataset.valence_arousal)[rows].astype(np.float32)
    else:
        values = affect_of_votes(np.asarray(dataset.votes)[rows])
    known = np.isfinite(values).all(axis=1)
    if not known.any():
        raise InputError(
            f"Expected images with valence and arousal in the split {split}, one of {', '.join(SPLITS)}, but the data "
            "has none. Prepare it again."
        )
    return rows[known], values[known]
