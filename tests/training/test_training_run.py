"""Whole runs on drawn faces: learn, be killed, go on, begin with others."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_training.data.dataset import Dataset
from fer_training.fitting.history import read_history
from fer_training.fitting.schedule import learning_rates
from fer_training.recipes import Augmentation
from support.training_run import RECIPE, train_small

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


class Killed(BaseException):
    """Stands for a signal that ends the process between two steps."""


def test_a_run_learns_and_leaves_network_record_history_and_picture(finished: Path, data: Any) -> None:
    history = read_history(finished / "history.csv")
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert history[-1].training_loss < history[0].training_loss
    assert history[-1].validation_accuracy > 0.5
    record = json.loads((finished / "network.json").read_text())
    assert record["architecture"] == "basic_cnn"
    assert record["labels"] == list(data[1].label_names)
    assert record["input"] == {"height": 48, "width": 48, "channels": 1, "range": [-1.0, 1.0]}
    assert record["epochs"] == 3
    assert record["data"]["sha256"] == data[1].description["sha256"]
    assert record["metrics"]["PublicTest"]["accuracy"] == history[-1].validation_accuracy
    assert (finished / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_saved_network_has_one_float32_output_and_no_optimizer(finished: Path) -> None:
    network = keras.saving.load_model(finished / "network.keras")
    assert [output.shape for output in network.outputs] == [(None, 7)]
    assert getattr(network, "optimizer", None) is None
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}


@pytest.mark.parametrize("steps", [20, 28])
def test_a_killed_run_goes_on_to_the_same_end(finished: Path, data: Any, tmp_path: Path, steps: int) -> None:
    """Killed in the middle of the second epoch, and just after its last step."""
    seen = []

    def kill(progress: Any) -> None:
        seen.append(progress)
        if len([step for step in seen if step.finished is None]) == steps:
            raise Killed

    with pytest.raises(Killed):
        train_small(data[1], tmp_path / "run", on_progress=kill)
    assert [epoch.epoch for epoch in read_history(tmp_path / "run/history.csv")] == [1]
    train_small(data[1], tmp_path / "run")
    whole, resumed = (read_history(folder / "history.csv") for folder in (finished, tmp_path / "run"))
    assert [epoch.learning_rate for epoch in resumed] == [epoch.learning_rate for epoch in whole]
    assert [epoch.training_loss for epoch in resumed] == pytest.approx(
        [epoch.training_loss for epoch in whole], rel=1e-4
    )
    for one, other in zip(_weights(finished), _weights(tmp_path / "run"), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


def _weights(folder: Path) -> Any:
    return keras.saving.load_model(folder / "network.keras").get_weights()


def test_a_finished_run_is_left_as_it_is(finished: Path, data: Any) -> None:
    before = (finished / "network.keras").read_bytes()
    train_small(data[1], finished)
    assert (finished / "network.keras").read_bytes() == before


def test_the_last_learning_rate_is_the_schedules(finished: Path) -> None:
    rates = learning_rates(RECIPE, 224 // 16)
    assert [epoch.learning_rate for epoch in read_history(finished / "history.csv")] == rates[13::14].tolist()


def test_a_folder_of_another_run_is_refused_and_what_differs_is_named(finished: Path, data: Any) -> None:
    other = dataclasses.replace(RECIPE, learning_rate=1e-3, augmentation=Augmentation(erase=0.2))
    named = (
        r"recipe\.augmentation\.erase, .*recipe\.learning_rate\. Give the same settings .* or another --out"
    )
    with pytest.raises(UsageError, match=named):
        train_small(data[1], finished, other)


def _with_fingerprint(dataset: Dataset, fingerprint: str | None) -> Dataset:
    return dataclasses.replace(dataset, description={**dataset.description, "arrays_sha256": fingerprint})


def test_a_run_does_not_go_on_with_other_labels(finished: Path, data: Any, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    _settings(tmp_path / "run", data_with_labels="a")
    with pytest.raises(UsageError, match=r"came for data_with_labels\."):
        train_small(_with_fingerprint(data[1], "b"), tmp_path / "run")
    train_small(_with_fingerprint(data[1], "a"), tmp_path / "run")


def test_a_run_of_an_older_version_goes_on_and_the_user_hears_what_is_not_known(
    finished: Path, data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    _settings(tmp_path / "run")
    train_small(_with_fingerprint(data[1], "a"), tmp_path / "run")
    assert "of an older version" in capsys.readouterr().err


def _settings(folder: Path, **changes: str) -> None:
    """Write a run's settings as an older version would, with `changes`."""
    settings = json.loads((folder / "run.json").read_text())
    settings.pop("data_with_labels")
    (folder / "run.json").write_text(json.dumps(settings | changes))


@pytest.mark.parametrize(
    ("name", "share", "sentence"),
    [
        ("run.json", 0, "Expected the settings of a run in"),
        ("run.json", 0.5, "Expected the settings of a run in"),
        ("checkpoint.keras", 0, "Expected a Keras file at"),
        ("checkpoint.keras", 0.5, "Expected a Keras file at"),
    ],
)
def test_damaged_files_of_a_run_are_named(
    finished: Path, data: Any, tmp_path: Path, name: str, share: float, sentence: str
) -> None:
    path = shutil.copytree(finished, tmp_path / "run") / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=f"{sentence} .*{name}"):
        train_small(data[1], tmp_path / "run")


def test_patience_ends_a_run_and_the_best_weights_are_kept(data: Any, tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        RECIPE, epochs=6, patience=1, keep="best", learning_rate=0.0, votes_head=0.0, ema=0.0, optimizer="sgd",
        mixed_precision=True,
    )  # fmt: skip
    out = train_small(data[1], tmp_path / "run", recipe)
    assert len(read_history(out / "history.csv")) < 6
    best = max(epoch.validation_accuracy for epoch in read_history(out / "history.csv"))
    assert json.loads((out / "network.json").read_text())["metrics"]["PublicTest"]["accuracy"] == best


@pytest.mark.parametrize(("votes_share", "figure"), [(1.0, "majority"), (0.5, "label")])
def test_the_best_weights_are_best_by_what_the_network_learns(
    data: Any, tmp_path: Path, votes_share: float, figure: str
) -> None:
    """PublicTest's labels are turned away from what people see, so the two accuracies name different epochs."""
    labels = data[1].labels.copy()
    public = data[1].rows("PublicTest")
    labels[public] = (labels[public] + 1) % 7
    recipe = dataclasses.replace(RECIPE, epochs=4, keep="best", votes_share=votes_share)
    out = train_small(dataclasses.replace(data[1], labels=labels), tmp_path / "run", recipe)
    epochs = read_history(out / "history.csv")
    by = {
        "majority": max(epochs, key=lambda epoch: epoch.validation_majority_accuracy or 0),
        "label": max(epochs, key=lambda epoch: epoch.validation_accuracy),
    }
    assert by["majority"].epoch != by["label"].epoch
    record = json.loads((out / "network.json").read_text())
    assert record["epochs"] == by[figure].epoch
    majority = record["metrics"]["PublicTest"]["voters"]["majority_accuracy"]
    assert majority == by[figure].validation_majority_accuracy


def test_a_run_of_an_older_version_goes_on_with_its_history_and_recipe(data: Any, tmp_path: Path) -> None:
    """Its history has no accuracy by the voters, its settings know nothing of small pictures."""
    half = train_small(data[1], tmp_path / "run", dataclasses.replace(RECIPE, epochs=1))
    lines = (half / "history.csv").read_text().splitlines()
    (half / "history.csv").write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    settings = json.loads((half / "run.json").read_text())
    settings["recipe"]["epochs"] = RECIPE.epochs
    del settings["recipe"]["small_side"], settings["recipe"]["small_share"]
    del settings["recipe"]["augmentation"]["degrade"]
    (half / "run.json").write_text(json.dumps(settings))
    train_small(data[1], half)
    voted = [epoch.validation_majority_accuracy for epoch in read_history(half / "history.csv")]
    assert voted[0] is None
    assert all(share is not None for share in voted[1:])


SMALL_FIRST = dataclasses.replace(RECIPE, small_side=32, small_share=0.6, votes_head=0.0, votes_share=1.0)
"""The first two of three epochs at 32 pixels."""


def test_a_run_of_small_pictures_goes_on_to_the_same_end_and_leaves_a_network_of_48_pixels(
    data: Any, tmp_path: Path
) -> None:
    """Killed in the second epoch, of small pictures; the third is of large ones."""
    seen = []

    def kill(progress: Any) -> None:
        seen.append(progress)
        if len(seen) == 20:
            raise Killed

    whole = train_small(data[1], tmp_path / "whole", SMALL_FIRST)
    with pytest.raises(Killed):
        train_small(data[1], tmp_path / "run", SMALL_FIRST, on_progress=kill)
    resumed = train_small(data[1], tmp_path / "run", SMALL_FIRST)
    losses = [
        [epoch.training_loss for epoch in read_history(run / "history.csv")] for run in (whole, resumed)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for one, other in zip(_weights(whole), _weights(resumed), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)
    network = keras.saving.load_model(whole / "network.keras")
    assert network.input.shape == (None, 48, 48, 1)
    assert read_history(whole / "history.csv")[-1].validation_majority_accuracy > 0.3  # type: ignore[operator]


def test_small_pictures_start_from_a_network_of_48_pixels(finished: Path, data: Any, tmp_path: Path) -> None:
    still = dataclasses.replace(SMALL_FIRST, epochs=1, learning_rate=1e-9, ema=0.0)
    out = train_small(data[1], tmp_path / "run", still, start=finished / "network.keras")
    for kept, started in zip(_trainable(out), _trainable(finished), strict=True):
        np.testing.assert_allclose(kept, started, atol=1e-5)


def _trainable(folder: Path) -> Any:
    network = keras.saving.load_model(folder / "network.keras")
    return [variable.numpy() for variable in network.trainable_variables]


def test_the_start_may_go_while_the_run_goes_on(finished: Path, data: Any, tmp_path: Path) -> None:
    start = tmp_path / "network.keras"
    for suffix in (".keras", ".json"):
        start.with_suffix(suffix).write_bytes((finished / "network.keras").with_suffix(suffix).read_bytes())

    def let_go(_progress: object) -> None:
        start.unlink(missing_ok=True)

    recipe = dataclasses.replace(RECIPE, epochs=1)
    out = train_small(data[1], tmp_path / "run", recipe, start=start, on_progress=let_go)
    begun = json.loads((out / "network.json").read_text())["start"]
    assert begun == hashlib.sha256((finished / "network.keras").read_bytes()).hexdigest()


def test_a_network_with_fixed_places_refuses_small_pictures(data: Any, tmp_path: Path) -> None:
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    with pytest.raises(
        UsageError, match=r"vgg does not\. Choose another architecture, or a recipe with small_side 0"
    ):
        train(Run("vgg", SMALL_FIRST, seed=0, out=tmp_path / "run"), data[1])
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_no_number_ends_the_run(data: Any, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, optimizer="sgd", learning_rate=1e30, votes_head=0.0, ema=0.0)
    with pytest.raises(UsageError, match="Lower the recipe's learning rate"):
        train_small(data[1], tmp_path / "run", recipe)
    assert not (tmp_path / "run/network.keras").exists()


def test_data_without_images_to_choose_by_are_refused(data: Any, tmp_path: Path) -> None:
    training_only = dataclasses.replace(data[1], split=np.zeros_like(data[1].split))
    with pytest.raises(InputError, match="images in the split PublicTest, but the data has none"):
        train_small(training_only, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_student_learns_from_its_teacher_alone(finished: Path, data: Any, tmp_path: Path) -> None:
    """With all of the target from the teacher, the labels have no say: shuffled ones do not hinder."""
    rng = np.random.default_rng(0)
    labels = data[1].labels.copy()
    training = data[1].rows("Training")
    labels[training] = rng.permutation(labels[training])
    recipe = dataclasses.replace(RECIPE, distillation=1.0, distillation_temperature=1.0, votes_head=0.0)
    teachers = (finished / "network.keras",)
    out = train_small(
        dataclasses.replace(data[1], labels=labels), tmp_path / "run", recipe, teachers=teachers
    )
    assert read_history(out / "history.csv")[-1].validation_accuracy > 0.5


def test_recipe_and_teachers_must_agree(finished: Path, data: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--teacher"):
        train_small(data[1], tmp_path / "a", dataclasses.replace(RECIPE, distillation=0.5))
    with pytest.raises(UsageError, match="--teacher"):
        train_small(data[1], tmp_path / "b", teachers=(finished / "network.keras",))
    assert not list(tmp_path.iterdir())


def test_a_run_starts_from_trained_weights(finished: Path, data: Any, tmp_path: Path) -> None:
    """Without a learning rate worth the name, the network stays what it began with."""
    still = dataclasses.replace(RECIPE, epochs=1, learning_rate=1e-9, ema=0.0, votes_head=0.0)
    out = train_small(data[1], tmp_path / "run", still, start=finished / "network.keras")
    assert read_history(out / "history.csv")[-1].validation_accuracy > 0.7
    record = json.loads((out / "network.json").read_text())
    assert record["start"] == json.loads((out / "run.json").read_text())["start"]


def test_other_classes_get_a_new_last_layer_over_the_trained_ones(finished: Path) -> None:
    from fer_training.fitting.learner import new_learner, start_from
    from fer_training.models.record import load_network

    model = new_learner("basic_cnn", 3, RECIPE, votes_head=False)
    start_from(model, "basic_cnn", finished / "network.keras", ["happy", "sad", "neutral"])
    trained = load_network(finished / "network.keras")
    assert len(model.layers) == len(trained.layers)
    for layer, source in zip(model.layers[:-1], trained.layers[:-1], strict=True):
        for value, expected in zip(layer.get_weights(), source.get_weights(), strict=True):
            np.testing.assert_array_equal(value, expected)
    assert model.get_layer("logits").get_weights()[0].shape[1] == 3


def test_weights_of_another_architecture_are_refused_as_a_start(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.fitting.run import Run
    from fer_training.fitting.train import train

    run = Run("mini_xception", RECIPE, seed=0, out=tmp_path / "run", start=finished / "network.keras")
    with pytest.raises(InputError, match="of the architecture mini_xception to start from"):
        train(run, data[1])
    assert not list(tmp_path.iterdir())
