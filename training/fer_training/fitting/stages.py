"""What of a run learns when: most networks learn whole, those that make references in steps and then end to end.

Files that its steps leave in the run's folder beside those of every run:

    generator.keras, generator.json   the generator and its optimizer after its own epochs, and their losses
    classifier.keras                  weights and optimizer after the epochs in which the generator stood still
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from fer_client.errors import UsageError
from fer_training.data.batches import TrainingSet
from fer_training.files import replacing, write_json
from fer_training.fitting.epoch import Progress, Tell, train_epoch
from fer_training.fitting.learner import compile_learner
from fer_training.fitting.run import Run
from fer_training.fitting.schedule import learning_rates
from fer_training.models.architectures.generative_contrastive import GENERATOR, LEARNING_NETWORKS
from fer_training.models.learning import load_checkpoint
from fer_training.recipes import Recipe


@dataclass(frozen=True)
class Stage:
    """Epochs `first` to `last` - 1 of a run, with an optimizer and a checkpoint of their own."""

    first: int
    last: int
    checkpoint: str
    is_generator_frozen: bool = False


def makes_references(architecture: str) -> bool:
    """Tell whether the architecture makes a reference of each face."""
    return architecture in LEARNING_NETWORKS


def stages(architecture: str, recipe: Recipe) -> Iterator[Stage]:
    """Give the stages of a run in their order."""
    frozen = min(recipe.references.frozen_epochs, recipe.epochs) if makes_references(architecture) else 0
    if frozen:
        yield Stage(0, frozen, "classifier.keras", is_generator_frozen=True)
    if frozen < recipe.epochs:
        yield Stage(frozen, recipe.epochs, "checkpoint.keras")


def check_recipe(recipe: Recipe) -> None:
    """Refuse what leaves a picture without one reference of its own size; UsageError."""
    if recipe.small_side or recipe.augmentation.mixup or recipe.augmentation.cutmix:
        raise UsageError(
            f"Expected a recipe without small pictures, mixup and cutmix for {' and '.join(LEARNING_NETWORKS)}, "
            "since a mixed face has no single reference. Choose the recipe `contrast`, `quick`, `distil` or `robust`."
        )


def train_generator(model: keras.Model, data: TrainingSet, run: Run, tell: Tell) -> None:
    """Let the generator of a learner alone learn the references, or go on with it; its figures go into a file."""
    layer = model.get_layer(GENERATOR)
    generator = keras.Model(layer.inputs, layer.outputs)
    recipe = replace(run.recipe, epochs=run.recipe.references.generator_epochs)
    compile_learner(generator, recipe)
    checkpoint, losses = run.out / "generator.keras", run.out / "generator.json"
    load_checkpoint(generator, checkpoint)
    steps = data.steps(recipe.batch_size)
    rates, done = learning_rates(recipe, steps), int(generator.optimizer.iterations) // steps
    for epoch in range(done, recipe.epochs):
        loss = train_epoch(generator, data, recipe, run.seed, epoch, rates, tell)
        write_json(losses, [*_losses(losses)[:epoch], round(loss, 5)])
        with replacing(checkpoint) as beside:
            generator.save(beside)
        tell(Progress(epoch + 1, recipe.epochs, 0, steps, loss, None))


def _losses(path: Path) -> list[float]:
    """Mean absolute error of each whole epoch, in [0, 2]."""
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []
