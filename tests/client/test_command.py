"""The whole command against a server that speaks Triton's protocol."""

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from fer_client.cli.display import print_summary
from support.command import Command, assert_fails, read_rows, start
from support.protocol_server import LABELS, ProtocolServer
from support.videos import empty_frame, face_frame, uneven_ticks, write_video


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


def test_a_server_that_was_not_named_is_announced(
    command: Command,
    face_video: Path,
    server: ProtocolServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FER_TRITON_URL", raising=False)
    monkeypatch.setattr("fer_client.inference.server.LOCAL_URL", server.url)
    done = command("--detector", "haar", face_video)
    assert done.returncode == 0
    assert f"Using the server that is ready at {server.url}." in done.stderr


def test_summary_counts_and_shares(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video, "--json", "--min-confidence", 0)
    printed = json.loads(done.stdout)
    written = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert printed == {"results": [written], "failed": [], "ended_by": None}
    assert (written["frames_decoded"], written["frames_analysed"], written["frames_without_face"]) == (
        30,
        30,
        10,
    )
    assert sum(written["overall"]["share"].values()) == pytest.approx(1, abs=1e-5)
    assert written["overall"]["dominant_expression"] in LABELS
    assert [track["frames"] for track in written["tracks"]] == [20]
    assert {"decode", "detect", "crop", "wait_for_server", "write", "total"} <= written[
        "stage_seconds"
    ].keys()
    assert written["models"]["detector"] == "Haar cascade"


def test_fps_takes_frames_by_time(run: Command, face_video: Path, tmp_path: Path) -> None:
    run(face_video, "--fps", "10")
    times = [float(row["time_s"]) for row in read_rows(tmp_path / "out" / "face" / "faces.csv")]
    slots = [int(time * 10 + 1e-6) for time in times]
    assert len(set(slots)) == len(slots)
    assert times[0] == 0
    assert len(times) == len({int(tick / 1280 + 1e-6) for tick in uneven_ticks(30)})


def test_all_formats_hold_the_same_values(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    server.with_affect = True
    for form in ("csv", "jsonl", "parquet"):
        assert run(face_video, "--out", form, "--format", form).returncode == 0
    for name, least in (("faces", 30), ("episodes", 1)):
        table = parquet.read_table(tmp_path / "parquet" / "face" / f"{name}.parquet")
        types = {"double": float, "int64": int, "string": str}
        kinds = {field.name: types[str(field.type)] for field in table.schema}
        lines = (tmp_path / "jsonl" / "face" / f"{name}.jsonl").read_text().splitlines()
        texts = read_rows(tmp_path / "csv" / "face" / f"{name}.csv")
        from_csv = [
            {key: None if text == "" else kinds[key](text) for key, text in row.items()} for row in texts
        ]
        assert len(from_csv) >= least
        assert list(texts[0]) == table.column_names == list(json.loads(lines[0]))
        assert table.to_pylist() == [json.loads(line) for line in lines] == from_csv


def test_small_batches_give_the_same_answers_in_order(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    run(face_video, "--out", "large")
    run(face_video, "--out", "small", "--batch-size", "3", "--in-flight", "2")
    large, small = ((tmp_path / name / "face" / "faces.csv").read_text() for name in ("large", "small"))
    assert large == small
    assert max(server.batches) == 20
    assert server.most_under_way <= 2


def test_batches_respect_the_server(run: Command, face_video: Path, server: ProtocolServer) -> None:
    server.max_batch_size = 4
    assert run(face_video).returncode == 0
    assert sum(server.batches) == 20
    assert max(server.batches) == 4


def test_valence_and_arousal_come_through(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    server.with_affect = True
    run(face_video)
    row = read_rows(tmp_path / "out" / "face" / "faces.csv")[0]
    assert (row["valence"], row["arousal"]) == ("0.250000", "-0.500000")
    summary = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert summary["overall"]["mean_valence"] == pytest.approx(0.25)


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


def test_what_is_uncertain_shows(run: Command, face_video: Path, tmp_path: Path) -> None:
    """The test server's highest probability is about 0.3."""
    done = run(face_video)
    assert "mean confidence" in done.stdout
    written = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    confidence = written["overall"]["mean_confidence"]
    assert 0.1 < confidence < 0.5
    assert f"{100 * confidence:.0f} %" in done.stdout
    assert written["overall"]["share"]["uncertain"] == 1
    assert "uncertain 100 %" in done.stdout
    assert "mostly uncertain, 100 %" in run(face_video).stdout
    done = run(face_video, "--min-confidence", 0)
    assert "min_confidence was 0.5 and is 0.0" in done.stderr
    assert "uncertain" not in done.stdout


@pytest.mark.parametrize(("min_confidence", "is_dim"), [(0.0, False), (0.9, True)])
def test_low_confidence_is_dim(
    run: Command, face_video: Path, tmp_path: Path, min_confidence: float, is_dim: bool
) -> None:
    result = json.loads(run(face_video, "--json", "--min-confidence", 0).stdout)["results"][0]
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, color_system="standard", width=200)
    print_summary(console, result, tmp_path / "out" / "face", min_confidence)
    assert ("\x1b[2m" in told.getvalue()) == is_dim


def test_short_episodes_are_left_out(run: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "brief.mp4", [face_frame()] * 3, [0, 512, 1024])
    run("brief.mp4")
    assert read_rows(tmp_path / "out" / "brief" / "episodes.csv") == []
    run("brief.mp4", "--min-episode", 0.1, "--overwrite")
    assert len(read_rows(tmp_path / "out" / "brief" / "episodes.csv")) == 1


def test_the_cascade_is_told_wherever_a_result_is(
    command: Command,
    server: ProtocolServer,
    face_video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fer_client.faces.detection.cached_weights", lambda: None)
    monkeypatch.setattr("fer_client.faces.detection.download_weights", lambda: None)
    done = command(face_video, "--url", server.url)
    assert done.returncode == 0
    (warning,) = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())["warnings"]
    assert "Haar cascade" in warning
    assert "look at the boxes" in warning
    assert f"Note: {warning}" in done.stdout
    assert "Haar cascade in place of YuNet" in done.stderr.splitlines()[-1]


def test_the_better_detector_needs_no_warning(
    command: Command, server: ProtocolServer, face_video: Path, tmp_path: Path, shared: Path
) -> None:
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    done = command(face_video, "--url", server.url, "--detector-model", model)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out" / "face" / "summary.json").read_text())["warnings"] == []
    assert "Note" not in done.stdout


def test_a_last_frame_that_stands_counts_for_all_its_time(run: Command, tmp_path: Path) -> None:
    ticks = [index * 512 for index in range(26)]
    for form in ("mp4", "mkv"):
        write_video(tmp_path / f"{form}.{form}", [face_frame()] * 26, ticks, last_ticks=3 * 12_800)
        assert run(f"{form}.{form}").returncode == 0
        summary = json.loads((tmp_path / "out" / form / "summary.json").read_text())
        assert summary["overall"]["face_seconds"] == pytest.approx(4, abs=0.01)
        assert run(f"{form}.{form}", "--overwrite", "--duration", 2).returncode == 0
        summary = json.loads((tmp_path / "out" / form / "summary.json").read_text())
        assert summary["overall"]["face_seconds"] == pytest.approx(2, abs=0.01)


def test_a_quiet_run_says_where_the_files_are(run: Command, face_video: Path) -> None:
    done = run(face_video)
    assert "episodes.csv, faces.csv, summary.json" in done.stdout
    assert done.stderr == ""


class TestStandardOutput:
    """Nobody reads what the command prints, or nothing takes it: the work is done all the same."""

    @pytest.fixture
    def pair(self, face_video: Path, tmp_path: Path) -> list[str]:
        for name in ("a.mp4", "b.mp4"):
            (tmp_path / name).write_bytes(face_video.read_bytes())
        return ["a.mp4", "b.mp4", "nowhere.mp4"]

    @pytest.mark.parametrize("both", [False, True], ids=["output", "errors too"])
    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_a_reader_that_has_gone(
        self, pair: list[str], tmp_path: Path, server: ProtocolServer, both: bool, unbuffered: str
    ) -> None:
        reader, gone = os.pipe()
        os.close(reader)
        arguments = [*pair, "--detector", "haar", "--url", server.url]
        stderr = gone if both else subprocess.PIPE
        process = start(arguments, tmp_path, stdout=gone, stderr=stderr, PYTHONUNBUFFERED=unbuffered)
        os.close(gone)
        told = process.communicate(timeout=60)[1]
        assert process.returncode == 3
        assert both or (len(told.splitlines()) == 1 and "nowhere.mp4" in told)
        assert {"a", "b"} <= {path.name for path in (tmp_path / "out").iterdir()}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize("option", ["--json", "--overwrite"])
    def test_a_full_disk_is_told_once(
        self, pair: list[str], tmp_path: Path, server: ProtocolServer, option: str
    ) -> None:
        with Path("/dev/full").open("w") as full:
            arguments = [*pair, "--detector", "haar", "--url", server.url, option]
            process = start(arguments, tmp_path, stdout=full)
            told = process.communicate(timeout=60)[1]
        assert process.returncode == 3
        assert [told.count(word) for word in ("nowhere.mp4", "No space left", "\n")] == [1, 1, 2], told
        assert {"a", "b"} <= {path.name for path in (tmp_path / "out").iterdir()}


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "value", "word"),
        [
            ("--fps", "0", "above 0"),
            ("--fps", "many", "--fps"),
            ("--detect-every", "0", "from 1"),
            ("--smooth", "-1", "from 0 to 10"),
            ("--min-confidence", "1", "from 0 to below 1"),
            ("--min-episode", "-1", "from 0 to 60"),
            ("--duration", "0", "above 0"),
            ("--duration", "inf", "finite"),
            ("--sequence-fps", "0", "above 0"),
            ("--photo-side", "1", "from 64"),
            ("--batch-size", "0", "from 1"),
            ("--in-flight", "0", "from 1"),
            ("--timeout", "-1", "above 0"),
            ("--format", "ods", "csv, jsonl, parquet, xlsx"),
            ("--detector", "retina", "yunet"),
            ("--detector-model", "nowhere.onnx", "Leave one out"),
            ("--min-score", "2", "between 0 and 1"),
            ("--min-face", "0", "from 1"),
            ("--workers", "0", "from 1"),
            ("--detection-side", "1", "from 64"),
            ("--colour", "red", "--colour"),
        ],
    )
    def test_a_wrong_value_is_named(
        self, run: Command, face_video: Path, option: str, value: str, word: str
    ) -> None:
        assert_fails(run(face_video, option, value), 2, word)

    def test_no_video_is_wrong_usage(self, command: Command) -> None:
        assert_fails(command(), 2, "INPUT", "--help")

    def test_help_names_the_options(self, command: Command) -> None:
        done = command("--help")
        assert done.returncode == 0
        assert "--fps" in done.stdout

    def test_version(self, command: Command) -> None:
        assert command("--version").stdout.startswith("fer-client 0.")


def test_doctor_names_what_is_there(command: Command, server: ProtocolServer, shared: Path) -> None:
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    done = command("doctor", "--url", server.url, "--detector-model", model)
    assert done.returncode == 0, done.stdout
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        ["ok", subject] for subject in ("packages", "video", "detector", "server", "models")
    ]
    assert "Triton 2.51.0" in done.stdout


def test_doctor_names_what_is_missing(command: Command) -> None:
    done = command("doctor", "--url", "127.0.0.1:9", "--detector-model", "nowhere.onnx")
    assert done.returncode == 4
    assert "FAIL detector" in done.stdout
    assert "FAIL server" in done.stdout
