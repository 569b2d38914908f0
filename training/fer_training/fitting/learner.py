"""A network of expressions while it learns: begun, compiled, stepped, and the parts of it that are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from fer_client.errors import InputError, UsageError
from fer_training.data.batches import Batch
from fer_training.data.dataset import VOTE_NAMES
from fer_training.models.architectures import ARCHITECTURES
from fer_training.models.architectures.generative_contrastive import GENERATOR, LEARNING_NETWORKS
from fer_training.models.learning import precision
from fer_training.models.record import load_network, load_record
from fer_training.recipes import EXPRESSION, Recipe


def use_all_devices() -> None:
    """Split each batch over all GPUs or TPUs, where there are several and Keras's backend can do so (JAX)."""
    if keras.backend.backend() == "jax":
        devices = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
        if len(devices) > 1:
            keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))


def start_from(
    model: keras.Model, architecture: str, weights: Path, labels: Sequence[str], target: str = EXPRESSION
) -> None:
    """Take a trained network's weights over; the last layer starts anew where the classes or the target differ.

    Raises InputError when the network has another architecture.
    """
    record = load_record(weights, target=None)
    if record["architecture"] != architecture:
        raise InputError(
            f"Expected weights of the architecture {architecture} to start from; "
            f"{weights} are of {record['architecture']}."
        )
    is_same = (record["labels"], record.get("target", EXPRESSION)) == (list(labels), target)
    left_out = () if is_same else ("logits",)
    begun, found = _weighted(without_votes_head(model)), _weighted(load_network(weights))
    for layer, trained in zip(begun, found, strict=True):
        if layer.name not in left_out:
            layer.set_weights(trained.get_weights())


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights]


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Start each epoch's dropout anew, since a `.keras` file does not hold the state of its random numbers."""
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign([seed, epoch])


def new_learner(
    architecture: str, outputs: int, recipe: Recipe, votes_head: bool, loss: Any = None
) -> keras.Model:
    """Build in the recipe's precision, with a further output for votes if asked, and compile.

    A network that makes references gives them as its last output. `loss` is that of the network itself; None is the
    cross-entropy of its logits.
    """
    build = LEARNING_NETWORKS.get(architecture) or ARCHITECTURES[architecture]
    with precision(recipe.mixed_precision):
        model = build(outputs)
        if recipe.small_side:
            model = _of_any_side(model)
        if votes_head:
            features = model.get_layer("logits").input
            votes = keras.layers.Dense(len(VOTE_NAMES), dtype="float32", name="votes")(features)
            answer, *references = model.outputs
            model = keras.Model(model.input, [answer, votes, *references])
    compile_learner(model, recipe, loss=loss)
    return model


def compile_learner(
    model: keras.Model, recipe: Recipe, is_generator_frozen: bool = False, loss: Any = None
) -> None:
    """Give a learner, or a generator alone, a new optimizer and a loss for each output.

    Answers and votes are judged by cross-entropy, references by their mean absolute error; `loss`, where there is one,
    judges the first output instead.
    """
    is_picture = [len(output.shape) == 4 for output in model.outputs]
    entropy, error = keras.losses.CategoricalCrossentropy(from_logits=True), keras.losses.MeanAbsoluteError()
    losses = [error if picture else entropy for picture in is_picture]
    answers = [1.0, recipe.votes_head][: is_picture.count(False)]
    weights = [*answers, recipe.references.weight]
    if has_generator(model):
        model.get_layer(GENERATOR).trainable = not is_generator_frozen
    model.compile(
        optimizer=optimizer(recipe),
        loss=losses if loss is None else [loss, *losses[1:]],
        loss_weights=weights[: len(is_picture)] if len(is_picture) > 1 else None,
        # XLA's convolutions on a CPU were measured four times slower than TensorFlow's own.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def has_generator(model: keras.Model) -> bool:
    """Tell whether a network makes references."""
    return any(layer.name == GENERATOR for layer in model.layers)


def _of_any_side(model: keras.Model) -> keras.Model:
    """The same network for pictures of any side.

    Raises UsageError where it looks at fixed places in the picture, as one with a dense layer over all of them does.
    """
    try:
        return keras.models.clone_model(model, input_tensors=keras.Input((None, None, 1), name="luma"))
    except ValueError as error:
        raise UsageError(
            "Expected a network that reads pictures of any side, since the recipe begins with small ones; "
            f"{model.name} does not. Choose another architecture, or a recipe with small_side 0."
        ) from error


def optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make the recipe's optimizer, with averaged weights where it asks for them."""
    average = {"use_ema": recipe.ema > 0, "ema_momentum": recipe.ema or 0.99}
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(
            recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
            weight_decay=recipe.weight_decay,
            **average,
        )
    adam = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay, **average)
    adam.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return adam


def train_step(model: keras.Model, batch: Batch) -> float:
    """Take one step and return the loss, summed over the outputs.

    A generator alone takes the last of the targets, which are its references.
    """
    model.reset_metrics()
    targets = batch.targets[-len(model.outputs) :]
    weights = [batch.weights.reshape(-1, *[1] * (target.ndim - 2)) for target in targets]
    if len(targets) == 1:
        return float(model.train_on_batch(batch.images, targets[0], sample_weight=weights[0]))
    return float(model.train_on_batch(batch.images, targets, sample_weight=weights)[0])


def without_votes_head(model: keras.Model) -> keras.Model:
    """The part of the network that is served; it shares its weights with `model`."""
    return keras.Model(model.input, model.get_layer("logits").output)


def float32_twin(model: keras.Model, architecture: str) -> keras.Model:
    """The same network in single precision and without optimizer, to be kept."""
    with precision(is_mixed=False):
        twin = ARCHITECTURES[architecture](model.output.shape[-1])
    twin.set_weights(model.get_weights())
    return twin
