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
import numpy as np
from numpy.typing import NDArray

from fer_training.data.batches import TrainingSet, has_votes_head, training_set
from fer_training.data.dataset import Dataset, majority_classes, rows_of
from fer_training.evaluation.metrics import accuracy, negative_log_likelihood, softmax
from fer_training.evaluation.voters import majority_figures
from fer_training.files import replacing
from fer_training.fitting.distill import with_teachers
from fer_training.fitting.epoch import Progress, Tell, train_epoch
from fer_training.fitting.history import Epoch, best_epoch, draw_curves, read_history, write_history
from fer_training.fitting.learner import (
    averaged_weights,
    compile_learner,
    float32_twin,
    load_checkpoint,
    new_learner,
    start_from,
    use_all_devices,
    without_votes_head,
)
from fer_training.fitting.references import with_references
from fer_training.fitting.run import Run, claim_folder
from fer_training.fitting.schedule import learning_rates
from fer_training.fitting.stages import Stage, check_recipe, makes_references, stages, train_generator
from fer_training.models.leakage import check_origin
from fer_training.models.prediction import predict_logits
from fer_training.models.record import new_record, save_record
from fer_training.recipes import Recipe


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
    data = _training_set(run, dataset)
    model = _new_model(run, dataset)
    claim_folder(run, dataset)
    if makes_references(run.architecture):
        train_generator(model, data, run, tell)
    for stage in stages(run.architecture, run.recipe):
        compile_learner(model, run.recipe, stage.is_generator_frozen)
        _fit(model, data, run, dataset, stage, tell)
    return run.out / "network.keras"


def _fit(model: keras.Model, data: TrainingSet, run: Run, dataset: Dataset, stage: Stage, tell: Tell) -> None:
    """Take the epochs of a stage that are not done yet."""
    recipe, steps = run.recipe, data.steps(run.recipe.batch_size)
    load_checkpoint(model, run.out / stage.checkpoint)
    served = without_votes_head(model)
    rates = learning_rates(recipe, steps)
    done = stage.first + int(model.optimizer.iterations) // steps
    epochs = read_history(run.out / "history.csv")[:done]
    figure = _chosen_by(recipe, dataset)
    for epoch in range(done, stage.last):
        if _ran_out_of_patience(epochs, recipe.patience, figure):
            break
        started = time.monotonic()
        loss = train_epoch(model, data, recipe, run.seed, epoch, rates, tell)
        with averaged_weights(model, recipe):
            finished = _judge(
                served, dataset, epoch + 1, float(rates[(epoch + 1) * steps - 1]), loss, started
            )
            if recipe.keep == "last" or best_epoch([*epochs, finished], figure) == finished:
                _save_network(run, dataset, served, finished)
        epochs.append(finished)
        write_history(run.out / "history.csv", epochs)
        draw_curves(run.out / "curves.png", epochs)
        with replacing(run.out / stage.checkpoint) as beside:
            model.save(beside)
        tell(Progress(epoch + 1, recipe.epochs, 0, steps, loss, finished))


def _training_set(run: Run, dataset: Dataset) -> TrainingSet:
    """Choose what the network learns from, and how."""
    data = with_teachers(training_set(dataset, run.recipe), run.teachers, dataset.label_names, run.recipe)
    if not makes_references(run.architecture):
        return data
    check_recipe(run.recipe)
    return with_references(data, dataset, run.recipe.references.neighbours)


def _check_origins(run: Run, dataset: Dataset) -> None:
    for teacher in run.teachers:
        check_origin(teacher, dataset, "a teacher")
    if run.start is not None:
        check_origin(run.start, dataset, "a network to start from")


def _new_model(run: Run, dataset: Dataset) -> keras.Model:
    votes_head = has_votes_head(dataset, run.recipe)
    model = new_learner(run.architecture, len(dataset.label_names), run.recipe, votes_head)
    if run.start is not None:
        start_from(model, run.architecture, run.start, dataset.label_names)
    return model


def _judge(
    model: keras.Model, dataset: Dataset, epoch: int, rate: float, loss: float, started: float
) -> Epoch:
    """Measure on PublicTest, by the labels and, where the data has votes, by the voters."""
    rows = dataset.rows("PublicTest")
    labels = np.asarray(dataset.labels[rows], np.int64)
    probabilities = softmax(predict_logits(model, dataset.images[rows]))
    return Epoch(
        epoch=epoch,
        learning_rate=rate,
        training_loss=round(loss, 5),
        validation_loss=round(negative_log_likelihood(probabilities, labels), 5),
        validation_accuracy=round(accuracy(probabilities, labels), 5),
        seconds=round(time.monotonic() - started, 2),
        validation_majority_accuracy=_majority_accuracy(probabilities, dataset, rows),
    )


def _majority_accuracy(
    probabilities: NDArray[np.float64], dataset: Dataset, rows: NDArray[np.intp]
) -> float | None:
    if dataset.votes is None:
        return None
    return majority_figures(probabilities, dataset.votes[rows], dataset.label_names)["majority_accuracy"]


def _chosen_by(recipe: Recipe, dataset: Dataset) -> str:
    """Name the figure of an epoch that says which weights are best: that by whom the network learns from alone."""
    if recipe.votes_share < 1 or dataset.votes is None:
        return "validation_accuracy"
    votes = dataset.votes[dataset.rows("PublicTest")]
    has_majorities = (majority_classes(votes, dataset.label_names) >= 0).any()
    return "validation_majority_accuracy" if has_majorities else "validation_accuracy"


def _ran_out_of_patience(epochs: list[Epoch], patience: int, figure: str) -> bool:
    best = best_epoch(epochs, figure)
    return bool(patience and best and len(epochs) - best.epoch >= patience)


def _save_network(run: Run, dataset: Dataset, model: keras.Model, finished: Epoch) -> None:
    """Write the weights into a float32 twin without optimizer, and the record beside it."""
    path = run.out / "network.keras"
    with replacing(path) as beside:
        float32_twin(model, run.architecture).save(beside)
    record = new_record(run.architecture, dataset, run.recipe, run.seed) | run.origins
    record["epochs"] = finished.epoch
    figures: dict[str, Any] = {"accuracy": finished.validation_accuracy}
    if finished.validation_majority_accuracy is not None:
        figures["voters"] = {"majority_accuracy": finished.validation_majority_accuracy}
    record["metrics"] = {"PublicTest": figures}
    save_record(path, record)
