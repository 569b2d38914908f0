"""`from fer_client import analyze`, and what its import costs."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import fer_client
from fer_client import FaceRecord, InputError, Progress, UsageError, analyze
from fer_client.api import Options
from fer_client.records import columns
from fer_client.settings import Settings
from support.command import Command, read_rows
from support.protocol_server import LABELS, ProtocolServer
from support.videos import default_frames, uneven_ticks, write_video

README = Path(__file__).parents[2] / "README.md"


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("prefetch", "map"))}


def test_records_are_the_rows_of_the_table(
    run: Command, face_video: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    told: list[Progress] = []
    found = list(analyze(face_video, url=server.url, detector="haar", progress=told.append))
    assert run(face_video).returncode == 0
    rows = read_rows(tmp_path / "out" / "face" / "faces.csv")
    assert list(rows[0]) == list(columns(LABELS))
    texts = [
        ["" if v is None else f"{v:.6f}" if isinstance(v, float) else str(v) for v in record.row(LABELS)]
        for record in found
    ]
    assert texts == [list(row.values()) for row in rows]
    assert [progress.frames_analysed for progress in told] == list(range(1, 31))
    assert told[-1].share == pytest.approx(1, abs=0.1)


def test_whoever_stops_early_leaves_nothing_running(server: ProtocolServer, tmp_path: Path) -> None:
    write_video(tmp_path / "long.mp4", default_frames() * 10, uneven_ticks(300))
    for record in analyze(tmp_path / "long.mp4", url=server.url, detector="haar", batch_size=2):
        assert isinstance(record, FaceRecord)
        assert threads()
        break
    del record
    assert not threads()


def test_several_inputs_in_order(face_video: Path, server: ProtocolServer, tmp_path: Path) -> None:
    (tmp_path / "second.mp4").write_bytes(face_video.read_bytes())
    found = analyze([face_video, tmp_path / "second.mp4"], url=server.url, detector="haar", fps=1)
    assert list(dict.fromkeys(record.source for record in found)) == ["face.mp4", "second.mp4"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fps": -1}, ["--fps", "above 0"]),
        ({"fps": "5"}, ["fps", "a number or None", "'5'"]),
        ({"detect_every": 2.5}, ["detect_every", "a whole number", "2.5"]),
        ({"partial": "yes"}, ["partial", "True or False", "'yes'"]),
        ({"colour": "red"}, ["fps, detect_every", "colour"]),
        ({"table_format": "xlsx"}, ["fps, detect_every", "table_format"]),
        ({"out": Path("there")}, ["fps, detect_every", "out"]),
        ({"detector_model": "nowhere.onnx"}, ["nowhere.onnx", "Leave one out"]),
    ],
)
def test_a_wrong_setting_is_named_at_once(
    face_video: Path, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UsageError) as raised:
        analyze(face_video, detector="haar", **options)
    assert all(word in str(raised.value) for word in words), raised.value


def test_numbers_of_any_kind_are_numbers(face_video: Path, server: ProtocolServer) -> None:
    options: dict[str, Any] = {"fps": np.float32(5), "detect_every": np.int64(2), "smooth_s": 1}
    assert next(analyze(str(face_video), url=server.url, detector="haar", **options)).frame == 0


def test_a_named_detector_may_be_a_text(face_video: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.onnx is not there"):
        analyze(face_video, detector_model=str(tmp_path / "nowhere.onnx"))


def test_what_cannot_be_read_is_told_before_a_server_is_started(face_video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds none"):
        analyze(tmp_path, detector="haar")
    with pytest.raises(InputError, match=r"nowhere\.mp4"):
        analyze([face_video, tmp_path / "nowhere.mp4"], detector="haar")
    with pytest.raises(UsageError, match="at least one input"):
        analyze([], detector="haar")


def test_damage_is_told_where_it_is_met(face_video: Path, tmp_path: Path, server: ProtocolServer) -> None:
    write_video(tmp_path / "cut.mkv", ticks=[1280 * index for index in range(30)], gop=1)
    data = (tmp_path / "cut.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    found = analyze([face_video, tmp_path / "cut.mkv"], url=server.url, detector="haar")
    assert next(found).source == "face.mp4"
    with pytest.raises(InputError, match=r"cut\.mkv.*cut off"):
        list(found)


def test_an_error_that_nobody_foresaw_is_the_inputs(
    face_video: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_client.video.luma_of", lambda _: 1 / 0)
    found = analyze(face_video, url=server.url, detector="haar")
    with pytest.raises(InputError, match=r"face\.mp4.*ZeroDivisionError") as raised:
        list(found)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_error_of_the_callers_own_stays_as_it_is(face_video: Path, server: ProtocolServer) -> None:
    found = analyze(face_video, url=server.url, detector="haar", progress=lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_every_option_is_a_setting_of_the_same_type() -> None:
    settings, options = get_type_hints(Settings), get_type_hints(Options)
    assert {name: settings[name] for name in options} == options
    assert settings.keys() - options.keys() == {
        "out",
        "table_format",
        "overwrite",
        "min_confidence",
        "min_episode_s",
    }


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
    monkeypatch.setattr("fer_client.api.choose_detector", lambda *_: haar())
    exec(compile(example, "README.md", "exec"), {})
    assert "face 1" in capsys.readouterr().out


def haar() -> object:
    from fer_client.detection import choose_detector

    return choose_detector("haar", None, 0.7)


def test_public_names_are_there() -> None:
    assert all(getattr(fer_client, name).__name__ == name for name in fer_client.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        fer_client.nothing  # noqa: B018


@pytest.mark.parametrize("code", ["import fer_client", "import fer_client.cli"])
def test_nothing_heavy_is_imported_at_the_start(code: str) -> None:
    heavy = "{'av', 'cv2', 'grpc', 'numpy', 'rich', 'tritonclient'}"
    script = f"{code}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
