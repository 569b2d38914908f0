"""Scores that mean what the teacher's mean: at the client's least score, as many faces as the teacher finds.

Who learns soft scores, and is not sure of all, comes out with lower ones (regression to the mean), and one least score
would ask for other faces of the two.
"""

from collections.abc import Iterable

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.settings import Settings
from fer_training.detector.decoding import decoded, find_faces, padded
from fer_training.detector.pictures import Picture
from fer_training.detector.targets import STRIDES
from fer_training.detector.teacher import Teacher

_LEAST_SCORE = 0.05


def match_scores(model: keras.Model, teacher: Teacher, pictures: Iterable[Picture]) -> float:
    """Shift the score's logit in all cells so that on these pictures as many faces reach the client's least score.

    Returns the shift, 0 where either of them finds nothing. What is then measured at that score on these pictures is a
    development figure; the average precision stays as it was.
    """
    own, others = [], 0
    for picture in pictures:
        own.append(find_faces(model, picture.luma, _LEAST_SCORE).scores)
        luma = padded(picture.luma)
        others += len(decoded(teacher.answers(luma), luma.shape, Settings.min_score).scores)
    shift = score_shift(np.concatenate(own) if own else np.empty(0, np.float32), others, Settings.min_score)
    for stride in STRIDES:
        layer = model.get_layer(f"answer{stride}")
        kernel, bias = layer.get_weights()
        bias[0] += shift
        layer.set_weights([kernel, bias])
    return shift


def score_shift(scores: NDArray[np.float32], count: int, least: float) -> float:
    """What to add to the logits of `scores`, [N] in (0, 1), so that `count` of them reach `least`; 0 for no scores."""
    if not len(scores) or not count:
        return 0.0
    last = float(np.clip(np.sort(scores)[::-1][min(count, len(scores)) - 1], 1e-6, 1 - 1e-6))
    return float(np.log(least / (1 - least)) - np.log(last / (1 - last)))
