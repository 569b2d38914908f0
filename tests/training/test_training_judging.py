"""A trained network is judged, and answers for pictures."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError
from fer_client.faces.detection import DetectorChoice, Faces
from fer_training.fitting.history import read_history
from support.training_data import drawn_face

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_evaluation_fits_the_temperature_and_draws(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights, dataset = _copy(finished, tmp_path), _with_doubt(data[1])
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
    found = evaluate(_copy(finished, tmp_path), data[1], "PublicTest")
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

    weights = _copy(finished, tmp_path)
    right = evaluate(weights, data[1], "PublicTest")["accuracy"]
    result = evaluate(weights, _with_doubt(data[1]), "PublicTest")
    voters = result["voters"]
    assert (voters["images"], voters["majority_images"]) == (70, 70)
    assert voters["four_category_majority_images"] == 40
    assert voters["majority_accuracy"] == right > result["accuracy"]
    assert voters["without_copies_of_training"]["majority_accuracy"] == right
    assert voters["r2_kl"] > 0
    assert json.loads(weights.with_suffix(".json").read_text())["metrics"]["PublicTest"] == result
    json.dumps(result, allow_nan=False)


def test_data_without_votes_have_no_figures_by_voters(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    without = dataclasses.replace(data[1], votes=None)
    assert "voters" not in evaluate(_copy(finished, tmp_path), without, "PublicTest", tmp_path / "drawn")
    assert not list((tmp_path / "drawn").glob("*voters*"))


def test_a_network_of_the_voters_gets_the_temperature_that_fits_their_shares(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    """The drawn labels are never doubted, and their temperature is at the end of its range; the voters' is not."""
    from fer_training.evaluation.evaluate import evaluate

    weights = _copy(finished, tmp_path)
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

    weights = _copy(finished, tmp_path)
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

    weights = _copy(finished, tmp_path)
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

    weights = _copy(finished, tmp_path)
    images = data[1].images.copy()
    images[data[1].rows("PublicTest")] = images[data[1].rows("Training")[:70]]
    result = evaluate(weights, dataclasses.replace(data[1], images=images), "PublicTest")
    assert result["without_copies_of_training"] == {
        "images": 0, "accuracy": None, "four_category_accuracy": None, "macro_f1": None, "ece": None,
    }  # fmt: skip
    json.dumps(result, allow_nan=False)


def _copy(finished: Path, folder: Path) -> Path:
    for name in ("network.keras", "network.json", "history.csv"):
        (folder / name).write_bytes((finished / name).read_bytes())
    return folder / "network.keras"


def test_evaluation_refuses_data_with_other_classes(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights = _copy(finished, tmp_path)
    other = dataclasses.replace(data[1], description={**data[1].description, "labels": ["a", "b"]})
    with pytest.raises(InputError, match="Expected data with the classes angry"):
        evaluate(weights, other, "PublicTest")


@pytest.mark.parametrize("split", ["PublicTest", "PrivateTest"])
def test_other_data_are_measured_and_leave_the_record_alone(
    finished: Path, data: Any, tmp_path: Path, split: str
) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.evaluation.limits import measure_limits

    weights = _copy(finished, tmp_path)
    before = weights.with_suffix(".json").read_bytes()
    other = dataclasses.replace(data[1], description={**data[1].description, "sha256": "other"})
    assert evaluate(weights, other, split)["images"] == 70
    assert measure_limits(weights, other)["as they are"]["accuracy"] > 0.5
    assert weights.with_suffix(".json").read_bytes() == before


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


def test_the_command_says_that_it_leaves_the_record_of_other_data_alone(
    finished: Path, make_dataset: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    from fer_training.commands.cli import main

    weights = _copy(finished, tmp_path)
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


def test_limits_refuse_other_classes_and_an_empty_publictest(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.limits import measure_limits

    weights = _copy(finished, tmp_path)
    other = dataclasses.replace(data[1], description={**data[1].description, "labels": ["a", "b"]})
    with pytest.raises(InputError, match="Expected data with the classes angry"):
        measure_limits(weights, other)
    empty = dataclasses.replace(data[1], split=np.zeros_like(data[1].split))
    with pytest.raises(InputError, match="images in the split PublicTest, but the data has none"):
        measure_limits(weights, empty)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_damaged_weights_are_refused(finished: Path, data: Any, tmp_path: Path, content: bytes) -> None:
    from fer_training.evaluation.evaluate import evaluate

    weights = _copy(finished, tmp_path)
    weights.write_bytes(content)
    with pytest.raises(InputError, match="Expected a Keras file at"):
        evaluate(weights, data[1], "PublicTest")


def test_weights_without_their_record_are_refused(finished: Path, tmp_path: Path) -> None:
    from fer_training.models.record import load_record

    weights = _copy(finished, tmp_path)
    weights.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"Keep the \.keras and the \.json file together"):
        load_record(weights)


def test_prediction_of_whole_pictures_is_the_softmax_of_the_logits_over_the_temperature(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.metrics import softmax
    from fer_training.evaluation.predict import predict
    from fer_training.models.prediction import predict_logits
    from fer_training.models.record import load_network

    weights = _copy(finished, tmp_path)
    record = json.loads(weights.with_suffix(".json").read_text())
    weights.with_suffix(".json").write_text(json.dumps(record | {"temperature": 2.5}))
    images = data[1].images[data[1].rows("PrivateTest")[::10]]
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image)
    answers, _ = predict(paths, weights, None)
    assert [answer.image for answer in answers] == [str(path) for path in paths]
    assert {face.box_xywh for answer in answers for face in answer.faces} == {None}
    shares = [list(face.probabilities.values()) for answer in answers for face in answer.faces]
    np.testing.assert_allclose(shares, softmax(predict_logits(load_network(weights), images), 2.5), atol=1e-4)
    assert answers[0].faces[0].expression == data[1].label_names[int(np.argmax(shares[0]))]


class OneBox:
    """Finds a face at a fixed place of every bright picture."""

    def detect(self, bgr: Any) -> Faces:
        boxes = np.array([[10, 20, 50, 50]] * int(bgr.mean() > 100), np.float32).reshape(-1, 4)
        return Faces(boxes, np.ones(len(boxes), np.float32), np.full((len(boxes), 5, 2), np.nan, np.float32))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two pictures with a face and a dark one without between them."""
    paths = [tmp_path / f"{name}.png" for name in ("first", "none", "last")]
    for path, luma in zip(paths, (140, 20, 160), strict=True):
        cv2.imwrite(str(path), np.full((240, 320), luma, np.uint8))
    return paths


def test_a_picture_without_a_face_stands_among_the_answers(finished: Path, photos: list[Path]) -> None:
    from fer_training.evaluation.predict import predict

    answers, _ = predict(photos, finished / "network.keras", DetectorChoice("box", "test", OneBox))
    assert [answer.image for answer in answers] == [str(path) for path in photos]
    assert [[face.box_xywh for face in answer.faces] for answer in answers] == [
        [(10, 20, 50, 50)],
        [],
        [(10, 20, 50, 50)],
    ]
    assert answers[1].as_record() == {"image": str(photos[1]), "faces": []}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_command_chooses_a_detector_once_and_says_that_it_is_the_weaker_one(
    finished: Path, photos: list[Path], monkeypatch: Any, capsys: Any, options: list[str]
) -> None:
    from fer_training.commands.cli import main

    asked = []
    monkeypatch.setattr("fer_client.faces.detection.cached_weights", lambda: None)
    monkeypatch.setattr("fer_client.faces.detection.download_weights", lambda: asked.append("once"))
    weights = str(finished / "network.keras")
    arguments = ["fer-train", "predict", *map(str, photos), "--weights", weights, *options]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    printed = capsys.readouterr()
    assert asked == ["once"]
    assert "Note: " in printed.err
    assert "weaker" in printed.err
    if options:
        assert [answer["faces"] for answer in json.loads(printed.out)] == [[], [], []]
    else:
        assert printed.out.count("no face") == 3


def test_pictures_that_cannot_be_read_leave_the_others_their_answers(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fer_training.commands.cli import main

    good, bad = tmp_path / "face.png", tmp_path / "text.jpg"
    cv2.imwrite(str(good), drawn_face(3, np.random.default_rng(0)))
    bad.write_text("no picture")
    weights = ["--weights", str(finished / "network.keras")]
    monkeypatch.setattr(
        sys, "argv", ["fer-train", "predict", str(bad), str(good), *weights, "--whole", "--json"]
    )
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 3
    assert "text.jpg: expected a picture" in printed.err
    assert [answer["image"] for answer in json.loads(printed.out)] == [str(good)]


def test_long_paths_and_odd_names_stand_whole_in_the_table(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fer_training.commands.cli import main

    picture = tmp_path / ("very-long-folder-name-" * 8) / "a [bold]face[1].png"
    picture.parent.mkdir()
    cv2.imwrite(str(picture), drawn_face(3, np.random.default_rng(0)))
    weights = ["--weights", str(finished / "network.keras")]
    monkeypatch.setattr(sys, "argv", ["fer-train", "predict", str(picture), *weights, "--whole"])
    with pytest.raises(SystemExit):
        main()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if str(picture) in line]
    assert "whole picture" in line


def test_worse_pictures_are_read_worse_and_the_record_says_so(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.evaluation.limits import LIMITS, measure_limits

    weights = _copy(finished, tmp_path)
    whole = evaluate(weights, data[1], "PublicTest")
    measured = measure_limits(weights, data[1])
    assert list(measured) == list(LIMITS)
    assert measured["as they are"] == {
        "accuracy": whole["accuracy"], "ece": whole["ece"],
        "majority_accuracy": whole["voters"]["majority_accuracy"], "voters_ece": whole["voters"]["ece"],
    }  # fmt: skip
    assert measured["tilted by 45°"]["accuracy"] < whole["accuracy"]
    assert json.loads(weights.with_suffix(".json").read_text())["limits"] == measured


def test_a_result_holds_cost_time_and_figures(finished: Path, data: Any, tmp_path: Path) -> None:
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.reports.results import read_results, write_result

    weights = _copy(finished, tmp_path)
    with pytest.raises(InputError, match="Run `fer-train evaluate` first"):
        write_result(weights, tmp_path / "results/basic_cnn.json")
    accuracy = evaluate(weights, data[1], "PublicTest")["accuracy"]
    write_result(weights, tmp_path / "results/basic_cnn.json")
    (result,) = read_results(tmp_path / "results")
    assert result["metrics"]["PublicTest"]["accuracy"] == accuracy
    assert result["parameters"] > 100_000
    assert result["training_s"] > 0
    assert "latency_ms" not in result


def test_a_result_holds_the_latency_of_the_exported_graph(finished: Path, data: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    from fer_training.evaluation.evaluate import evaluate
    from fer_training.reports.results import read_result, write_result

    weights, out = _copy(finished, tmp_path), tmp_path / "result.json"
    evaluate(weights, data[1], "PublicTest")
    write_result(weights, out, Path(__file__).parents[2] / "model_repository/expression/1/model.onnx")
    assert read_result(out)["latency_ms"] > 0
