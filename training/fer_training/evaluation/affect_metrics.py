"""Figures of valence and arousal, in NumPy alone.

`answers` and `targets` are float [N, 2]: valence and arousal in [-1, 1], and what they should be.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_training.evaluation.metrics import Floats

DIMENSIONS = ("valence", "arousal")
FIGURES = ("ccc", "rmse", "pearson", "sign_agreement")


def concordance(answers: Floats, targets: Floats) -> float | None:
    """Concordance correlation coefficient of two series [N] (Lin 1989, Biometrics 45); None where both are constant.

    1 where they are equal; a wrong mean or spread lowers it, which leaves Pearson's correlation as it is.
    """
    apart = (answers.mean() - targets.mean()) ** 2
    scale = answers.var() + targets.var() + apart
    return float(2 * _covariance(answers, targets) / scale) if scale > 0 else None


def pearson(answers: Floats, targets: Floats) -> float | None:
    """Pearson's correlation of two series [N]; None where one is constant."""
    spread = float(answers.std() * targets.std())
    return _covariance(answers, targets) / spread if spread > 0 else None


def rmse(answers: Floats, targets: Floats) -> float:
    """Root of the mean squared error of two series [N]."""
    return float(np.sqrt(np.mean((answers - targets) ** 2)))


def sign_agreement(answers: Floats, targets: Floats) -> float | None:
    """Share of images with the target's sign, of those whose target is not 0; None where all are."""
    told = targets != 0
    return float(np.mean(np.sign(answers[told]) == np.sign(targets[told]))) if told.any() else None


def summarise_affect(answers: Floats, targets: Floats) -> dict[str, Any]:
    """All figures of both dimensions as plain values, rounded to four digits; `ccc` is the mean of both."""
    columns = (np.asarray(part, np.float64).T for part in (answers, targets))
    figures = {
        name: _figures(*pair) for name, pair in zip(DIMENSIONS, zip(*columns, strict=True), strict=True)
    }
    known = [ccc for name in DIMENSIONS if (ccc := figures[name]["ccc"]) is not None]
    mean = round(float(np.mean(known)), 4) if len(known) == len(DIMENSIONS) else None
    return {"images": len(targets), "ccc": mean, **figures}


def _figures(answers: NDArray[np.float64], targets: NDArray[np.float64]) -> dict[str, float | None]:
    values = (measure(answers, targets) for measure in (concordance, rmse, pearson, sign_agreement))
    return {
        name: None if value is None else round(value, 4) for name, value in zip(FIGURES, values, strict=True)
    }


def _covariance(answers: Floats, targets: Floats) -> float:
    return float(np.mean((answers - answers.mean()) * (targets - targets.mean())))
