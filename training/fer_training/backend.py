"""Choose Keras's backend before Keras is imported, and keep TensorFlow's start-up notes off the screen."""

import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

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


def load_keras() -> None:
    """Import Keras with the backend of `choose_backend`, without what TensorFlow says before it can be told not to.

    On PyTorch, batch normalisation then takes PyTorch's own kernel.
    """
    backend = choose_backend()
    with _silent_stderr():
        importlib.import_module("keras")
    if backend == "torch":
        importlib.import_module("fer_training.torch_kernels").use_batch_norm()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Point the process's standard error elsewhere: these notes come from C++."""
    before = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
