"""The architectures by name; each builds a plain `keras.Model` for 48x48 luma.

A network takes FP32 [N, 48, 48, 1] in [-1, 1] and gives FP32 logits [N, K]. It is made of Keras's own layers
alone, so its `.keras` file opens without this package.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fer_training.architectures.mini_xception import mini_xception

if TYPE_CHECKING:
    import keras

ARCHITECTURES: dict[str, Callable[[int], "keras.Model"]] = {
    "mini_xception": mini_xception,
}
