"""Standard output that nobody reads, that takes no more, or that cannot show a name."""

import os
import subprocess
from pathlib import Path

import pytest

from support.command import start
from support.protocol_server import ProtocolServer


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


class TestEncoding:
    def test_a_name_that_the_terminal_cannot_show(self, face_video: Path, tmp_path: Path) -> None:
        name = os.fsdecode(b"caf\xe9.mp4")
        (tmp_path / name).write_bytes(face_video.read_bytes())
        with ProtocolServer() as server:
            process = start(
                [name, "--detector", "haar", "--url", server.url], tmp_path, PYTHONIOENCODING="ascii"
            )
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "caf\\udce9.mp4: 30 of 30" in out
