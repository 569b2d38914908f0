"""Averaging the weights of trained networks."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.errors import InputError, UsageError

pytest.importorskip("keras", reason="needs the extra `training`")

pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def _network(path: Path, value: float, **changes: Any) -> Path:
    """A basic_cnn all of whose weights are `value`, and its record."""
    from fer_training.models.architectures import ARCHITECTURES

    model = ARCHITECTURES["basic_cnn"](2)
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    model.save(path)
    record = {
        "architecture": "basic_cnn",
        "labels": ["happy", "sad"],
        "data": {"name": "drawn", "sha256": "0" * 64, "arrays_sha256": "0" * 64},
        "start": "5" * 64,
        "temperature": 1.5,
        "metrics": {"PublicTest": {"accuracy": 0.5}},
    }
    path.with_suffix(".json").write_text(json.dumps(record | changes))
    return path


def test_weights_are_averaged_by_their_shares_and_figures_start_anew(tmp_path: Path) -> None:
    from fer_training.models.average import average
    from fer_training.models.record import load_network, load_record

    members = [_network(tmp_path / "a.keras", 1.0), _network(tmp_path / "b.keras", 4.0)]
    out = tmp_path / "new" / "mean.keras"
    average(members, [1, 2], out)
    assert all(np.allclose(weight, 3.0) for weight in load_network(out).get_weights())
    record = load_record(out)
    assert (record["temperature"], record["metrics"], record["labels"]) == (1.0, {}, ["happy", "sad"])
    assert [member["share"] for member in record["average_of"]] == [0.333333, 0.666667]
    average(members, [], out)
    assert all(np.allclose(weight, 2.5) for weight in load_network(out).get_weights())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "vgg"}, "the same architecture"),
        ({"labels": ["sad", "happy"]}, "the same labels"),
        ({"data": {"sha256": "1" * 64}}, "the same data"),
        ({"data": {"sha256": "0" * 64, "arrays_sha256": "2" * 64}}, "the same splits, labels and votes"),
        ({"start": "6" * 64}, "began with the same trained weights"),
        ({"start": None}, "began with the same trained weights"),
    ],
)
def test_networks_of_two_kinds_are_refused(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    from fer_training.models.average import average

    members = [_network(tmp_path / "a.keras", 1.0, **changes), _network(tmp_path / "b.keras", 4.0)]
    with pytest.raises(InputError, match=sentence):
        average(members, [], tmp_path / "mean.keras")
    assert not (tmp_path / "mean.keras").exists()


def test_a_network_and_what_it_began_with_may_be_averaged(tmp_path: Path) -> None:
    from fer_training.models.average import average
    from fer_training.models.record import load_network

    first = _network(tmp_path / "a.keras", 1.0, start=None)
    second = _network(tmp_path / "b.keras", 4.0, start=hashlib.sha256(first.read_bytes()).hexdigest())
    average([first, second], [], tmp_path / "mean.keras")
    assert all(np.allclose(weight, 2.5) for weight in load_network(tmp_path / "mean.keras").get_weights())


def test_networks_whose_splits_are_not_known_are_averaged_with_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fer_training.models.average import average

    older = _network(tmp_path / "a.keras", 1.0, data={"name": "drawn", "sha256": "0" * 64})
    average([older, _network(tmp_path / "b.keras", 4.0)], [], tmp_path / "mean.keras")
    told = capsys.readouterr().err
    assert told.startswith(f"Note: whether {older} learned from the same splits")
    assert told.count("\n") == 1


@pytest.mark.parametrize(("count", "shares"), [(1, []), (2, [1.0]), (2, [1.0, 0.0])])
def test_shares_must_fit_the_networks(tmp_path: Path, count: int, shares: list[float]) -> None:
    from fer_training.models.average import average

    with pytest.raises(UsageError, match="Expected"):
        average([tmp_path / "a.keras"] * count, shares, tmp_path / "mean.keras")


def test_the_command_averages_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fer_training.commands.cli import main

    members = [str(_network(tmp_path / name, value)) for name, value in (("a.keras", 0.0), ("b.keras", 2.0))]
    out = tmp_path / "mean.keras"
    monkeypatch.setattr(sys, "argv", ["fer-train", "average", *members, "--out", str(out)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert out.with_suffix(".json").exists()
    assert "fer-train evaluate" in capsys.readouterr().out
