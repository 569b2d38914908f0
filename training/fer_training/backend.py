"""Choose Keras's backend before Keras is imported, and keep TensorFlow's start-up notes off the screen."""

import importlib.util
import os

from fer_client.errors import UsageError

BACKENDS = ("tensorflow", "jax", "torch")
"""In the order of preference; the first that is installed serves where KERAS_BACKEND names none."""


def choose_backend() -> str:
    """Set KERAS_BACKEND where the user has not, and return it.

    Raises UsageError when none is installed, or the user's is not or cannot train.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = os.environ.get("KERAS_BACKEND") or next(filter(_installed, BACKENDS), None)
    if chosen is None or not _installed("keras"):
        raise UsageError(
            f"Expected Keras and one of {', '.join(BACKENDS)}, but they are not installed. "
            "`make install` in the checkout installs them (the extra `training`)."
        )
    if chosen not in BACKENDS or not _installed(chosen):
        raise UsageError(
            f"Expected KERAS_BACKEND to name one of {', '.join(BACKENDS)} that is installed, got {chosen}. "
            "Install it, or unset the variable to take the first that is there."
        )
    os.environ["KERAS_BACKEND"] = chosen
    return chosen


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
