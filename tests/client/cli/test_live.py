"""`fer-client live` as a user meets it."""

import importlib.util
import signal
from pathlib import Path
from typing import Any

import pytest

from fer_client.cli import live
from support.command import Command, Done, start
from support.protocol_server import ProtocolServer
from support.videos import default_frames, write_video

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("uvicorn") is None,
    reason="needs the extra `live`: starlette, uvicorn, websockets",
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "talk.mp4", default_frames()[5:13], range(0, 8 * 512, 512))
    return tmp_path / "talk.mp4"


@needs_extra
def test_a_file_is_recorded_from_its_first_frame_to_its_last(
    command: Command, server: ProtocolServer, clip: Path, tmp_path: Path
) -> None:
    done = command("live", clip, "--record", "--port", 0, "--url", server.url, "--detector", "lumaface")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "talk-live" / "summary.json").is_file()
    assert "Wrote out/talk-live/: episodes.csv, faces.csv, summary.json" in done.stdout
    assert "talk.mp4 is shown at http://127.0.0.1:" in done.stderr
    assert "8 frames came, " in done.stderr
    assert "answered in " in done.stderr


@needs_extra
def test_ctrl_c_ends_it_well(server: ProtocolServer, clip: Path, tmp_path: Path) -> None:
    arguments = [
        "live",
        clip,
        "--loop",
        "--record",
        "--port",
        0,
        "--url",
        server.url,
        "--detector",
        "lumaface",
    ]
    with start(arguments, tmp_path) as process:
        assert process.stderr
        assert "is shown at" in process.stderr.readline()
        assert server.asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert (tmp_path / "out" / "talk-live" / "summary.json").is_file()


def assert_refused(done: Done, code: int, *words: str) -> None:
    """One sentence of the subcommand holds the words."""
    assert done.returncode == code, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("fer-client live: ")
    for word in words:
        assert word in done.stderr


class TestRefusals:
    """One sentence each, before a server is looked for."""

    @needs_extra
    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["nowhere.mp4"], 3, ("nowhere.mp4",)),
            (["99"], 3, ("/dev/video99", "camera")),
            (["photo.png"], 2, ("photo.png", "a camera such as 0", "video file")),
            (["."], 2, ("expected a camera",)),
            (["talk.mp4", "--fps", "0"], 2, ("--fps must be above 0",)),
            (["talk.mp4", "--format", "doc"], 2, ("--format",)),
            (["talk.mp4", "--port", "70000"], 2, ("--port",)),
            (["talk.mp4", "--host", "no.such.host.invalid"], 2, ("--host",)),
            ([], 2, ("source",)),
        ],
    )
    @pytest.mark.usefixtures("clip")
    def test_what_cannot_be_shown(
        self, command: Command, tmp_path: Path, arguments: list[str], code: int, words: tuple[str, ...]
    ) -> None:
        write_video(tmp_path / "second.mp4", default_frames()[:2])
        (tmp_path / "photo.png").write_bytes(b"")
        done = command("live", *arguments, "--detector", "lumaface")
        assert_refused(done, code, *words)

    def test_without_the_extra(self, command: Command, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = importlib.util.find_spec

        def without(name: str, *rest: Any) -> Any:
            return None if name in ("starlette", "uvicorn") else real(name, *rest)

        monkeypatch.setattr(live.importlib.util, "find_spec", without)
        done = command("live", clip)
        assert_refused(done, 2, "starlette, uvicorn", "pip install starlette uvicorn websockets")


@needs_extra
def test_who_opens_it_to_others_is_told(command: Command, server: ProtocolServer, clip: Path) -> None:
    arguments = ("live", clip, "--record", "--port", 0, "--url", server.url, "--detector", "lumaface")
    done = command(*arguments, "--host", "0.0.0.0")
    assert done.returncode == 0
    assert "whoever can reach this machine sees the faces" in done.stderr
    assert "unencrypted" in done.stderr
    assert "sees the faces" not in command(*arguments).stderr
