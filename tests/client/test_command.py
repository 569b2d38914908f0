"""The whole command against a server that speaks Triton's protocol."""

import csv
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import pytest

from fer_client import cli
from support.protocol_server import LABELS, ProtocolServer
from support.videos import empty_frame, uneven_ticks, write_sound, write_video


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Run `fer-client` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["fer-client", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(command: Command, server: ProtocolServer) -> Command:
    """Run `fer-client` against the protocol server, with the Haar cascade; given options win."""

    def with_defaults(*arguments: object) -> Done:
        return command("--detector", "haar", "--url", server.url, *arguments)

    return with_defaults


def start(arguments: Sequence[object], cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "fer_client", *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def assert_fails(done: Done, code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("fer-client: ")
    for word in words:
        assert word in done.stderr


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
    assert all(value == "" for name, value in rows[10].items() if name not in ("frame", "time_s"))


def test_summary_counts_and_shares(run: Command, face_video: Path, tmp_path: Path) -> None:
    done = run(face_video, "--json")
    printed = json.loads(done.stdout)
    written = json.loads((tmp_path / "out" / "face" / "summary.json").read_text())
    assert printed == {"videos": [written], "failed": []}
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


@pytest.mark.parametrize("table_format", ["jsonl", "parquet"])
def test_other_formats_hold_the_same_rows(
    run: Command, face_video: Path, tmp_path: Path, table_format: str
) -> None:
    run(face_video, "--out", "csv")
    run(face_video, "--out", "other", "--format", table_format)
    path = tmp_path / "other" / "face" / f"faces.{table_format}"
    if table_format == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
        rows = parquet.read_table(path).to_pylist()
    expected = read_rows(tmp_path / "csv" / "face" / "faces.csv")
    assert [list(row) for row in rows] == [list(row) for row in expected]
    for row, reference in zip(rows, expected, strict=True):
        for name, text in reference.items():
            assert (f"{row[name]:.6f}" if isinstance(row[name], float) else str(row[name] or "")) == (
                text if text != "0" else str(row[name] or "")
            )


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


def test_a_quiet_run_says_where_the_files_are(run: Command, face_video: Path) -> None:
    done = run(face_video)
    assert "faces.csv, summary.json" in done.stdout
    assert done.stderr == ""


class TestBadVideos:
    def test_missing_file(self, run: Command) -> None:
        assert_fails(run("nowhere.mp4"), 3, "nowhere.mp4", "No such file")

    def test_folder(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "clips").mkdir()
        assert_fails(run("clips"), 3, "it is a folder")

    def test_empty_file(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        assert_fails(run("empty.mp4"), 3, "empty (0 bytes)")

    def test_text_file(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "notes.mp4").write_text("bread, milk\n" * 40)
        assert_fails(run("notes.mp4"), 3, "expected a video file")

    def test_sound_without_pictures(self, run: Command, tmp_path: Path) -> None:
        write_sound(tmp_path / "sound.m4a")
        assert_fails(run("sound.m4a"), 3, "holds only audio")

    @pytest.mark.parametrize("suffix", ["mkv", "avi"])
    def test_truncated_file(self, run: Command, tmp_path: Path, suffix: str) -> None:
        whole = tmp_path / f"whole.{suffix}"
        noise = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), np.uint8)
        write_video(whole, list(noise), range(0, 51_200, 512))
        assert run(whole.name).returncode == 0
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        assert_fails(run(cut.name), 3, "damaged or cut off", "--partial")
        assert not (tmp_path / "out" / "cut").exists()

    def test_damaged_clip_and_its_readable_part(self, run: Command, shared: Path, tmp_path: Path) -> None:
        clip = shared / "media" / "videos" / "decord_corrupted.mp4"
        assert_fails(run(clip), 3, "damaged or cut off")
        assert list((tmp_path / "out").iterdir()) == []
        done = run(clip, "--partial")
        assert done.returncode == 0, done.stderr
        assert "analysed in part" in done.stdout
        assert len(read_rows(tmp_path / "out" / "decord_corrupted" / "faces.csv")) >= 20

    def test_a_bad_video_does_not_stop_the_others(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        done = run("nowhere.mp4", face_video, "--json")
        assert_fails(done, 3, "nowhere.mp4")
        printed = json.loads(done.stdout)
        assert [video["video"]["name"] for video in printed["videos"]] == ["face.mp4"]
        assert [(bad["video"], bad["exit_code"]) for bad in printed["failed"]] == [("nowhere.mp4", 3)]
        assert (tmp_path / "out" / "face" / "faces.csv").exists()


class TestOutputFolder:
    def test_a_failed_run_keeps_the_earlier_result(
        self, run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
    ) -> None:
        run(face_video)
        before = (tmp_path / "out" / "face" / "summary.json").read_text()
        server.failure = grpc.StatusCode.INTERNAL
        assert_fails(run(face_video), 4, "made to fail")
        assert (tmp_path / "out" / "face" / "summary.json").read_text() == before
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["face"]

    def test_a_new_result_replaces_the_old_one(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        run(face_video)
        run(face_video, "--format", "jsonl")
        names = {path.name for path in (tmp_path / "out" / "face").iterdir()}
        assert names == {"faces.jsonl", "summary.json"}

    def test_files_of_the_user_are_not_replaced(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        note = tmp_path / "out" / "face" / "my notes.txt"
        note.parent.mkdir(parents=True)
        note.write_text("keep me")
        assert_fails(run(face_video), 2, "my notes.txt", "--out")
        assert note.read_text() == "keep me"

    def test_a_file_in_the_way(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        assert_fails(run(face_video), 2, "cannot be written", "--out")

    def test_a_disk_that_takes_no_more(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            done = run(face_video)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert_fails(done, 2, "File too large", "--out")
        assert list((tmp_path / "out").iterdir()) == []

    def test_equal_names_get_folders_of_their_own(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        for name in ("a.mp4", "a.mov"):
            (tmp_path / name).write_bytes(face_video.read_bytes())
        assert run("a.mp4", "a.mov").returncode == 0
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.mp4", "a.mov"}
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.mp4").write_bytes(face_video.read_bytes())
        assert_fails(run("a.mp4", "sub/a.mp4"), 2, "would share a folder")


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "value", "word"),
        [
            ("--fps", "0", "above 0"),
            ("--fps", "many", "--fps"),
            ("--batch-size", "0", "from 1"),
            ("--in-flight", "0", "from 1"),
            ("--timeout", "-1", "above 0"),
            ("--format", "xlsx", "csv, jsonl, parquet"),
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

    def test_no_video_shows_the_help(self, command: Command) -> None:
        done = command()
        assert done.returncode == 0
        assert "VIDEO..." in done.stdout

    def test_version(self, command: Command) -> None:
        assert command("--version").stdout.startswith("fer-client 0.")


class TestServer:
    def test_nobody_there(self, run: Command, face_video: Path) -> None:
        assert_fails(run(face_video, "--url", "127.0.0.1:9"), 4, "127.0.0.1:9", "fer-server")

    def test_no_address(self, run: Command, face_video: Path) -> None:
        assert_fails(run(face_video, "--url", "http://here"), 2, "HOST:PORT")

    def test_not_ready(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.ready = False
        assert_fails(run(face_video), 4, "not ready")

    def test_lacks_the_model(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.model = "other"
        assert_fails(run(face_video), 5, "does not serve the model 'fer'")

    def test_other_input(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_name = "IMAGE"
        assert_fails(run(face_video), 5, "FACES", "IMAGE")

    def test_other_type(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_type = "FP32"
        assert_fails(run(face_video), 5, "UINT8", "FP32")

    def test_other_shape(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.crop_shape = (96, 96, 4)
        assert_fails(run(face_video), 5, "[-1, 96, 96, 4]")

    def test_labels_that_do_not_fit_the_output(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        server.output_width = 8
        assert_fails(run(face_video), 5, "[batch, 7]", "[-1, 8]")

    def test_labels_missing(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.labels = []
        assert_fails(run(face_video), 5, "`labels`")

    def test_answer_of_another_shape(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.answer_rows = 1
        assert_fails(run(face_video), 4, "[20, 7]", "[1, 7]")

    def test_deadline(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.hang.clear()
        assert_fails(run(face_video, "--timeout", "0.5"), 4, "did not answer in time")

    def test_busy_server_is_asked_again(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.failure, server.failures_left = grpc.StatusCode.UNAVAILABLE, 2
        assert run(face_video).returncode == 0
        assert sum(server.batches) == 20

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_in_the_middle(
        self, face_video: Path, server: ProtocolServer, tmp_path: Path, number: signal.Signals
    ) -> None:
        server.hang.clear()
        process = start([face_video, "--detector", "haar", "--url", server.url], tmp_path)
        assert server.asked.wait(30)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.strip() == "fer-client: Interrupted: nothing was written for the video under way."
        assert list((tmp_path / "out").iterdir()) == []


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
