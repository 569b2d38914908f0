"""A network while it learns: its precision, its moving averages, and how it goes on from a checkpoint."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from fer_training.models.record import load_network


@contextmanager
def precision(is_mixed: bool) -> Iterator[None]:
    """Layers that are built meanwhile compute in bfloat16, their weights kept in single precision, or all in this."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if is_mixed else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def load_checkpoint(model: keras.Model, path: Path, own_names: Mapping[str, Any] | None = None) -> None:
    """Take weights and optimizer state over, if there are any; InputError where the file is damaged.

    `own_names` are losses that Keras does not know. Into a new model: one that Keras loads decays weights that
    `exclude_from_weight_decay` had named.
    """
    if not path.exists():
        return
    with keras.saving.custom_object_scope(dict(own_names or {})):
        saved = load_network(path, is_compiled=True)
    model.set_weights(saved.get_weights())
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, saved.optimizer.variables, strict=True):
        variable.assign(value)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Put the optimizer's moving averages, where it keeps them, in the place of the weights for a while."""
    if not model.optimizer.use_ema:
        yield
        return
    weights = model.get_weights()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    # On JAX the weights now share their memory with the averages, which a prediction would give away.
    model.set_weights(model.get_weights())
    try:
        yield
    finally:
        model.set_weights(weights)
