"""A real server behind a proxy that spoils, a clip, and the tables of a run that nothing disturbed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disturbed import analyse, finish, tables
from support.embedded_server import EmbeddedServer, embedded_server
from support.tcp_proxy import TcpProxy
from support.videos import default_frames, uneven_ticks, write_video

REPOSITORY = Path(__file__).parents[2] / "model_repository"


@pytest.fixture(scope="session")
def real() -> Iterator[EmbeddedServer]:
    """A real server that all tests of this tier share and that none of them harms."""
    with embedded_server(REPOSITORY) as running:
        yield running


@pytest.fixture
def proxy(real: EmbeddedServer) -> Iterator[TcpProxy]:
    with TcpProxy(real.grpc) as running:
        yield running


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, of which 40 show a face."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(path, default_frames() * 2, uneven_ticks(60))
    return path


@pytest.fixture(scope="session")
def whole(real: EmbeddedServer, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    done = finish(analyse(clip, real.grpc, folder), 240)
    assert done.returncode == 0, done.stderr
    return tables(folder / "out" / "clip")
