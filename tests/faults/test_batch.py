"""A server that goes away in the middle of a batch: each video is once in the table, as if nothing had been."""

from pathlib import Path

import pytest

from support.command import start
from support.disturbed import finish, kill_all, middle
from support.embedded_server import EmbeddedServer, embedded_server
from support.fault_record import FaultRecord
from support.tcp_proxy import TcpProxy

pytest.importorskip("fsspec")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.faults
REPOSITORY = Path(__file__).parents[2] / "model_repository"
OPTIONS = ("--detector", "lumaface", "--reconnect", 120)


@pytest.fixture
def manifest(clip: Path, tmp_path: Path) -> Path:
    names = ["a.mp4", "b.mp4", "c.mp4"]
    for name in names:
        (tmp_path / name).write_bytes(clip.read_bytes())
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in names))
    return tmp_path / "list.txt"


def parts(results: Path) -> dict[str, list[dict[str, object]]]:
    """Rows of each video's part, without the time that a run began."""
    return {
        path.parent.name: parquet.read_table(path).to_pylist() for path in results.glob("faces/*/*.parquet")
    }


def test_a_server_that_is_killed_in_the_middle(
    manifest: Path, real: EmbeddedServer, tmp_path: Path, faults: FaultRecord
) -> None:
    undisturbed = start(["batch", manifest, "-o", "undisturbed", "--url", real.grpc, *OPTIONS], tmp_path)
    assert finish(undisturbed, 240).returncode == 0
    with embedded_server(REPOSITORY) as first, TcpProxy(first.grpc) as proxy:
        proxy.delay_s = 0.05
        process = start(["batch", manifest, "-o", "results", "--url", proxy.url, *OPTIONS], tmp_path)
        middle(proxy, process)
        kill_all(first)
        with embedded_server(REPOSITORY) as second:
            proxy.target = second.grpc
            done = finish(process, 240)
    assert done.returncode == 0, done.stderr
    found = parts(tmp_path / "results")
    assert len(found) == 3
    assert found == parts(tmp_path / "undisturbed")
    faults.held(
        "batch", "its server killed in the middle and started again", "the same table, each video once"
    )
