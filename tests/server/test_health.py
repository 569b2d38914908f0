"""A server that says it is ready and answers nobody is started again."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from fer_server.health import stub_processes
from support.embedded_server import EmbeddedServer, await_end, descendants, embedded_server
from support.fault_record import FaultRecord
from support.onnx_models import write_double
from support.triton_calls import infer

pytestmark = pytest.mark.triton

KIND = "server"
RESTARTED = "told in one line, started again at the same addresses"
LOST = "requests under way, which `fer-client` sends again"
SOON_S = 60
TWO = "instance_group [ { kind: KIND_CPU count: 2 } ]\ndynamic_batching { }"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_double(tmp_path / "models", TWO)
    return tmp_path / "models"


def answers(running: EmbeddedServer) -> bool:
    """Whether as many requests in a row are answered as there are processes that could have died."""
    with triton.InferenceServerClient(running.grpc) as client:
        for _ in range(4):
            try:
                infer(client, "double", X=np.ones((1, 4), np.float32))
            except InferenceServerException:
                return False
    return True


def await_answers(running: EmbeddedServer, dead: int) -> None:
    """Wait for the end of a tritonserver and for another that answers at the same address."""
    assert await_end([dead], SOON_S) == []
    end = time.monotonic() + SOON_S
    while not answers(running):
        assert running.command.poll() is None
        assert time.monotonic() < end


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_a_dead_stub_ends_in_a_new_server_at_the_same_address(models: Path, faults: FaultRecord) -> None:
    with embedded_server(models, "--probe-interval=0") as running:
        kill(stub_processes(running.tritonserver_pid)[0])
        await_answers(running, running.tritonserver_pid)
    assert running.command.returncode == 0
    (line,) = running.said.splitlines()
    assert "one of its model processes has died" in line
    assert "Starting it again at the same addresses (1 of 5 within 10 minutes)." in line
    faults.held(KIND, "a process of a model killed", RESTARTED, LOST)


def test_a_stub_that_hangs_is_noticed_by_the_answers_that_fail(models: Path, faults: FaultRecord) -> None:
    with embedded_server(models, "--probe-interval=0.2") as running:
        stop(stub_processes(running.tritonserver_pid)[0])
        await_answers(running, running.tritonserver_pid)
        processes = running.processes()
    assert "is not healthy" in running.said
    assert running.said.count("\n") == 1
    assert await_end(processes, SOON_S) == []
    faults.held(KIND, "a process of a model that stands still", RESTARTED, LOST)


def await_open(host: str, port: int) -> None:
    """Wait until something listens there: Triton answers over gRPC a moment before it opens the others."""
    end = time.monotonic() + SOON_S
    while True:
        try:
            return socket.create_connection((host, port), timeout=10).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_tritonserver_that_dies_is_started_again_on_all_its_ports(
    models: Path, faults: FaultRecord
) -> None:
    with embedded_server(models, "--allow-http=true", "--allow-metrics=true") as running:
        kill(running.tritonserver_pid)
        await_answers(running, running.tritonserver_pid)
        for address in (running.http, running.metrics):
            assert address
            host, _, port = address.rpartition(":")
            await_open(host, int(port))
    assert "SIGKILL" in running.said
    faults.held(KIND, "tritonserver killed", RESTARTED, LOST)


def test_one_that_fails_again_and_again_ends_with_a_reason(models: Path, faults: FaultRecord) -> None:
    with embedded_server(models, "--max-restarts=1") as running:
        kill(running.tritonserver_pid)
        await_answers(running, running.tritonserver_pid)
        kill(next(pid for pid in descendants(running.command.pid) if stub_processes(pid)))
        assert running.command.wait(SOON_S) == 4
        assert running.command.stdout
        said = running.command.stdout.read()
    assert "It failed 2 times within 10 minutes and is not started again. The server ended by itself" in said
    faults.held(
        KIND, "killed more often than --max-restarts", "one sentence with the reason, exit code 4", LOST
    )


def test_a_stop_signal_between_two_starts_ends_it(models: Path, faults: FaultRecord) -> None:
    with embedded_server(models) as running:
        kill(running.tritonserver_pid)
        await_answers(running, running.tritonserver_pid)
        kill(next(pid for pid in descendants(running.command.pid) if stub_processes(pid)))
        while len(running.processes()) > 1:  # the pause before the second start is a second long
            os.sched_yield()
        running.command.terminate()
        assert running.command.wait(SOON_S) == 0
    faults.held(KIND, "SIGTERM between two starts", "it ends with 0")


@contextlib.contextmanager
def sick_server(models: Path) -> Iterator[EmbeddedServer]:
    """A server whose only stub hangs, and which nobody watches over."""
    with embedded_server(models, "--probe-interval=0") as running:
        stubs = stub_processes(running.tritonserver_pid)
        for pid in stubs:
            stop(pid)
        yield running


def test_a_client_does_not_prefer_a_server_that_only_says_it_is_ready(
    monkeypatch: pytest.MonkeyPatch, faults: FaultRecord
) -> None:
    from fer_client.inference.server import find_server

    told: list[str] = []
    repository = Path(__file__).parents[2] / "model_repository"
    monkeypatch.delenv("FER_TRITON_URL", raising=False)
    with sick_server(repository) as running:
        monkeypatch.setattr("fer_client.inference.server.LOCAL_URL", running.grpc)
        with find_server(None, told.append) as found:
            assert found.url != running.grpc
            assert found.process
    assert told == [
        f"The server at {running.grpc} says that it is ready, but answers no request; it is not used.",
        "Starting the embedded Triton server for this job.",
    ]
    faults.held(
        KIND, "a server here that is ready and answers nothing", "not used; an embedded one is started"
    )
