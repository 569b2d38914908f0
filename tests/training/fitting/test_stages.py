"""A run that learns in steps: the generator, the classifier, then both end to end."""

import dataclasses
import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import UsageError
from fer_training.fitting.history import read_history
from fer_training.recipes import Augmentation, References
from support.training_run import RECIPE, SMALL_FIRST, copy_network

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
NAME, WITH_QUERY = "generative_contrastive", "generative_contrastive_query"
CONTRAST = dataclasses.replace(
    RECIPE, references=References(generator_epochs=2, frozen_epochs=1, weight=1.0, neighbours=2)
)
STEPS = 42 // 16
"""Steps of an epoch."""


class Killed(BaseException):
    """Stands for a signal that ends the process between two steps."""


@pytest.fixture(scope="module", autouse=True)
def _fewer_layers() -> Iterator[None]:
    """TensorFlow takes long to prepare a step of many layers, and each stage of each run has one."""
    with pytest.MonkeyPatch.context() as patch:
        module = importlib.import_module("fer_training.models.architectures.generative_contrastive")
        for name, widths in {"DOWN": (16, 24), "UP": (16,), "SMALL_STAGES": ((16, 0), (24, 1))}.items():
            patch.setattr(module, name, widths)
        yield


def _train(
    dataset: Any, out: Path, recipe: Any = CONTRAST, kill_after: int | None = None, name: str = NAME
) -> Path:
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    told = []

    def tell(progress: Any) -> None:
        told.append(progress)
        if len(told) == kill_after:
            raise Killed

    train(Run(name, recipe, seed=4, out=out), dataset, tell)
    return out


@pytest.fixture(scope="module")
def small(make_dataset: Any) -> tuple[Path, Any]:
    return make_dataset(6)


@pytest.fixture(scope="module")
def contrast(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _train(small[1], tmp_path_factory.mktemp("contrast") / "run")


def test_each_step_leaves_its_figures_and_its_checkpoint(contrast: Path) -> None:
    losses = json.loads((contrast / "generator.json").read_text())
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert [epoch.epoch for epoch in read_history(contrast / "history.csv")] == [1, 2, 3]
    names = {path.name for path in contrast.iterdir()}
    assert {"generator.keras", "classifier.keras", "checkpoint.keras", "network.keras"} <= names


def test_the_generator_stands_still_in_the_second_step_and_moves_in_the_third(contrast: Path) -> None:
    alone, frozen, moved = (
        keras.saving.load_model(contrast / f"{name}.keras", compile=False)
        for name in ("generator", "classifier", "checkpoint")
    )
    before, second, third = (
        model.get_weights() for model in (alone, frozen.get_layer("generator"), moved.get_layer("generator"))
    )
    for one, other in zip(before, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(not np.array_equal(one, other) for one, other in zip(before, third, strict=True))


def test_a_killed_run_goes_on_to_the_same_end(contrast: Path, small: Any, tmp_path: Path) -> None:
    """Killed in the generator's second epoch, and again in the first step of the third stage.

    Steps are told one by one, and each whole epoch once more.
    """
    for told in (STEPS + 2, 2 * (STEPS + 1) + 1):
        with pytest.raises(Killed):
            _train(small[1], tmp_path / "run", kill_after=told)
    assert [epoch.epoch for epoch in read_history(tmp_path / "run/history.csv")] == [1]
    _train(small[1], tmp_path / "run")
    whole, resumed = (read_history(folder / "history.csv") for folder in (contrast, tmp_path / "run"))
    assert [epoch.training_loss for epoch in resumed] == pytest.approx(
        [epoch.training_loss for epoch in whole], rel=1e-3
    )
    one, other = (
        keras.saving.load_model(folder / "network.keras").get_weights()
        for folder in (contrast, tmp_path / "run")
    )
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("name", [NAME, WITH_QUERY])
def test_what_learns_and_what_is_kept_give_the_same_answers(small: Any, name: str) -> None:
    """The kept network calls its encoder twice; what learns puts queries and references into one batch."""
    from fer_training.data.batches import to_input
    from fer_training.fitting.learner import float32_twin, new_learner, without_votes_head

    learner = without_votes_head(new_learner(name, 7, CONTRAST, votes_head=True))
    kept = float32_twin(learner, name)
    faces = to_input(small[1].images[:5])
    np.testing.assert_allclose(kept.predict_on_batch(faces), learner.predict_on_batch(faces), atol=1e-5)


def test_a_run_can_begin_with_trained_weights_of_other_classes(contrast: Path) -> None:
    from fer_training.fitting.learner import new_learner, start_from

    model = new_learner(NAME, 3, CONTRAST, votes_head=False)
    start_from(model, NAME, contrast / "network.keras", ("a", "b", "c"))
    trained = keras.saving.load_model(contrast / "network.keras")
    for name in ("generator", "encoder"):
        for one, other in zip(
            model.get_layer(name).get_weights(), trained.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "recipe", [SMALL_FIRST, dataclasses.replace(RECIPE, augmentation=Augmentation(cutmix=0.1))]
)
def test_recipes_that_leave_a_face_without_one_reference_are_refused(
    small: Any, tmp_path: Path, recipe: Any
) -> None:
    with pytest.raises(UsageError, match="Expected a recipe without small pictures, mixup and cutmix"):
        _train(small[1], tmp_path / "run", recipe)
    assert not (tmp_path / "run").exists()


def test_pairs_serve_as_references(small: Any, tmp_path: Path) -> None:
    neutral = np.flatnonzero((small[1].labels == 6) & (small[1].split == 0))
    pairs = np.where(small[1].split == 0, neutral[0], -1)
    recipe = dataclasses.replace(
        CONTRAST, epochs=1, references=References(generator_epochs=1, frozen_epochs=0)
    )
    out = _train(dataclasses.replace(small[1], references=pairs), tmp_path / "run", recipe, name=WITH_QUERY)
    assert (out / "network.keras").exists()
    assert not (out / "classifier.keras").exists()


def test_it_evaluates_exports_and_draws_as_a_user_would(
    contrast: Path, small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tf2onnx", reason="needs the extra `export`")
    from fer_export.cli import main as export
    from fer_training.commands.cli import main as train

    weights = copy_network(contrast, tmp_path)
    commands = (
        (train, "fer-train", "evaluate", weights, "--data", small[0]),
        (train, "fer-train", "references", weights, "--data", small[0]),
        (export, "fer-export", weights, "--model-repository", tmp_path / "repository"),
    )
    for main, *words in commands:
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        with pytest.raises(SystemExit) as left:
            main()
            sys.exit(0)
        assert not left.value.code
    assert (tmp_path / "references.png").read_bytes()[:4] == b"\x89PNG"
    _compare(weights, tmp_path / "repository/expression/1/model.onnx", small[1].images[:9])
    shutil.rmtree(tmp_path / "repository")


def _compare(weights: Path, onnx: Path, images: Any) -> None:
    """The exported graph's probabilities are those of Keras, at the temperature of the record."""
    ort = pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    from fer_training.data.batches import to_input
    from fer_training.evaluation.metrics import softmax

    faces = to_input(images)
    session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: faces})[0]
    temperature = json.loads(weights.with_suffix(".json").read_text())["temperature"]
    expected = softmax(keras.saving.load_model(weights).predict_on_batch(faces), temperature)
    np.testing.assert_allclose(answer, expected, atol=2e-5)
