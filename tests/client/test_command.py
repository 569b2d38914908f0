"""The whole command against a server that speaks Triton's protocol."""

import json
from pathlib import Path

import pytest

from support.command import Command, read_rows
from support.protocol_server import LABELS, ProtocolServer
from support.videos import empty_frame, uneven_ticks, write_video


def test_every_frame_has_its_time_and_its_faces(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video)
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "out" / "face" / "faces.csv")
    ticks = uneven_ticks(30)
    assert [int(row["frame"]) for row in rows] == list(range(30))
    assert [row["time_s"] for row in rows] == [f"{tick / 12_800:.6f}" for tick in ticks]
    with_face = [row["expression"] != "" for row in rows]
    assert with_face == [True] * 10 + [False] * 10 + [True] * 10
    first = rows[0]
    assert first["track"] == "1"
    assert 60 <= int(first["x"]) <= 130
    probabilities = [float(first[f"p_{label}"]) for label in LABELS]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert first["expression"] == LABELS[probabilities.index(max(probabilities))]
    assert all(value == "" for name, value in rows[10].items() if name not in ("frame", "time_s", "source"))


def test_valence_and_arousal_come_through(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    server.with_affect = True
    run(face_video)
    row = read_rows(tmp_path / "out" / "face" / "faces.csv")[0]
    assert (row["valence"], row["arousal"]) == ("0.250000", "-0.500000")
    summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert summary["overall"]["mean_valence"] == pytest.approx(0.25)
    assert summary["models"]["valence_arousal"] == "Made up."


def test_a_network_of_the_user_with_colour_and_two_labels(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    server.labels, server.crop_shape = ["calm", "lively"], (64, 48, 3)
    assert run(face_video).returncode == 0
    assert {"p_calm", "p_lively"} <= read_rows(tmp_path / "out" / "face" / "faces.csv")[0].keys()


def test_video_without_a_face_is_a_whole_table(run: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "empty.mp4", [empty_frame()] * 5)
    done = run("empty.mp4")
    assert done.returncode == 0
    assert "No face was found in any of the 5 analysed frames." in done.stdout
    rows = read_rows(tmp_path / "out" / "empty" / "faces.csv")
    assert [row["expression"] for row in rows] == [""] * 5
