"""Standard output that nobody reads, that takes no more, or that cannot show a name."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

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
        arguments = [*pair, "--detector", "lumaface", "--url", server.url]
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
            arguments = [*pair, "--detector", "lumaface", "--url", server.url, option]
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
                [name, "--detector", "lumaface", "--url", server.url], tmp_path, PYTHONIOENCODING="ascii"
            )
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "caf\\xe9.mp4: 30 of 30" in out


COMMAND = (sys.executable, "-m", "fer_client", "--help")


def told(stdout: int | IO[Any], **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a command whose standard output goes there."""
    done = subprocess.run(
        COMMAND, stdout=stdout, stderr=subprocess.PIPE, text=True, env=os.environ | environment, timeout=60
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk(encoding: str, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        code, sentence = told(full, PYTHONIOENCODING=encoding, PYTHONUNBUFFERED=unbuffered)
    assert code == 2
    assert sentence == (
        "fer-client: standard output takes no more (No space left on device); what it should show is lost.\n"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone(unbuffered: str) -> None:
    reader, gone = os.pipe()
    os.close(reader)
    assert told(gone, PYTHONUNBUFFERED=unbuffered) == (0, "")
    os.close(gone)
