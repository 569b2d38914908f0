"""One training run, from a prepared dataset to `network.keras` and its record.

A run's folder:

    network.keras, network.json   the network to use, and the record of how it came about
    checkpoint.keras              weights and optimizer after the last whole epoch; a killed run goes on from it
    history.csv, curves.png       what each epoch brought
    run.json                      what was asked for, so that a run goes on only with the same settings
"""

import time
from pathlib import Path
from typing import Any

import keras

from fer_training.data.batches import TrainingSet, has_votes_head
from fer_training.data.dataset import Dataset, rows_of
from fer_training.files import replacing
from fer_training.fitting.epoch import Progress, Tell, train_epoch
from fer_training.fitting.history import Epoch, best_epoch, draw_curves, read_history, write_history
from fer_training.fitting.learner import (
    compile_learner,
    float32_twin,
    new_learner,
    start_from,
    use_all_devices,
    without_votes_head,
)
from fer_training.fitting.objectives import Objective, objective
from fer_training.fitting.references import with_references
from fer_training.fitting.run import Run, claim_folder
from fer_training.fitting.schedule import learning_rates
from fer_training.fitting.stages import Stage, check_recipe, makes_references, stages, train_generator
from fer_training.models.leakage import check_origin
from fer_training.models.learning import averaged_weights, load_checkpoint
from fer_training.models.record import save_record


def train(run: Run, dataset: Dataset, on_progress: Tell | None = None) -> Path:
    """Train, or go on with a run that was killed, and return the path of `network.keras`.

    Raises UsageError when `out` holds a run with other settings or the recipe does not fit the architecture; InputError
    when that run's files are damaged, a split is empty, or a teacher or the start do not fit or may have learned from
    PublicTest.
    """
    tell = on_progress or (lambda _: None)
    keras.utils.set_random_seed(run.seed)
    use_all_devices()
    for split in ("Training", "PublicTest"):
        rows_of(dataset, split)
    _check_origins(run, dataset)
    learned = objective(run, dataset)
    data = _training_set(learned)
    model = _new_model(run, dataset, learned)
    claim_folder(run, dataset)
    if makes_references(run.architecture):
        train_generator(model, data, run, tell)
    for stage in stages(run.architecture, run.recipe):
        compile_learner(model, run.recipe, stage.is_generator_frozen, learned.loss)
        _fit(model, data, learned, stage, tell)
    return run.out / "network.keras"


def _fit(model: keras.Model, data: TrainingSet, learned: Objective, stage: Stage, tell: Tell) -> None:
    """Take the epochs of a stage that are not done yet."""
    run = learned.run
    recipe, steps = run.recipe, data.steps(run.recipe.batch_size)
    load_checkpoint(model, run.out / stage.checkpoint)
    served = without_votes_head(model)
    rates = learning_rates(recipe, steps)
    done = stage.first + int(model.optimizer.iterations) // steps
    epochs = read_history(run.out / "history.csv")[:done]
    figure = learned.chosen_by
    for epoch in range(done, stage.last):
        if _ran_out_of_patience(epochs, recipe.patience, figure):
            break
        started = time.monotonic()
        loss = train_epoch(model, data, recipe, run.seed, epoch, rates, tell)
        with averaged_weights(model):
            rate = float(rates[(epoch + 1) * steps - 1])
            finished = _judge(learned, served, epoch + 1, rate, loss, started)
            if recipe.keep == "last" or best_epoch([*epochs, finished], figure) == finished:
                _save_network(run, learned, served, finished)
        epochs.append(finished)
        write_history(run.out / "history.csv", epochs)
        draw_curves(run.out / "curves.png", epochs)
        with replacing(run.out / stage.checkpoint) as beside:
            model.save(beside)
        tell(Progress(epoch + 1, recipe.epochs, 0, steps, loss, finished))


def _training_set(learned: Objective) -> TrainingSet:
    """Choose what the network learns from, and how."""
    run, data = learned.run, learned.training_set()
    if not makes_references(run.architecture):
        return data
    check_recipe(run.recipe)
    return with_references(data, learned.dataset, run.recipe.references.neighbours)


def _check_origins(run: Run, dataset: Dataset) -> None:
    for teacher in run.teachers:
        check_origin(teacher, dataset, "a teacher")
    if run.start is not None:
        check_origin(run.start, dataset, "a network to start from")


def _new_model(run: Run, dataset: Dataset, learned: Objective) -> keras.Model:
    votes_head = has_votes_head(dataset, run.recipe)
    model = new_learner(run.architecture, learned.outputs, run.recipe, votes_head, learned.loss)
    if run.start is not None:
        start_from(model, run.architecture, run.start, dataset.label_names, run.target)
    return model


def _judge(
    learned: Objective, model: keras.Model, epoch: int, rate: float, loss: float, started: float
) -> Epoch:
    figures: dict[str, Any] = learned.judge(model)
    seconds = round(time.monotonic() - started, 2)
    return Epoch(epoch=epoch, learning_rate=rate, training_loss=round(loss, 5), seconds=seconds, **figures)


def _ran_out_of_patience(epochs: list[Epoch], patience: int, figure: str) -> bool:
    best = best_epoch(epochs, figure)
    return bool(patience and best and len(epochs) - best.epoch >= patience)


def _save_network(run: Run, learned: Objective, model: keras.Model, finished: Epoch) -> None:
    """Write the weights into a float32 twin without optimizer, and the record beside it."""
    path = run.out / "network.keras"
    with replacing(path) as beside:
        float32_twin(model, run.architecture).save(beside)
    save_record(path, learned.record(finished))
