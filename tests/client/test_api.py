"""`from fer_client import analyze`, and what its import costs."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import fer_client
from fer_client import Analyzer, FaceRecord, InputError, Progress, UsageError, analyze
from fer_client.outputs.face_records import columns
from support.command import Command, read_rows
from support.protocol_server import LABELS, ProtocolServer
from support.videos import default_frames, empty_frame, face_frame, uneven_ticks, write_video

README = Path(__file__).parents[2] / "README.md"
PUBLIC = [
    "Analyzer",
    "ArrayVideo",
    "ContractError",
    "Episode",
    "FaceRecord",
    "FerError",
    "InputError",
    "Progress",
    "Result",
    "ServerError",
    "UsageError",
    "analyze",
]
DOCS = Path(__file__).parents[2] / "docs" / "client.md"


@pytest.fixture
def analyzer(server: ProtocolServer) -> Iterator[Analyzer]:
    with Analyzer(url=server.url, detector="lumaface") as opened:
        yield opened


def texts(row: Mapping[str, object]) -> dict[str, str]:
    """A row as a CSV file holds it."""
    return {
        name: "" if v is None else f"{v:.6f}" if isinstance(v, float) else str(v) for name, v in row.items()
    }


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("prefetch", "map"))}


def test_records_are_the_rows_of_the_table(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    told: list[Progress] = []
    found = list(analyze(face_video, url=server.url, detector="lumaface", progress=told.append))
    assert run(face_video).returncode == 0
    rows = read_rows(tmp_path / "out" / "face" / "faces.csv")
    assert list(rows[0]) == list(columns(LABELS))
    assert [texts(dict(zip(columns(LABELS), record.row(LABELS), strict=True))) for record in found] == rows
    assert [progress.frames_analysed for progress in told] == list(range(1, 31))
    assert told[-1].share == pytest.approx(1, abs=0.1)


def test_whoever_stops_early_leaves_nothing_running(server: ProtocolServer, tmp_path: Path) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 10, uneven_ticks(300))
    for record in analyze(tmp_path / "long.mp4", url=server.url, detector="lumaface", batch_size=2):
        assert isinstance(record, FaceRecord)
        assert threads()
        break
    del record
    assert not threads()


def test_several_inputs_in_order(face_video: Path, server: ProtocolServer, tmp_path: Path) -> None:
    (tmp_path / "second.mp4").write_bytes(face_video.read_bytes())
    found = analyze([face_video, tmp_path / "second.mp4"], url=server.url, detector="lumaface", fps=1)
    assert list(dict.fromkeys(record.source for record in found)) == ["face.mp4", "second.mp4"]


def test_what_cannot_be_read_is_told_before_a_server_is_started(face_video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds none"):
        analyze(tmp_path, detector="lumaface")
    with pytest.raises(InputError, match=r"nowhere\.mp4"):
        analyze([face_video, tmp_path / "nowhere.mp4"], detector="lumaface")
    with pytest.raises(UsageError, match="at least one input"):
        analyze([], detector="lumaface")


def test_damage_is_told_where_it_is_met(face_video: Path, tmp_path: Path, server: ProtocolServer) -> None:
    write_video(tmp_path / "cut.mkv", ticks=[1280 * index for index in range(30)], gop=1)
    data = (tmp_path / "cut.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    found = analyze([face_video, tmp_path / "cut.mkv"], url=server.url, detector="lumaface")
    assert next(found).source == "face.mp4"
    with pytest.raises(InputError, match=r"cut\.mkv.*cut off"):
        list(found)


def test_an_error_that_nobody_foresaw_is_the_inputs(
    face_video: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_client.media.video.luma_of", lambda _: 1 / 0)
    found = analyze(face_video, url=server.url, detector="lumaface")
    with pytest.raises(InputError, match=r"face\.mp4.*ZeroDivisionError") as raised:
        list(found)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_error_of_the_callers_own_stays_as_it_is(face_video: Path, server: ProtocolServer) -> None:
    found = analyze(face_video, url=server.url, detector="lumaface", progress=lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_the_readmes_example_runs(
    face_video: Path,
    server: ProtocolServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "interview.mp4").write_bytes(face_video.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FER_TRITON_URL", server.url)
    monkeypatch.setattr("fer_client.arguments.choose_detector", lambda *_: lumaface_choice())
    exec(compile(example, "README.md", "exec"), {})
    assert "face 1" in capsys.readouterr().out


class TestAnalyzer:
    """One server and one detector for several inputs, and all that the command writes, in memory."""

    def test_rows_equal_the_table(
        self, analyzer: Analyzer, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        assert run(face_video).returncode == 0
        assert list(map(texts, analyzer.rows(face_video))) == read_rows(
            tmp_path / "out" / "face" / "faces.csv"
        )

    def test_a_data_frame_of_the_rows_equals_the_table(
        self, analyzer: Analyzer, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        pandas = pytest.importorskip("pandas", reason="needs pandas")
        run(face_video)
        table = pandas.read_csv(tmp_path / "out" / "face" / "faces.csv")
        frame = pandas.DataFrame(analyzer.rows(face_video))
        # pandas takes a column of None alone for objects, and an empty column of a file for numbers.
        pandas.testing.assert_frame_equal(frame.astype(table.dtypes), table)

    def test_one_pass_gives_records_rows_episodes_and_summary(
        self, analyzer: Analyzer, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        result = analyzer.analyze(face_video)
        assert result.records == list(analyzer.records(face_video))
        assert result.rows == list(analyzer.rows(face_video))
        assert result.episodes == analyzer.episodes(face_video)
        run(face_video)
        folder = tmp_path / "out" / "face"
        assert [texts(asdict(episode)) for episode in result.episodes] == read_rows(folder / "episodes.csv")
        written = json.loads((folder / "summary.json").read_text())
        for summary in (result.summary, analyzer.summary(face_video)):
            told = json.loads(json.dumps(summary))
            assert told.pop("stage_seconds").keys() == written["stage_seconds"].keys()
            assert datetime.fromisoformat(told.pop("analysed_at")).tzinfo is not None
            of_the_run = {"analysed_at", "stage_seconds"}
            assert told == {name: value for name, value in written.items() if name not in of_the_run}
        assert not (tmp_path / "face").exists()

    def test_settings_are_told_as_json_numbers(self, server: ProtocolServer, face_video: Path) -> None:
        options: dict[str, Any] = {"fps": np.float32(2), "detect_every": np.int64(2), "smooth_s": 1}
        with Analyzer(url=server.url, detector="lumaface", **options) as analyzer:
            settings = json.loads(json.dumps(analyzer.summary(face_video)))["settings"]
        assert (settings["fps"], settings["detect_every"], settings["smooth_s"]) == (2.0, 2, 1.0)
        assert isinstance(settings["smooth_s"], float)

    def test_the_server_is_found_once(
        self, server: ProtocolServer, face_video: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fer_client.inference.server.LOCAL_URL", server.url)
        told: list[str] = []
        with Analyzer(detector="lumaface", fps=1, notify=told.append) as analyzer:
            for _ in range(3):
                analyzer.summary(face_video)
        assert told == [f"Using the server that is ready at {server.url}."]

    def test_the_weaker_detector_is_told_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fer_client.faces.detection.cached_weights", lambda: None)
        monkeypatch.setattr("fer_client.faces.detection.download_weights", lambda: None)
        told: list[str] = []
        with Analyzer(notify=told.append):
            pass
        assert "misses more faces" in told[0]
        with pytest.warns(UserWarning, match="misses more faces") as warned, Analyzer():
            pass
        assert warned[0].filename == __file__
        with Analyzer(detector="lumaface", notify=told.append):
            pass
        assert len(told) == 1

    def test_it_can_be_kept_open_and_closed(self, server: ProtocolServer, face_video: Path) -> None:
        analyzer = Analyzer(url=server.url, detector="lumaface", fps=1)
        assert analyzer.summary(face_video)["frames_analysed"] == 2
        begun = analyzer.records(face_video)
        analyzer.close()
        analyzer.close()
        for call in (analyzer.records, analyzer.rows, analyzer.summary, lambda _: next(begun)):
            with pytest.raises(UsageError, match="closed"):
                call(face_video)

    def test_a_summary_is_of_one_input(self, analyzer: Analyzer, face_video: Path, tmp_path: Path) -> None:
        for name in ("a.mp4", "b.mp4"):
            (tmp_path / "both" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "both" / name).write_bytes(face_video.read_bytes())
        for call in (analyzer.summary, analyzer.episodes, analyzer.analyze):
            with pytest.raises(UsageError, match=r"one input.*2 of them.*a\.mp4.*one after the other"):
                call(tmp_path / "both")
        assert {record.source for record in analyzer.records(tmp_path / "both")} == {"a.mp4", "b.mp4"}

    def test_photographs(self, analyzer: Analyzer, tmp_path: Path) -> None:
        for name, picture in (("a.png", face_frame()), ("b.png", empty_frame())):
            cv2.imwrite(str(tmp_path / name), picture)
        (tmp_path / "c.png").write_bytes(b"no picture")
        result = analyzer.analyze(tmp_path)
        assert [row["source"] for row in result.rows] == ["a.png", "b.png"]
        assert (result.episodes, list(result.summary["unreadable"])) == ([], ["c.png"])

    @pytest.mark.parametrize(
        ("wrong", "came"),
        [
            (5, "int"),
            (None, "None"),
            (b"a.mp4", "bytes"),
            (np.zeros((4, 4, 3), np.uint8), r"NumPy array of shape \(4, 4, 3\)"),
            (["a.mp4", 5], "int"),
            ([None], "None"),
            ([np.zeros((4, 4), np.uint8)], r"NumPy array of shape \(4, 4\)"),
        ],
    )
    def test_a_wrong_input_is_named(self, analyzer: Analyzer, wrong: Any, came: str) -> None:
        for call in (analyzer.records, analyzer.rows, analyzer.summary, analyzer.episodes, analyzer.analyze):
            with pytest.raises(UsageError, match=rf"str or os\.PathLike.*{came}"):
                call(wrong)
        with pytest.raises(UsageError, match=rf"str or os\.PathLike.*{came}"):
            analyze(wrong, detector="lumaface")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"url": 8001}, ["url", "8001"]),
            ({"detector": 5}, ["detector", "5"]),
            ({"detector_model": 5}, ["detector_model", "5"]),
            ({"progress": True}, ["progress", "function"]),
            ({"notify": "no"}, ["notify", "function"]),
            ({"detect_every": True}, ["detect_every", "a whole number", "True"]),
        ],
    )
    def test_a_wrong_option_is_named(self, options: dict[str, Any], words: list[str]) -> None:
        with pytest.raises(UsageError) as raised:
            Analyzer(**options)
        assert all(word in str(raised.value) for word in words), raised.value


def test_the_examples_of_the_docs_run(
    face_video: Path, server: ProtocolServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example, *_ = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    for name in ("monday.mp4", "tuesday.mp4"):
        (tmp_path / name).write_bytes(face_video.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FER_TRITON_URL", server.url)
    monkeypatch.setattr("fer_client.arguments.choose_detector", lambda *_: lumaface_choice())
    names: dict[str, Any] = {}
    exec(compile(example, "client.md", "exec"), names)
    assert isinstance(names["result"], fer_client.Result)
    assert names["mean"].keys() == {"monday.mp4", "tuesday.mp4"}


def lumaface_choice() -> object:
    from fer_client.faces.detection import choose_detector

    return choose_detector("lumaface", None, 0.7)


def test_public_names_are_there() -> None:
    assert all(getattr(fer_client, name).__name__ == name for name in fer_client.__all__)
    assert dir(fer_client) == sorted(fer_client.__all__) == PUBLIC
    with pytest.raises(AttributeError, match="nothing"):
        fer_client.nothing  # noqa: B018


@pytest.mark.parametrize("code", ["import fer_client", "import fer_client.cli.app"])
def test_nothing_heavy_is_imported_at_the_start(code: str) -> None:
    heavy = "{'av', 'cv2', 'grpc', 'numpy', 'rich', 'tritonclient'}"
    script = f"{code}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
