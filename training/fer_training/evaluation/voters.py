"""Figures of a classifier by what people voted, in NumPy alone.

`probabilities` and `shares` are float [N, K], rows summing to 1: the network's answers, and each class's share of the
votes for the K classes. `votes` is uint8 [N, 10] in the order of VOTE_NAMES. Entropies are in nats.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.contract import FOUR_CATEGORIES
from fer_training.data.dataset import majority_classes, vote_targets
from fer_training.evaluation.metrics import (
    Floats,
    accuracy,
    cross_entropy,
    expected_calibration_error,
    four_category_accuracy,
    reliability,
)

RELIABILITY_BINS = 10
"""Equal parts of the confidences in [0, 1], few enough that a table of them can be read."""


def voted(votes: NDArray[np.uint8], names: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Rows with a vote for one of the classes, bool [N], and these rows' shares."""
    shares = vote_targets(votes, names).astype(np.float64)
    rows = np.asarray(shares.sum(axis=1) > 0)
    return rows, shares[rows]


def majority_figures(
    probabilities: Floats, votes: NDArray[np.uint8], names: Sequence[str]
) -> dict[str, float | int | None]:
    """Accuracy by the class that more than half of all voters chose, and the same over the four categories.

    Each stands beside the number of images that have such a class; None where there are none.
    """
    chosen = majority_classes(votes, names)
    rows = chosen >= 0
    answers, chosen = probabilities[rows], chosen[rows]
    four = [name in FOUR_CATEGORIES for name in names]
    return {
        "majority_images": len(chosen),
        "majority_accuracy": _rounded(accuracy(answers, chosen) if rows.any() else None),
        "four_category_majority_images": int(np.array(four)[chosen].sum()),
        "four_category_majority_accuracy": _rounded(four_category_accuracy(answers, chosen, names)),
    }


def entropy(shares: Floats) -> NDArray[np.float64]:
    """Entropy of each row, [N]."""
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1))


def r2_kl(probabilities: Floats, shares: Floats) -> float | None:
    """Tell which part of what sets the voters' distributions apart the network tells; None where nothing does.

    1 - KL(voters || network) / KL(voters || their mean): 1 for the voters' own distributions, 0 for their mean, below
    0 for anything worse (Cameron and Windmeijer 1997, R² based on the Kullback-Leibler divergence).
    """
    own = float(entropy(shares).mean())
    mean = np.broadcast_to(shares.mean(axis=0), shares.shape)
    apart = cross_entropy(mean, shares) - own
    return None if apart < 1e-9 else 1 - (cross_entropy(probabilities, shares) - own) / apart


def entropy_correlation(probabilities: Floats, shares: Floats) -> float | None:
    """Spearman's rank correlation of the network's entropy with the voters'; None where one of them is the same."""
    ranks = np.stack([_ranks(entropy(part).round(6)) for part in (probabilities, shares)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = float(np.sqrt((ranks**2).sum(axis=1).prod()))
    return float((ranks[0] * ranks[1]).sum() / spread) if spread else None


def summarise_voters(
    probabilities: Floats, votes: NDArray[np.uint8], names: Sequence[str]
) -> dict[str, Any] | None:
    """All figures of one split by its voters, rounded to four digits; None where nobody voted for a class.

    `images` counts the rows with a vote for one of the classes, which all but the majority's figures cover. `ece` is
    the calibration error with the share of voters that chose the network's class in the place of right or wrong, and
    `reliability` what it is made of, rows as of `metrics.reliability`.
    """
    rows, shares = voted(votes, names)
    if not rows.any():
        return None
    answers = probabilities[rows]
    return {
        "images": int(rows.sum()),
        **majority_figures(probabilities, votes, names),
        "ece": _rounded(expected_calibration_error(answers, shares)),
        "cross_entropy": _rounded(cross_entropy(answers, shares)),
        "r2_kl": _rounded(r2_kl(answers, shares)),
        "entropy_correlation": _rounded(entropy_correlation(answers, shares)),
        "reliability": reliability(answers, shares, RELIABILITY_BINS).round(4).tolist(),
    }


def _ranks(values: Floats) -> NDArray[np.float64]:
    """Ranks from 1, the mean one for equal values, [N]."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[index])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
