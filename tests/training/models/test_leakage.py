"""Networks that may have learned from PublicTest by way of other splits."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from support.training_run import RECIPE, train_small

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

GIVEN = {"name": "fer2013", "sha256": "i", "arrays_sha256": "a"}


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        ({}, "same"),
        ({"arrays_sha256": "b"}, "mixed up"),
        ({"name": "fer2013plus", "arrays_sha256": "b"}, "mixed up"),
        ({"sha256": "j", "arrays_sha256": "b"}, "mixed up"),
        ({"name": "rafdb", "sha256": "j", "arrays_sha256": "b"}, "other"),
        ({"arrays_sha256": None}, "unknown"),
        ({"name": None, "sha256": None, "arrays_sha256": None}, "unknown"),
    ],
)
def test_data_are_told_apart_by_name_and_fingerprints(learned: dict[str, Any], expected: str) -> None:
    from fer_training.models.leakage import relation

    assert relation(GIVEN | learned, GIVEN) == expected


def _other_splits(dataset: Any) -> Any:
    return dataclasses.replace(dataset, description={**dataset.description, "arrays_sha256": "other"})


@pytest.mark.parametrize("role", ["start", "teachers"])
def test_a_network_of_the_same_images_with_other_splits_is_refused(
    finished: Path, data: Any, tmp_path: Path, role: str
) -> None:
    weights = finished / "network.keras"
    given = {"start": weights} if role == "start" else {"teachers": (weights,)}
    recipe = dataclasses.replace(RECIPE, distillation=0.5 if role == "teachers" else 0.0)
    with pytest.raises(InputError, match="that has not learned from this data's PublicTest") as raised:
        train_small(_other_splits(data[1]), tmp_path / "run", recipe, **given)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"name": "own", "sha256": "j", "arrays_sha256": "b"}, "learned from own, other data"),
        ({"arrays_sha256": None}, "cannot be told"),
    ],
)
def test_what_cannot_be_known_is_said_once_and_the_network_taken(
    finished: Path, data: Any, tmp_path: Path, capsys: Any, changes: dict[str, Any], note: str
) -> None:
    from fer_training.models.leakage import check_origin

    weights = tmp_path / "network.keras"
    for suffix in (".keras", ".json"):
        shutil.copy(finished / f"network{suffix}", weights.with_suffix(suffix))
    record = json.loads(weights.with_suffix(".json").read_text())
    record["data"] |= changes
    weights.with_suffix(".json").write_text(json.dumps(record))
    check_origin(weights, data[1], "a teacher")
    told = capsys.readouterr().err
    assert told.startswith("Note: ")
    assert note in told
    assert told.count("\n") == 1
    check_origin(finished / "network.keras", data[1], "a teacher")
    assert capsys.readouterr().err == ""
