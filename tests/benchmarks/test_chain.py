"""The scoring of the whole chain, its labels, and the chain itself against a server that speaks Triton."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import chain
from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_client.faces.detection import choose_detector
from fer_client.pipeline.context import open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, face_frame


def answers(*names: str | None) -> np.ndarray:
    """Probabilities with a clear winner each; None is a missed face."""
    rows = np.full((len(names), len(LABELS)), 0.05, np.float32)
    for row, name in zip(rows, names, strict=True):
        row[:] = np.nan if name is None else row
        if name is not None:
            row[LABELS.index(name)] = 0.7
    return rows


class TestScore:
    def test_a_missed_face_is_wrong_among_all_and_absent_among_the_found(self) -> None:
        figures = chain.score(["happy", "happy", "sad"], answers("happy", None, "sad"), LABELS)
        assert figures["all_classes"] == {
            "pictures": 3,
            "found": 0.6667,
            "right_of_all": 0.6667,
            "right_of_found": 1.0,
        }

    def test_four_categories_take_the_best_of_the_four_and_leave_other_labels_out(self) -> None:
        probabilities = answers("surprise", "fear", "surprise")
        probabilities[0, LABELS.index("happy")] = 0.1
        probabilities[1, LABELS.index("sad")] = 0.1
        figures = chain.score(["happy", "angry", "surprise"], probabilities, LABELS)
        four = figures["four_categories"]
        assert (four["pictures"], four["right_of_all"]) == (2, 0.5)
        assert four["order"] == ["angry", "happy", "neutral", "sad"]
        assert four["confusion"] == [[0, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0] * 5, [0] * 5]
        assert figures["all_classes"]["right_of_all"] == 0.3333

    def test_a_missed_face_stands_in_the_last_column(self) -> None:
        figures = chain.score(["neutral"], answers(None), LABELS)
        assert figures["four_categories"]["confusion"][2] == [0, 0, 0, 0, 1]

    def test_labels_in_another_order(self) -> None:
        names = ("sad", "neutral", "happy", "angry")
        probabilities = np.eye(4, dtype=np.float32)
        assert chain.score(names, probabilities, names)["four_categories"]["right_of_all"] == 1


class TestLabels:
    def test_other_spellings_become_the_networks_names(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").touch()
        labels = tmp_path / "labels.csv"
        labels.write_text("image,emotion\na.png,Happiness\na.png, contempt\n")
        everything = chain.read_labels(labels, tmp_path)
        assert everything == [(tmp_path / "a.png", "happy"), (tmp_path / "a.png", "contempt")]
        assert chain.known(everything, LABELS) == everything[:1]
        with pytest.raises(InputError, match="Expected labels among angry"):
            chain.known(everything[1:], LABELS)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("image,label\na.png,sad\n", "columns image and emotion"),
            ("image,emotion\n", "one row per picture"),
            ("image,emotion\nb.png,sad\n", "b.png: expected a picture"),
        ],
    )
    def test_bad_files_are_refused(self, tmp_path: Path, text: str, sentence: str) -> None:
        labels = tmp_path / "labels.csv"
        labels.write_text(text)
        with pytest.raises(InputError, match=sentence):
            chain.read_labels(labels, tmp_path)


NEEDS_PORTRAIT = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="needs Matplotlib's portrait"
)


@NEEDS_PORTRAIT
def test_the_largest_face_counts(tmp_path: Path, server: ProtocolServer, shared: Path) -> None:
    """The stand-in answers by the brightness of a crop, so the answer tells which of the faces was sent."""
    large = face_frame()
    small = np.clip(cv2.resize(large, None, fx=0.5, fy=0.5) * 1.6, 0, 255).astype(np.uint8)
    beside = np.vstack([small, np.full_like(small, 120)])
    pictures = [tmp_path / name for name in ("large.png", "small.png", "both.png", "none.png")]
    for path, picture in zip(
        pictures, (large, beside, np.hstack([beside, large]), empty_frame()), strict=True
    ):
        cv2.imwrite(str(path), picture)
    choice = choose_detector("yunet", next((shared / "models").glob("*yunet*2023mar.onnx")), 0.7)
    with open_job(Settings(), choice, server.url, print, Interruption()) as job:
        alone, dim, both, none = chain.predict(pictures, tmp_path, job)
    assert np.abs(both - alone).max() < 0.2 * np.abs(dim - alone).max()
    assert np.isnan(none).all()


@NEEDS_PORTRAIT
def test_the_command_prints_and_writes_the_figures(
    tmp_path: Path,
    server: ProtocolServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shared: Path,
) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("image", "emotion"), *((f"{index}.png", "happiness") for index in range(40))]
        )
    for index in range(40):
        cv2.imwrite(str(tmp_path / f"{index}.png"), empty_frame() if index % 4 == 0 else face_frame(index))
    model = next((shared / "models").glob("*yunet*2023mar.onnx"))
    out = tmp_path / "figures.json"
    arguments = ["--labels", "labels.csv", "--url", server.url, "--detector-model", str(model)]
    monkeypatch.setattr(sys, "argv", ["chain", str(tmp_path), *arguments, "--out", str(out)])
    chain.main()
    figures = json.loads(out.read_text())
    assert figures["four_categories"]["pictures"] == 40
    assert figures["four_categories"]["found"] == 0.75
    assert figures["detector"] == "YuNet"
    assert "| four categories | 40 | 75.0 % |" in capsys.readouterr().out
