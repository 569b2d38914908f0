"""The real tritonserver with small models: how it starts, how it fails, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton

from support.embedded_server import EmbeddedServer, await_end, embedded_server, listening_ports, run_server
from support.onnx_models import write_double
from support.triton_calls import infer

pytestmark = pytest.mark.triton
SOON_S = 30


def leftovers(server: EmbeddedServer) -> list[str]:
    return [path.name for path in Path("/dev/shm").glob(f"fer-server-{server.command.pid}-*")]


def test_the_line_on_stdout_names_the_models_and_the_real_server(server: EmbeddedServer) -> None:
    assert {"double", "fourfold", "lookup", "two"} < server.models.keys()
    assert server.models["double"] == "1"
    assert Path(f"/proc/{server.tritonserver_pid}/comm").read_text().strip() == "tritonserver"
    assert server.tritonserver_pid in server.processes()


def test_it_listens_on_this_machine_alone(server: EmbeddedServer) -> None:
    for address in (server.grpc, server.http, server.metrics):
        assert address is not None
        assert address.startswith("127.0.0.1:")


def test_two_servers_run_side_by_side(server: EmbeddedServer, tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as second:
        assert second.grpc != server.grpc
        for running in (server, second):
            with triton.InferenceServerClient(running.grpc) as client:
                assert infer(client, "double", X=np.ones((1, 4), np.float32))["Y"].tolist() == [[2, 2, 2, 2]]
    with triton.InferenceServerClient(server.grpc) as client:
        assert client.is_server_ready()


def test_options_are_passed_through(tmp_path: Path) -> None:
    write_double(tmp_path / "models")
    log = tmp_path / "log.txt"
    with embedded_server(
        tmp_path / "models", "--id", "mine", "--allow-http=true", f"--log-file={log}"
    ) as running:
        with urllib.request.urlopen(f"http://{running.http}/v2", timeout=10) as answer:
            assert json.load(answer)["name"] == "mine"
        assert running.metrics is None
    assert "successfully loaded 'double'" in log.read_text()


def test_the_memory_through_which_inputs_pass_is_this_users_alone(server: EmbeddedServer) -> None:
    regions = list(Path("/dev/shm").glob(f"fer-server-{server.command.pid}-*"))
    assert regions
    assert {path.stat().st_mode & 0o077 for path in regions} == {0}


def test_verbose_shows_the_servers_log(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path, "--verbose") as running:
        pass
    assert running.command.returncode == 0
    assert "successfully loaded 'double'" in running.said


def test_by_default_grpc_alone_listens(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
        assert (running.http, running.metrics) == (None, None)
        assert running.models == {"double": "1"}
        assert listening_ports(running.tritonserver_pid) == {int(running.grpc.rpartition(":")[2])}


def break_missing(folder: Path) -> None:
    (folder / "1" / "model.onnx").unlink()


def break_bytes(folder: Path) -> None:
    (folder / "1" / "model.onnx").write_bytes(b"no ONNX at all")


def edit(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.pbtxt"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (break_missing, "/models/double/1/model.onnx is missing; put the ONNX file there"),
        (break_bytes, "/models/double/1/model.onnx: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF"),
        (edit('"X"', '"PIXELS"'), "config.pbtxt names the input PIXELS, but model.onnx has X"),
        (edit('"Y"', '"Z"'), "config.pbtxt names the output Z, but model.onnx has Y"),
        (
            edit("TYPE_FP32", "TYPE_FP16"),
            "gives the input X as TYPE_FP16 [-1, 4] (batch first), but model.onnx has",
        ),
        (edit("[4]", "[5]"), "gives the input X as TYPE_FP32 [-1, 5] (batch first), but model.onnx has"),
        (edit("TYPE_FP32", "TYPE_STRING"), "the input X is TYPE_STRING, which this backend does not support"),
        (edit('"1"', '"many"'), "the parameter intra_op_thread_count is 'many', but must be a whole number"),
        (edit("dynamic_batching", "dynamic_matching"), 'has no field named "dynamic_matching"'),
        (edit('"onnxruntime"', '"tensorrt"'), "unable to find backend library for backend 'tensorrt'"),
    ],
)
def test_a_model_that_does_not_load_is_explained(
    damage: Callable[[Path], None], sentence: str, tmp_path: Path
) -> None:
    damage(write_double(tmp_path / "models"))
    done = run_server(tmp_path / "models")
    assert done.returncode == 5
    assert done.stdout == ""
    assert done.stderr.startswith("fer-server: The server cannot load its models: model 'double': ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    write_double(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run_server(tmp_path, f"--grpc-port={listener.getsockname()[1]}")
    assert done.returncode == 4
    assert "the port is in use; stop the program that has it" in done.stderr


def test_an_option_that_nobody_knows_is_wrong_usage(tmp_path: Path) -> None:
    write_double(tmp_path)
    done = run_server(tmp_path, "--no-such-option=1")
    assert done.returncode == 2
    assert "knows the option --no-such-option" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_with_success(number: signal.Signals, tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
        processes = running.processes()
        running.command.send_signal(number)
        assert running.command.wait(SOON_S) == 0
    assert len(processes) >= 3
    assert await_end(processes, SOON_S) == []
    assert leftovers(running) == []


def test_the_end_of_stdin_ends_everything_with_success(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
        processes = running.processes()
    assert running.command.returncode == 0
    assert await_end(processes, SOON_S) == []
    assert leftovers(running) == []


def test_a_killed_fer_server_leaves_no_process(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
        processes = running.processes()
        running.command.kill()
        assert await_end(processes, SOON_S) == []
    assert leftovers(running) == []


def test_without_restarts_a_killed_tritonserver_ends_the_command_with_a_reason(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path, "--max-restarts=0") as running:
        processes = running.processes()
        os.kill(running.tritonserver_pid, signal.SIGKILL)
        assert running.command.wait(SOON_S) == 4
        assert running.command.stdout
        assert "SIGKILL, which often means too little memory" in running.command.stdout.read()
    assert await_end(processes, SOON_S) == []
    assert leftovers(running) == []


def test_ctrl_c_in_the_terminal_reaches_the_command_alone(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
        groups = {os.getpgid(pid) for pid in running.processes() if pid != running.command.pid}
        assert os.getpgid(running.command.pid) not in groups
        assert groups == {running.tritonserver_pid}


def test_the_line_for_people_comes_from_the_installed_command(tmp_path: Path) -> None:
    write_double(tmp_path)
    with subprocess.Popen(
        [
            Path(sys.executable).with_name("fer-server"),
            "--auto-ports",
            "--stop-on-eof",
            f"--model-repository={tmp_path}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout
        line = command.stdout.readline()
        command.communicate()
    assert command.returncode == 0
    assert re.fullmatch(
        r"Serving double at grpc 127.0.0.1:\d+. Stop with Ctrl-C.\n",
        line,
    )
