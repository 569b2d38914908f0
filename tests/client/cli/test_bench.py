"""`fer-client bench`: figures of videos that are really analysed, and nothing left behind."""

import json
from pathlib import Path

import pytest

from support.command import Command
from support.protocol_server import ProtocolServer
from support.videos import face_frame, write_video


@pytest.fixture
def bench(command: Command, server: ProtocolServer) -> Command:
    """Run `fer-client bench` against the protocol server, with LumaFace."""
    return lambda *arguments: command("bench", *arguments, "--detector", "lumaface", "--url", server.url)


def test_the_record_holds_every_run_and_their_medians(
    bench: Command, tmp_path: Path, server: ProtocolServer
) -> None:
    server.with_affect = True
    write_video(tmp_path / "clip.mp4", [face_frame(2 * index) for index in range(12)])
    done = bench("clip.mp4", "--runs", 3, "--record", "figures.json")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "figures.json").read_text())
    (video,) = record["videos"]
    assert video["video"]["name"] == "clip.mp4"
    assert (video["frames"], video["faces"], video["tells_intensity"]) == (12, 12, True)
    assert len(video["runs"]) == 3
    for run_of in video["runs"]:
        frame_ms = run_of["frame_ms"]
        assert 0 < frame_ms["p50"] <= frame_ms["p95"] <= frame_ms["p99"]
        assert frame_ms["p99"] <= 1000 * run_of["predictions_s"]
        assert run_of["processing_s"] == run_of["predictions_s"] + run_of["preparation_s"]
        assert run_of["processor_s"] > 0
        assert {"decode", "detect", "crop", "wait_for_server", "write"} <= run_of["stages_s"].keys()
    middle = sorted(run_of["predictions_s"] for run_of in video["runs"])[1]
    assert video["figures"]["predictions_s"] == middle
    assert record["command"]["runs"] == 3
    assert record["conditions"]["machine"]["cores"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "figures.json"]


def test_the_table_has_a_column_for_each_video(bench: Command, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / name, [face_frame()] * 6)
    done = bench("one.mp4", "two.mp4", "--runs", 1, "--tables-only")
    assert done.returncode == 0, done.stderr
    assert "one.mp4" in done.stdout
    assert "two.mp4" in done.stdout
    (preparation,) = (line for line in done.stdout.splitlines() if "video preparation" in line)
    assert preparation.split()[-2:] == ["–", "–"]
    assert "The server tells categories alone." in done.stdout


def test_what_is_no_video_ends_in_a_sentence_before_anything_is_measured(
    bench: Command, tmp_path: Path
) -> None:
    write_video(tmp_path / "good.mp4", [face_frame()] * 3)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    for name in ("bad.mp4", "missing.mp4"):
        done = bench("good.mp4", name)
        assert done.returncode == 3
        sentences = [line for line in done.stderr.splitlines() if not line.startswith("Note: ")]
        assert len(sentences) == 1
        assert sentences[0].startswith("fer-client bench: ")
        assert name in sentences[0]
    assert bench("good.mp4", "--runs", 0).returncode == 2
