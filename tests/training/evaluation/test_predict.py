"""A trained network answers for pictures."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.faces.alignment import LANDMARKS_XY
from fer_client.faces.detection import DetectorChoice, Faces
from support.training_data import drawn_face
from support.training_run import copy_network

pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_prediction_of_whole_pictures_is_the_softmax_of_the_logits_over_the_temperature(
    finished: Path, data: Any, tmp_path: Path
) -> None:
    from fer_training.evaluation.metrics import softmax
    from fer_training.evaluation.predict import predict
    from fer_training.models.prediction import predict_logits
    from fer_training.models.record import load_network

    weights = copy_network(finished, tmp_path)
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

    def copy(self, frame: Any, size_wh: tuple[int, int]) -> Any:
        return frame.small_luma(size_wh)

    def detect(self, luma: Any) -> Faces:
        boxes = np.array([[10, 20, 50, 50]] * int(luma.mean() > 100), np.float32).reshape(-1, 4)
        landmarks = boxes[:, np.newaxis, :2] + 50 * np.array(LANDMARKS_XY, np.float32)
        return Faces(boxes, np.ones(len(boxes), np.float32), landmarks)


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
    assert "misses more faces" in printed.err
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
