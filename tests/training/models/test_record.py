"""Networks and their records: kept together, told apart by their data, and read from files that cannot run code."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from support.training_run import copy_network

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras advises against HDF5 as it writes it.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def saved(path: Path, *layers: Any) -> Path:
    keras.Sequential([keras.Input((4, 4, 1)), *layers, keras.layers.Flatten()]).save(path)
    return path


def test_lambda_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fer_training.models.record import load_network

    code = keras.layers.Lambda(lambda x: (__import__("sys").stdout.write("this runs"), x)[1])
    path = saved(tmp_path / "foreign.keras", code)
    capsys.readouterr()

    with pytest.raises(InputError, match="holds Python code, as of a Lambda layer") as caught:
        load_network(path)

    assert "\n" not in str(caught.value)
    assert "this runs" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_other_format_is_not_opened(tmp_path: Path, ending: str) -> None:
    from fer_training.models.record import load_network

    with pytest.raises(InputError, match=r"Expected a \.keras file"):
        load_network(saved(tmp_path / f"old.{ending}"))


@pytest.mark.parametrize(
    ("learned", "given", "expected"),
    [
        ({"sha256": "a"}, {"sha256": "a"}, True),
        ({"sha256": "a"}, {"sha256": "a", "arrays_sha256": "b"}, True),
        ({"sha256": "a", "arrays_sha256": "b"}, {"sha256": "a", "arrays_sha256": "c"}, False),
        ({"sha256": "a"}, {"sha256": "b"}, False),
        ({}, {"sha256": "a"}, False),
    ],
)
def test_data_are_those_of_the_record_by_every_fingerprint_that_it_has(
    data: Any, learned: dict[str, str], given: dict[str, str], expected: bool
) -> None:
    from fer_training.models.record import is_trained_on

    assert is_trained_on({"data": learned}, dataclasses.replace(data[1], description=given)) is expected


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_damaged_weights_are_refused(finished: Path, data: Any, tmp_path: Path, content: bytes) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    weights.write_bytes(content)
    with pytest.raises(InputError, match="Expected a Keras file at"):
        evaluate(weights, data[1], "PublicTest")


def test_weights_without_their_record_are_refused(finished: Path, tmp_path: Path) -> None:
    from fer_training.models.record import load_record

    weights = copy_network(finished, tmp_path)
    weights.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"Keep the \.keras and the \.json file together"):
        load_record(weights)
