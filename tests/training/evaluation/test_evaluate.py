"""A trained network is judged: by the labels, by the voters, and without copies of training images."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_training.fitting.history import read_history
from support.training_run import copy_network

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_evaluation_fits_the_temperature_and_draws(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights, dataset = copy_network(finished, tmp_path), _with_doubt(data[1])
    with pytest.raises(InputError, match="Run the command with --split PublicTest first"):
        evaluate(weights, dataset, "PrivateTest")
    public = evaluate(weights, dataset, "PublicTest", tmp_path / "figures")
    record = json.loads(weights.with_suffix(".json").read_text())
    assert record["temperature"] not in (0.0, 1.0)
    assert record["temperature_fitted_on"] == "labels"
    assert record["metrics"]["PublicTest"] == public
    assert public["images"] == 70
    private = evaluate(weights, data[1], "PrivateTest")
    assert json.loads(weights.with_suffix(".json").read_text())["temperature"] == record["temperature"]
    assert private["without_copies_of_training"]["images"] == private["images"] == 70
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    names = ("confusion", "reliability", "reliability-voters")
    assert drawn == {f"network-PublicTest-{name}.png" for name in names}


def test_evaluation_finds_the_accuracy_of_the_last_epoch(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    last = read_history(finished / "history.csv")[-1]
    found = evaluate(copy_network(finished, tmp_path), data[1], "PublicTest")
    assert found["accuracy"] == pytest.approx(last.validation_accuracy, abs=1e-4)


def _with_doubt(dataset: Any) -> Any:
    """The same set with every seventh label one class too far, so that no network is always right."""
    labels = dataset.labels.copy()
    labels[::7] = (labels[::7] + 1) % len(dataset.label_names)
    return dataclasses.replace(dataset, labels=labels)


def _with_votes_share(weights: Path, share: float) -> None:
    record = json.loads(weights.with_suffix(".json").read_text())
    record["recipe"]["votes_share"] = share
    weights.with_suffix(".json").write_text(json.dumps(record))


def test_the_voters_figures_stand_beside_the_labels(finished: Path, data: Any, tmp_path: Path) -> None:
    """Eight of ten voters agree with each drawn label, so their majority is the label, whatever the labels say."""
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    right = evaluate(weights, data[1], "PublicTest")["accuracy"]
    result = evaluate(weights, _with_doubt(data[1]), "PublicTest")
    voters = result["voters"]
    assert (voters["images"], voters["majority_images"]) == (70, 70)
    assert voters["four_category_majority_images"] == 40
    assert voters["majority_accuracy"] == right > result["accuracy"]
    assert voters["without_copies_of_training"]["majority_accuracy"] == right
    assert voters["without_copies_of_training"]["ece"] == voters["ece"]
    shares, confidences, agreements = zip(*voters["reliability"], strict=True)
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    agreement = sum(share * part for share, part in zip(shares, agreements, strict=True))
    assert agreement == pytest.approx(
        (6 * 0.8 + 1) / 7, abs=1e-3
    )  # eight of ten agree, on neutral faces all do
    assert max(confidences) <= 1
    assert voters["r2_kl"] > 0
    assert json.loads(weights.with_suffix(".json").read_text())["metrics"]["PublicTest"] == result
    json.dumps(result, allow_nan=False)


def test_data_without_votes_have_no_figures_by_voters(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    without = dataclasses.replace(data[1], votes=None)
    assert "voters" not in evaluate(
        copy_network(finished, tmp_path), without, "PublicTest", tmp_path / "drawn"
    )
    assert not list((tmp_path / "drawn").glob("*voters*"))


def test_a_network_of_the_voters_gets_the_temperature_that_fits_their_shares(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    """The drawn labels are never doubted, and their temperature is at the end of its range; the voters' is not."""
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    _with_votes_share(weights, 1.0)
    voters = evaluate(weights, data[1], "PublicTest")["voters"]
    record = json.loads(weights.with_suffix(".json").read_text())
    assert record["temperature_fitted_on"] == "votes"
    assert record["temperature"] != 1.0
    assert voters["ece"] < voters["ece_before_temperature"]


def test_a_temperature_at_the_end_of_its_range_is_not_kept(
    finished: Path, data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels that have nothing to do with the pictures: the search would end at 20."""
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    opposite = dataclasses.replace(data[1], labels=(data[1].labels + 3) % 7)
    evaluate(weights, opposite, "PublicTest")
    record = json.loads(weights.with_suffix(".json").read_text())
    assert (record["temperature"], record["temperature_fitted_on"]) == (1.0, None)
    told = capsys.readouterr().err
    assert told.startswith(
        "Note: the temperature stays 1, since none between 0.05 and 20 fits the labels of PublicTest"
    )
    assert told.count("\n") == 1


def test_copies_of_training_are_left_out_of_the_second_figures(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    """A training picture of another class, put into PublicTest, is an error there and not without the copies."""
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    images, labels, copy = data[1].images.copy(), data[1].labels, data[1].rows("PublicTest")[0]
    other = next(row for row in data[1].rows("Training") if labels[row] != labels[copy])
    images[copy] = images[other]
    result = evaluate(weights, dataclasses.replace(data[1], images=images), "PublicTest")
    alone = result["without_copies_of_training"]
    assert (result["images"], alone["images"]) == (70, 69)
    right, right_alone = round(70 * result["accuracy"]), round(69 * alone["accuracy"])
    assert right_alone == right
    assert alone["accuracy"] > result["accuracy"]


def test_a_split_of_copies_alone_has_no_figures_without_them(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    images = data[1].images.copy()
    images[data[1].rows("PublicTest")] = images[data[1].rows("Training")[:70]]
    result = evaluate(weights, dataclasses.replace(data[1], images=images), "PublicTest")
    assert result["voters"]["without_copies_of_training"]["majority_accuracy"] is None
    assert result["without_copies_of_training"] == {
        "images": 0, "accuracy": None, "four_category_accuracy": None, "macro_f1": None, "ece": None,
    }  # fmt: skip
    json.dumps(result, allow_nan=False)


def test_evaluation_refuses_data_with_other_classes(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights = copy_network(finished, tmp_path)
    other = dataclasses.replace(data[1], description={**data[1].description, "labels": ["a", "b"]})
    with pytest.raises(InputError, match="Expected data with the classes angry"):
        evaluate(weights, other, "PublicTest")


@pytest.mark.parametrize("split", ["PublicTest", "PrivateTest"])
def test_other_data_are_measured_and_leave_the_record_alone(
    finished: Path, data: Any, tmp_path: Path, split: str
) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.evaluation.limits import measure_limits

    weights = copy_network(finished, tmp_path)
    before = weights.with_suffix(".json").read_bytes()
    other = dataclasses.replace(data[1], description={**data[1].description, "sha256": "other"})
    assert evaluate(weights, other, split)["images"] == 70
    assert measure_limits(weights, other)["as they are"]["accuracy"] > 0.5
    assert weights.with_suffix(".json").read_bytes() == before


def test_the_command_says_that_it_leaves_the_record_of_other_data_alone(
    finished: Path, make_dataset: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    from fer_training.commands.cli import main

    weights = copy_network(finished, tmp_path)
    folder, _ = make_dataset(6)
    monkeypatch.setattr("sys.argv", ["fer-train", "evaluate", str(weights), "--data", str(folder), "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["images"] == 14
    record = weights.with_suffix(".json")
    assert printed.err.startswith(f"Note: {record} is left as it is, since")
    assert printed.err.count("\n") == 1
