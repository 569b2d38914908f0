"""One run of the detector's training, from annotated pictures to `face_detector.keras`.

A run's folder:

    face_detector.keras, face_detector.json   the network to use, and the record of how it came about
    checkpoint.keras                          weights and optimizer after the last whole epoch
    history.csv                               what each epoch brought
    run.json                                  what was asked for, so that a run goes on only with the same settings
    pictures/, crops/                         the pictures and the faces to set into them, packed
"""

import csv
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import InputError, UsageError
from fer_training.data.dataset import load_dataset
from fer_training.detector.batches import drawing, epoch_batches
from fer_training.detector.calibration import match_scores
from fer_training.detector.crops import crop_pictures
from fer_training.detector.decoding import find_faces
from fer_training.detector.evaluation import Detections, detector_figures
from fer_training.detector.loss import detector_loss
from fer_training.detector.network import Widths, face_detector
from fer_training.detector.pictures import NETWORK, FacePictures, Picture, is_packed, load_pictures, pack
from fer_training.detector.readers import fingerprint, read_pictures
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.teacher import Teacher
from fer_training.files import file_sha256, replacing, write_json
from fer_training.models.learning import averaged_weights, load_checkpoint, precision
from fer_training.models.record import load_network, versions

WEIGHTS = f"{NETWORK}.keras"
_PICTURES, _CROPS = "pictures", "crops"
_LEAST_SCORE = 0.02
"""The precision at lower scores is not measured."""

_JUDGED_EVERY = 8
"""Epochs from one measurement of the average precision to the next; the last epoch is always measured."""


@dataclass(frozen=True)
class DetectorRun:
    """What to train.

    `source` are annotated pictures, `out` is the folder of the run, `start` weights to begin with, `teacher` YuNet's
    weights, `crops` a prepared dataset of faces to set into the pictures, for which there must be a teacher.
    """

    source: Path
    recipe: DetectorRecipe
    seed: int
    out: Path
    start: Path | None = None
    teacher: Path | None = None
    crops: Path | None = None

    def __post_init__(self) -> None:
        if self.crops is not None and self.teacher is None:
            raise UsageError(
                "Expected a teacher that finds the landmarks of the crops. Name one, or no crops."
            )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on; weights and data by their checksums, read once."""
        return {
            "widths": asdict(Widths()),
            "recipe": self.recipe.as_record(),
            "seed": self.seed,
            "data": fingerprint(self.source),
            "start": _sha256(self.start),
            "teacher": _sha256(self.teacher),
            "crops": _sha256(None if self.crops is None else self.crops / "dataset.json"),
        }


def _sha256(path: Path | None) -> str | None:
    return None if path is None else file_sha256(path)


@dataclass(frozen=True)
class DetectorEpoch:
    """One line of `history.csv`; the figures are those of the validation pictures, None where none were measured."""

    epoch: int
    learning_rate: float
    training_loss: float
    seconds: float
    average_precision: float | None = None
    recall: float | None = None
    precision: float | None = None
    landmark_error: float | None = None


Tell = Callable[[str], None]


def train_detector(run: DetectorRun, tell: Tell = lambda _: None) -> Path:
    """Train, or go on with a run that was stopped, and return the path of the weights.

    `tell` hears what is being done. Raises UsageError where `out` holds a run with other settings, InputError where
    there are no pictures to learn from.
    """
    keras.utils.set_random_seed(run.seed)
    _check(run)
    _claim(run)
    pictures, crops = _pictures(run, tell), _crops(run, tell)
    model = _new_model(run)
    path, history = run.out / "checkpoint.keras", run.out / "history.csv"
    load_checkpoint(model, path, {"detector_loss": detector_loss})
    done = int(model.optimizer.iterations) // run.recipe.steps
    epochs = _read_history(history)[:done]
    with drawing(run.out / _PICTURES, run.recipe, crops, run.teacher) as pool:
        for epoch in range(done, run.recipe.epochs):
            epochs.append(_epoch(model, pictures, pool, run, epoch, tell))
            _write_history(history, epochs)
            with replacing(path) as beside:
                model.save(beside)
    return run.out / WEIGHTS


def _epoch(
    model: keras.Model,
    pictures: FacePictures,
    pool: ProcessPoolExecutor,
    run: DetectorRun,
    epoch: int,
    tell: Tell,
) -> DetectorEpoch:
    recipe, started, total = run.recipe, time.monotonic(), 0.0
    rates = _rates(recipe)
    for step, (luma, targets) in enumerate(epoch_batches(pool, recipe, run.seed, epoch)):
        model.optimizer.learning_rate = rates[epoch * recipe.steps + step]
        total += float(model.train_on_batch(luma.astype(np.float32), targets))
        if not np.isfinite(total):
            raise UsageError(f"The loss is no longer a number in epoch {epoch + 1}. Lower the learning rate.")
        tell(
            f"Epoch {epoch + 1} of {recipe.epochs}, step {step + 1} of {recipe.steps}, loss {total / (step + 1):.3f}"
        )
    is_last = epoch + 1 == recipe.epochs
    figures: dict[str, float] = {}
    with averaged_weights(model):
        twin = face_detector()  # in float32, and without optimizer
        twin.set_weights(model.get_weights())
    if is_last and run.teacher is not None:
        match_scores(twin, Teacher(run.teacher), pictures.pictures(is_validation=True))
    if is_last or (epoch + 1) % _JUDGED_EVERY == 0:
        figures = _figures(twin, pictures.pictures(is_validation=True))
    _save(twin, run, epoch + 1, figures)
    seconds = round(time.monotonic() - started, 1)
    rate = float(rates[(epoch + 1) * recipe.steps - 1])
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return DetectorEpoch(epoch + 1, rate, round(total / recipe.steps, 4), seconds, **rounded)


def evaluate_weights(weights: Path, source: Path) -> dict[str, float]:
    """Figures of `detector_figures` on the validation pictures of a source.

    Raises InputError where the weights or the pictures cannot be read, or none is kept for validation.
    """
    model = load_network(weights)
    kept = (picture for picture in read_pictures(source) if picture.is_validation)
    figures = _figures(model, kept)
    if not figures:
        raise InputError(f"Expected pictures kept for validation in {source}, but there are none.")
    return figures


def _figures(model: keras.Model, pictures: Iterable[Picture]) -> dict[str, float]:
    """Figures on pictures, of which there may be none."""
    seen = [Detections(find_faces(model, picture.luma, _LEAST_SCORE), picture.faces) for picture in pictures]
    return detector_figures(seen) if seen else {}


def _new_model(run: DetectorRun) -> keras.Model:
    recipe = run.recipe
    with precision(recipe.mixed_precision):
        model = face_detector()
    if run.start is not None:
        take_over(model, run.start)
    adam = keras.optimizers.AdamW(
        recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        use_ema=True,
        ema_momentum=recipe.ema,
        clipnorm=10.0,
    )
    adam.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        adam, detector_loss, jit_compile=False if keras.backend.backend() == "tensorflow" else "auto"
    )
    return model


def take_over(model: keras.Model, start: Path) -> None:
    """Begin with trained weights; those of a network with narrower layers become the first channels of each layer.

    Kernels are zero where a new channel is read, so that the answers stay the same (Chen et al. 2015, Net2Net, arXiv
    1511.05641). Raises InputError where the weights are of another network, or of a wider one.
    """
    held = load_network(start).weights
    if [weight.path for weight in held] != [weight.path for weight in model.weights]:
        raise InputError(
            f"Expected weights of the face detector to start from, but {start} holds other ones."
        )
    for weight, narrow in zip(model.weights, held, strict=True):
        values = np.array(keras.ops.convert_to_numpy(weight))
        is_narrow = [before <= wide for before, wide in zip(narrow.shape, values.shape, strict=True)]
        if not all(is_narrow) or (values.ndim == 4 and narrow.shape[:2] != values.shape[:2]):
            raise InputError(
                f"Expected a face detector of at most this one's widths, but {start} holds another one."
            )
        if values.ndim == 4:
            values[:, :, narrow.shape[2] :] = 0
        values[tuple(slice(side) for side in narrow.shape)] = keras.ops.convert_to_numpy(narrow)
        weight.assign(values)


def _save(model: keras.Model, run: DetectorRun, epochs: int, figures: dict[str, float]) -> None:
    """Write the weights, and the record beside them."""
    path = run.out / WEIGHTS
    with replacing(path) as beside:
        model.save(beside)
    record = {
        **run.settings,
        "epochs": epochs,
        "validation": {name: round(value, 4) for name, value in figures.items()},
        "versions": versions(),
    }
    write_json(path.with_suffix(".json"), record)


def _rates(recipe: DetectorRecipe) -> NDArray[np.float64]:
    steps = np.arange(recipe.epochs * recipe.steps)
    rise = np.minimum((steps + 1) / max(recipe.warmup_steps, 1), 1)
    return np.asarray(recipe.learning_rate * rise * (1 + np.cos(np.pi * steps / len(steps))) / 2)


def _check(run: DetectorRun) -> None:
    """Raise InputError for a teacher or crops that cannot be read, before the run's folder is claimed for them."""
    if run.teacher is not None:
        Teacher(run.teacher)
    if run.crops is not None:
        load_dataset(run.crops)


def _claim(run: DetectorRun) -> None:
    path = run.out / "run.json"
    asked = json.loads(json.dumps(run.settings))
    if not path.exists():
        run.out.mkdir(parents=True, exist_ok=True)
        write_json(path, asked)
        return
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"Expected the settings of a run in {path}, but the file is damaged ({error})."
        ) from error
    if held != asked:
        raise UsageError(
            f"Expected the settings of the run that {run.out} holds, but other ones came. Give the same to go on with "
            "it, or another --out."
        )


def _pictures(run: DetectorRun, tell: Tell) -> FacePictures:
    folder = run.out / _PICTURES
    if not is_packed(folder):
        tell("Reading the pictures")
        pack(read_pictures(run.source), folder)
    return load_pictures(folder)


def _crops(run: DetectorRun, tell: Tell) -> Path | None:
    if run.crops is None or run.teacher is None:
        return None
    folder = run.out / _CROPS
    if not is_packed(folder):
        tell("Finding the faces of the crops")
        pack(crop_pictures(load_dataset(run.crops), Teacher(run.teacher)), folder)
    return folder


def _read_history(path: Path) -> list[DetectorEpoch]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = [{name: float(value) for name, value in row.items() if value} for row in rows]
    return [DetectorEpoch(**row | {"epoch": int(row["epoch"])}) for row in numbers]  # type: ignore[arg-type]


def _write_history(path: Path, epochs: list[DetectorEpoch]) -> None:
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(DetectorEpoch.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in epochs)
