"""What several test files share: videos made on the spot, and a server that speaks Triton's protocol."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fer_client.inference.access import VARIABLES
from support.fault_record import FaultRecord
from support.protocol_server import ProtocolServer
from support.videos import write_video

SHARED = Path(__file__).parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-faults", metavar="FILE", help="keep what the tier `faults` tried, for docs/robustness.md"
    )


@pytest.fixture
def shared() -> Path:
    """The folder of real clips and data beside the checkout; tests that need it skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with real clips and data")
    return SHARED


@pytest.fixture(scope="session")
def faults(request: pytest.FixtureRequest) -> Iterator[FaultRecord]:
    """What the tests tried and what held; `--record-faults` keeps it for docs/robustness.md."""
    record = FaultRecord()
    yield record
    if path := request.config.getoption("--record-faults"):
        assert not request.session.testsfailed, "a record is of a run in which everything held"
        record.write(Path(path))


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with ProtocolServer() as running:
        yield running


@pytest.fixture(scope="session")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 30 frames at uneven times: 10 with a face, 10 without, 10 with a face."""
    path = tmp_path_factory.mktemp("videos") / "face.mp4"
    write_video(path)
    return path


@pytest.fixture(scope="session", autouse=True)
def _signals_strike() -> None:
    """A shell that starts the tests in the background ignores these, and so would every command they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FER_TRITON_URL", "FER_DETECTOR_MODEL", *VARIABLES):
        monkeypatch.delenv(name, raising=False)
    os.environ.setdefault("COLUMNS", "200")
