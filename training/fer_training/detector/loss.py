"""The loss of the detector: score, box and landmarks."""

from typing import Any

from keras import ops

from fer_training.detector.targets import BOX, HAS_LANDMARKS, IS_FACE, LANDMARKS, SCORE, WEIGHT

BOX_WEIGHT, LANDMARK_WEIGHT = 2.0, 1.0


def detector_loss(targets: Any, answers: Any) -> Any:
    """Loss of answers [N, P, 15] for targets [N, P, COLUMNS], one number, by the number of cells that learn a face.

    Each of these counts as IS_FACE says, which a teacher's doubt lowers.

    The score by quality focal loss (Li et al. 2020, arXiv 2006.04388), the box by the loss of efficient IoU (Zhang et
    al. 2021, arXiv 2101.08158), the landmarks by smooth L1 of their distance as a share of the face's size.
    """
    is_face = targets[..., IS_FACE]
    count = ops.maximum(ops.sum(is_face), 1.0)
    score = ops.sum(_quality_focal(targets[..., SCORE], answers[..., 0]) * targets[..., WEIGHT]) / count
    box = ops.sum(_box_loss(targets[..., BOX], answers[..., 1:5]) * is_face) / count
    landmarks = _landmark_loss(targets[..., LANDMARKS], answers[..., 5:], targets[..., BOX])
    marked = ops.sum(landmarks * targets[..., HAS_LANDMARKS]) / count
    return score + BOX_WEIGHT * box + LANDMARK_WEIGHT * marked


def _quality_focal(target: Any, logit: Any) -> Any:
    entropy = ops.maximum(logit, 0.0) - logit * target + ops.log1p(ops.exp(-ops.abs(logit)))
    return ops.square(ops.sigmoid(logit) - target) * entropy


def _box_loss(target: Any, answer: Any) -> Any:
    """1 - IoU, plus the squared distances of middles and of sides by those of the box around both."""
    middle, answered = target[..., :2], answer[..., :2]
    # Early answers are wild, and their exponentials would be infinite.
    sides, given = ops.exp(target[..., 2:]), ops.exp(ops.clip(answer[..., 2:], -4.0, 4.0))
    low, high = middle - sides / 2, middle + sides / 2
    low_given, high_given = answered - given / 2, answered + given / 2
    overlap = ops.maximum(ops.minimum(high, high_given) - ops.maximum(low, low_given), 0.0)
    shared = ops.prod(overlap, axis=-1)
    union = ops.prod(sides, axis=-1) + ops.prod(given, axis=-1) - shared
    around = ops.maximum(high, high_given) - ops.minimum(low, low_given)
    far = ops.sum(ops.square(middle - answered), axis=-1) / ops.sum(ops.square(around), axis=-1)
    shape = ops.sum(ops.square(sides - given) / ops.square(around), axis=-1)
    return 1 - shared / union + far + shape


def _landmark_loss(target: Any, answer: Any, box: Any) -> Any:
    """Smooth L1 (Girshick 2015, arXiv 1504.08083) of ten coordinates, 1 where they are off by 1/25 of the face.

    Of a tenth, the squares of the last errors were too small to be learned from: they ended at 12 % of the eyes'
    distance.
    """
    size = ops.exp((box[..., 2:3] + box[..., 3:4]) / 2)
    off = ops.abs(target - answer) / size * 25
    return ops.mean(ops.where(off < 1, ops.square(off) / 2, off - 0.5), axis=-1)
