"""What a network says of pictures, in batches."""

import keras
import numpy as np
from numpy.typing import NDArray

from fer_training.data.batches import to_input


def predict_logits(
    model: keras.Model, images: NDArray[np.uint8], batch_size: int = 256
) -> NDArray[np.float32]:
    """Logits [N, K] of uint8 luma [N, 48, 48]."""
    chunks = (images[first : first + batch_size] for first in range(0, len(images), batch_size))
    return np.concatenate(
        [np.asarray(model.predict_on_batch(to_input(chunk)), np.float32) for chunk in chunks]
    )
