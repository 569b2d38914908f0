"""A network learns from teachers."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import UsageError
from fer_training.fitting.history import read_history
from support.training_run import RECIPE, train_small

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


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
