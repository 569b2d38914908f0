"""Pictures made worse, to see how far a network can be trusted."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError
from support.training_run import copy_network

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def face() -> np.ndarray:
    """A picture with a bright left half, a bright spot and a middle grey of 90."""
    image = np.full((48, 48), 40, np.uint8)
    image[:, :24] = 140
    image[5, 40] = 255
    return image


def test_every_change_keeps_shape_and_type_and_all_but_the_first_change_something(face: np.ndarray) -> None:
    from fer_training.evaluation.limits import LIMITS

    changed = {name: change(face.copy()) for name, change in LIMITS.items()}
    assert all(image.shape == face.shape and image.dtype == np.uint8 for image in changed.values())
    assert [name for name, image in changed.items() if np.array_equal(image, face)] == ["as they are"]


def test_a_small_face_loses_its_details_and_keeps_its_light(face: np.ndarray) -> None:
    from fer_training.evaluation.limits import smaller

    assert smaller(face, 12)[5, 40] < 80
    assert smaller(face, 12).mean() == pytest.approx(face.mean(), abs=1)


def test_darkness_and_noise_are_as_much_as_they_say(face: np.ndarray) -> None:
    from fer_training.evaluation.limits import darker, noisy

    assert darker(face, 0.25).mean() == pytest.approx(face.mean() / 4, abs=0.5)
    assert (noisy(face, 10).astype(float) - face).std() == pytest.approx(10, abs=1)


def test_a_tilt_of_a_quarter_turns_left_to_bottom(face: np.ndarray) -> None:
    from fer_training.evaluation.limits import tilted

    assert np.array_equal(tilted(face, 90), np.rot90(face))


def test_cover_hides_its_rows_alone(face: np.ndarray) -> None:
    from fer_training.evaluation.limits import covered

    hidden = covered(face, slice(31, 48))
    assert len(np.unique(hidden[31:])) == 1
    assert np.array_equal(hidden[:31], face[:31])


def test_limits_refuse_other_classes_and_an_empty_publictest(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.limits import measure_limits

    weights = copy_network(finished, tmp_path)
    other = dataclasses.replace(data[1], description={**data[1].description, "labels": ["a", "b"]})
    with pytest.raises(InputError, match="Expected data with the classes angry"):
        measure_limits(weights, other)
    empty = dataclasses.replace(data[1], split=np.zeros_like(data[1].split))
    with pytest.raises(InputError, match="images in the split PublicTest, but the data has none"):
        measure_limits(weights, empty)


def test_worse_pictures_are_read_worse_and_the_record_says_so(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.evaluation.limits import LIMITS, measure_limits

    weights = copy_network(finished, tmp_path)
    whole = evaluate(weights, data[1], "PublicTest")
    measured = measure_limits(weights, data[1])
    assert list(measured) == list(LIMITS)
    assert measured["as they are"] == {
        "accuracy": whole["accuracy"], "ece": whole["ece"],
        "majority_accuracy": whole["voters"]["majority_accuracy"], "voters_ece": whole["voters"]["ece"],
    }  # fmt: skip
    assert measured["tilted by 45°"]["accuracy"] < whole["accuracy"]
    assert json.loads(weights.with_suffix(".json").read_text())["limits"] == measured
