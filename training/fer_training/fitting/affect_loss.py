"""The loss of valence and arousal: what is missing to full concordance, and the root of the mean squared error.

Concordance rewards the right spread and mean over a batch, the error each single answer; both together as in Toisoul et
al. 2021 (Nature Machine Intelligence 3, doi 10.1038/s42256-020-00280-0).
"""

from typing import Any

import keras
from keras import ops


# Under this name a checkpoint finds its loss again.
@keras.saving.register_keras_serializable(package="fer_training")  # type: ignore[untyped-decorator]
def affect_loss(targets: Any, answers: Any) -> Any:
    """Mean over both dimensions of 1 - CCC, plus the RMSE, of a batch [B, 2]; one number, 0 where all is right."""
    targets, answers = ops.cast(targets, "float32"), ops.cast(answers, "float32")
    means = ops.mean(targets, axis=0), ops.mean(answers, axis=0)
    together = ops.mean((targets - means[0]) * (answers - means[1]), axis=0)
    scale = ops.var(targets, axis=0) + ops.var(answers, axis=0) + ops.square(means[0] - means[1])
    # Both terms have no slope where a batch is constant or all answers are right.
    ccc = 2 * together / (scale + keras.config.epsilon())
    error = ops.sqrt(ops.mean(ops.square(targets - answers)) + keras.config.epsilon() ** 2)
    return ops.mean(1 - ccc) + error
