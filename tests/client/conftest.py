"""`fer-client` run in this process, so that hundreds of runs stay quick; and photographs for it."""

import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_client.cli import app as cli
from fer_client.pipeline.interruption import SIGNALS
from support.command import Command, Done
from support.protocol_server import ProtocolServer
from support.videos import empty_frame, face_frame, write_picture


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Run `fer-client` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["fer-client", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    yield run
    gc.unfreeze()  # what the command's imports put out of the collector's sight
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(command: Command, server: ProtocolServer) -> Command:
    """Run `fer-client` against the protocol server, with LumaFace; given options win."""

    def with_defaults(*arguments: object) -> Done:
        return command("--detector", "lumaface", "--url", server.url, *arguments)

    return with_defaults


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder of three: two with a face, one without."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_picture(folder / "2 face.png", face_frame())
    write_picture(folder / "10 face.jpg", face_frame(20))
    write_picture(folder / "11 empty.webp", empty_frame())
    return folder
