"""A real server that goes away in the middle of a run and comes back, or does not."""

import shutil
from pathlib import Path

import pytest
import tritonclient.grpc as triton

from support.disturbed import analyse, finish, kill_all, middle, tables, wait_for
from support.embedded_server import embedded_server
from support.fault_record import FaultRecord
from support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.faults
KIND = "server"
REPOSITORY = Path(__file__).parents[2] / "model_repository"
SAME = "one line, and the run goes on; tables as if undisturbed"
LABELS = r"[\"angry\", \"disgust\", \"fear\", \"happy\", \"sad\", \"surprise\", \"neutral\"]"


def test_killed_and_started_again(
    clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord
) -> None:
    with embedded_server(REPOSITORY) as first, TcpProxy(first.grpc) as proxy:
        proxy.delay_s = 0.05
        process = analyse(clip, proxy.url, tmp_path, "--reconnect", 120)
        middle(proxy, process)
        kill_all(first)
        with embedded_server(REPOSITORY) as second:
            proxy.target = second.grpc
            done = finish(process, 240)
    assert done.returncode == 0, done.stderr
    if (
        done.stderr
    ):  # a server that is back within seconds is reached by gRPC's own repetitions, without a word
        assert "has gone; waiting up to 120 s" in done.stderr
        assert "answers again; nothing is lost" in done.stderr
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(KIND, "killed in the middle and started again", SAME)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_killed_or_stopped_and_never_started_again(
    is_stopped: bool, clip: Path, tmp_path: Path, faults: FaultRecord
) -> None:
    with embedded_server(REPOSITORY) as first, TcpProxy(first.grpc) as proxy:
        proxy.delay_s = 0.05
        process = analyse(clip, proxy.url, tmp_path, "--reconnect", 3)
        middle(proxy, process)
        if is_stopped:
            first.command.terminate()
        else:
            kill_all(first)
        done = finish(process, 240)
    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-1].startswith("fer-client: "), done.stderr
    assert proxy.url in done.stderr.splitlines()[-1], done.stderr
    assert list((tmp_path / "out").iterdir()) == []
    assert "does not serve the model" not in done.stderr
    fault = f"{'stopped' if is_stopped else 'killed'} in the middle for good"
    faults.held(KIND, fault, "one sentence after --reconnect, exit code 4", "the run, no half of it")


def test_back_with_other_labels(clip: Path, tmp_path: Path, faults: FaultRecord) -> None:
    other = tmp_path / "other"
    shutil.copytree(REPOSITORY, other)
    config = other / "fer" / "config.pbtxt"
    text = config.read_text()
    assert LABELS in text
    config.write_text(
        text.replace(
            LABELS, LABELS.replace("angry", "happy", 1).replace(r"\"happy\", \"sad", r"\"angry\", \"sad")
        )
    )
    with (
        embedded_server(REPOSITORY) as first,
        embedded_server(other) as second,
        TcpProxy(first.grpc) as proxy,
    ):
        proxy.delay_s = 0.05
        process = analyse(clip, proxy.url, tmp_path)
        middle(proxy, process)
        proxy.target = second.grpc
        proxy.refuses = True
        proxy.reset()
        proxy.refuses = False
        done = finish(process, 240)
    assert done.returncode == 5, done.stderr
    assert "came back with another network" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []
    faults.held(
        KIND, "back with other labels", "refused in one sentence, exit code 5", "the run, no half of it"
    )


def test_the_model_is_unloaded_and_loaded_again(
    clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord
) -> None:
    options = (
        "--model-control-mode=explicit",
        "--load-model=*",
        "--grpc-restricted-protocol=model-repository:key=open",
    )
    with embedded_server(REPOSITORY, *options) as server, TcpProxy(server.grpc) as proxy:
        owner, header = triton.InferenceServerClient(server.grpc), {"triton-grpc-protocol-key": "open"}
        proxy.delay_s = 0.05
        process = analyse(clip, proxy.url, tmp_path)
        middle(proxy, process)
        owner.unload_model("fer", headers=header)
        before = proxy.sent
        wait_for(lambda: proxy.sent > before)  # the client asks for the model, or asks whether it is back
        owner.load_model("fer", headers=header)
        done = finish(process, 240)
        owner.close()
    assert done.returncode == 0, done.stderr
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(KIND, "model unloaded and loaded again", SAME)
