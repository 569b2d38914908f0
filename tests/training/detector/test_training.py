"""A detector learns, goes on where it was stopped, and answers as OpenCV will."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

import cv2
import keras

from fer_client.contract import LABELS
from fer_client.errors import InputError, UsageError
from fer_training.data.dataset import SPLITS
from fer_training.data.preparation import Sample, Source, prepare
from fer_training.detector.calibration import score_shift
from fer_training.detector.decoding import decoded
from fer_training.detector.loss import detector_loss
from fer_training.detector.network import ANSWERS, Widths, face_detector
from fer_training.detector.pictures import Faces, load_pictures
from fer_training.detector.recipe import DetectorRecipe
from fer_training.detector.targets import BOX, COLUMNS, IS_FACE, LANDMARKS, SCORE, cell_places, cell_targets
from fer_training.detector.teacher import Teacher
from fer_training.detector.training import DetectorRun, evaluate_weights, take_over, train_detector
from fer_training.files import file_sha256
from support.face_pictures import write_face_table

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

RECIPE = DetectorRecipe(
    epochs=2, steps=2, batch_size=2, side=64, large_share=0, warmup_steps=1, ema=0.5, mixed_precision=False
)


def answers_of(targets: np.ndarray) -> np.ndarray:
    """The answers that a perfect network would give."""
    answers = np.zeros((*targets.shape[:-1], ANSWERS), np.float32)
    score = targets[..., SCORE].clip(1e-6, 1 - 1e-6)
    answers[..., 0] = np.log(score / (1 - score))
    answers[..., 1:5], answers[..., 5:] = targets[..., BOX], targets[..., LANDMARKS]
    return answers


def a_face() -> Faces:
    points = [[50, 60], [70, 60], [60, 70], [52, 80], [68, 80]]
    return Faces.from_rows(np.array([40, 44, 40, 50, *np.ravel(points), 0.95], np.float32))


def test_a_perfect_answer_costs_nothing_and_gives_the_face_back() -> None:
    targets = cell_targets(a_face(), 128)
    answers = answers_of(targets)
    assert float(detector_loss(targets[np.newaxis], answers[np.newaxis])) == pytest.approx(0, abs=1e-3)
    answers[:, 0] = targets[:, SCORE]
    found = decoded(answers, (128, 128), 0.5)
    np.testing.assert_allclose(found.as_rows(), a_face().as_rows(), rtol=1e-3)


def test_a_worse_answer_costs_more() -> None:
    targets = cell_targets(a_face(), 128)[np.newaxis]
    perfect = answers_of(targets)
    is_face = targets[..., IS_FACE] > 0
    for columns, change in ((slice(0, 1), -3.0), (slice(1, 3), 0.4), (slice(3, 5), 0.3), (slice(5, 15), 0.5)):
        worse = perfect.copy()
        worse[..., columns] += change * is_face[..., np.newaxis]
        assert float(detector_loss(targets, worse)) > 0.02


def test_the_cells_are_in_the_order_of_the_targets() -> None:
    model = face_detector()
    answers = np.asarray(model.predict_on_batch(np.zeros((1, 64, 96, 1), np.float32)))
    corners, strides = cell_places(64, 96)
    assert answers.shape == (1, len(corners), ANSWERS)
    assert corners[:2].tolist() == [[0, 0], [8, 0]]
    assert (strides[0], strides[-1], corners[-1].tolist()) == (8, 32, [64, 32])
    assert cell_targets(a_face(), 64).shape == (8 * 8 + 4 * 4 + 2 * 2, COLUMNS)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_as_many_scores_reach_the_least_one_as_the_teacher_has(count: int) -> None:
    scores = np.array([0.6, 0.2, 0.55, 0.3, 0.1], np.float32)
    logits = np.log(scores / (1 - scores)) + score_shift(scores, count, 0.7)
    assert (1 / (1 + np.exp(-logits)) >= 0.7 - 1e-6).sum() == count


class TestRun:
    def test_it_goes_on_where_it_was_stopped(self, tmp_path: Path) -> None:
        source = write_face_table(tmp_path / "source")
        whole = train_detector(DetectorRun(source, RECIPE, 1, tmp_path / "whole"))

        def stop(told: str) -> None:
            if told.startswith("Epoch 2"):
                raise KeyboardInterrupt

        parts = DetectorRun(source, RECIPE, 1, tmp_path / "parts")
        with pytest.raises(KeyboardInterrupt):
            train_detector(parts, stop)
        resumed = train_detector(parts)
        one, other = (keras.saving.load_model(path).get_weights() for path in (whole, resumed))
        for first, second in zip(one, other, strict=True):
            np.testing.assert_allclose(first, second, atol=1e-5)
        record = json.loads(resumed.with_suffix(".json").read_text())
        assert record["epochs"] == 2
        assert 0 <= record["validation"]["average_precision"] <= 1
        assert evaluate_weights(resumed, source) == pytest.approx(record["validation"], abs=1e-4, nan_ok=True)
        with pytest.raises(UsageError, match="settings"):
            train_detector(replace(parts, seed=2))

    def test_it_begins_with_trained_weights(self, tmp_path: Path) -> None:
        source = write_face_table(tmp_path / "source")
        model = face_detector()
        start = tmp_path / "start.keras"
        model.save(start)
        still = replace(RECIPE, learning_rate=0.0, weight_decay=0.0)
        trained = keras.saving.load_model(
            train_detector(DetectorRun(source, still, 1, tmp_path / "run", start))
        )
        for name in ("first", "answer32"):
            before, after = (made.get_layer(name).get_weights()[0] for made in (model, trained))
            np.testing.assert_array_equal(before, after)
        other = tmp_path / "other.keras"
        inputs = keras.Input((4,))
        keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(other)
        with pytest.raises(InputError, match="face detector"):
            train_detector(DetectorRun(source, RECIPE, 1, tmp_path / "second", other))

    def test_a_narrower_network_answers_the_same_at_first(self, tmp_path: Path) -> None:
        narrow, wide = face_detector(Widths(stages=(24, 48, 64), head=24)), face_detector()
        for model, name in ((narrow, "narrow"), (wide, "wide")):
            model.save(tmp_path / f"{name}.keras")
        take_over(wide, tmp_path / "narrow.keras")
        luma = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 1)).astype(np.float32)
        one, other = (np.asarray(model.predict_on_batch(luma)) for model in (narrow, wide))
        np.testing.assert_allclose(one, other, atol=1e-4)
        with pytest.raises(InputError, match="widths"):
            take_over(narrow, tmp_path / "wide.keras")

    def test_a_teacher_that_is_none_claims_no_folder(self, tmp_path: Path) -> None:
        source = write_face_table(tmp_path / "source")
        (tmp_path / "other.onnx").write_bytes(b"no network")
        run = DetectorRun(source, RECIPE, 1, tmp_path / "run", teacher=tmp_path / "other.onnx")
        with pytest.raises(InputError, match="YuNet"):
            train_detector(run)
        assert not run.out.exists()

    def test_crops_need_a_teacher(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="teacher"):
            DetectorRun(tmp_path, RECIPE, 1, tmp_path / "run", crops=tmp_path)

    def test_it_learns_from_a_teacher_and_from_crops(self, shared: Path, tmp_path: Path) -> None:
        teacher = shared / "models" / "face_detection_yunet_2023mar.onnx"
        photograph = shared / "media" / "photos" / "afr_two_people.jpg"
        luma = np.asarray(cv2.imread(str(photograph), cv2.IMREAD_GRAYSCALE))
        luma = cv2.resize(luma[: len(luma) // 32 * 32], None, fx=0.5, fy=0.5)
        luma = luma[: len(luma) // 32 * 32, : luma.shape[1] // 32 * 32]
        seen = decoded(Teacher(teacher).answers(luma), luma.shape, 0.8)
        x, y, width, height = seen.boxes[0].astype(int)
        crop = cv2.resize(luma[y : y + height, x : x + width], (48, 48))
        samples = [Sample(crop, 0, split, split) for split in SPLITS]
        prepare(Source("made", LABELS, samples), tmp_path / "faces")
        run = DetectorRun(
            write_face_table(tmp_path / "source"),
            replace(RECIPE, crops=0.5),
            1,
            tmp_path / "run",
            teacher=teacher,
            crops=tmp_path / "faces",
        )
        record = json.loads(train_detector(run).with_suffix(".json").read_text())
        assert record["teacher"] == file_sha256(teacher)
        (found,) = load_pictures(tmp_path / "run" / "crops").pictures(is_validation=False)
        eyes, nose, mouth = (
            found.faces.landmarks[0, :2],
            found.faces.landmarks[0, 2],
            found.faces.landmarks[0, 3:],
        )
        assert (eyes[:, 1] < nose[1]).all()
        assert (mouth[:, 1] > nose[1]).all()
        assert (found.faces.landmarks > 0).all()
        assert (found.faces.landmarks < 48).all()

    def test_a_source_without_pictures_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match=r"faces\.csv"):
            train_detector(DetectorRun(tmp_path / "empty", RECIPE, 1, tmp_path / "run"))
