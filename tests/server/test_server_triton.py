"""The real tritonserver with small models: what it answers, how it fails, how it ends."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, triton_to_np_dtype

from support.embedded_server import (
    EmbeddedServer,
    await_end,
    embedded_server,
    listening_ports,
    run_server,
)
from support.onnx_models import ONNX_TYPES, write_double, write_model

pytestmark = pytest.mark.triton

SOON_S = 30
GATHERING = "dynamic_batching { max_queue_delay_microseconds: 200000 }"
ENSEMBLE = """
name: "fourfold"
platform: "ensemble"
max_batch_size: 16
input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] } ]
ensemble_scheduling {
  step [
    { model_name: "double" model_version: -1
      input_map { key: "X" value: "X" } output_map { key: "Y" value: "MIDDLE" } },
    { model_name: "double" model_version: -1
      input_map { key: "X" value: "MIDDLE" } output_map { key: "Y" value: "Y" } }
  ]
}
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models for every question that one running server can answer."""
    root = tmp_path_factory.mktemp("models")
    write_double(root, "instance_group [ { kind: KIND_CPU count: 2 } ]\n" + GATHERING)
    (root / "fourfold" / "1").mkdir(parents=True)
    (root / "fourfold" / "config.pbtxt").write_text(ENSEMBLE)
    table = np.arange(10, dtype=np.float32)
    lookup = [("Gather", ["TABLE", "INDEX"], ["Y"])]
    write_model(
        root, "lookup", lookup, [("INDEX", "INT64", (1,))], [("Y", "FP32", (1,))], {"TABLE": table}, GATHERING
    )
    for kind in ONNX_TYPES:
        same = [("Identity", ["X"], ["Y"])]
        write_model(root, f"same_{kind.lower()}", same, [("X", kind, (-1, 2))], [("Y", kind, (-1, 2))])
    two = [("Add", ["A", "B"], ["SUM"]), ("Sub", ["A", "B"], ["DIFFERENCE"])]
    write_model(
        root,
        "two",
        two,
        [("A", "FP32", (3,)), ("B", "FP32", (3,))],
        [("SUM", "FP32", (3,)), ("DIFFERENCE", "FP32", (3,))],
        extra=GATHERING,
    )
    return root


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[EmbeddedServer]:
    with embedded_server(repository) as running:
        yield running


@pytest.fixture
def ask(server: EmbeddedServer) -> Iterator[Callable[..., dict[str, np.ndarray]]]:
    """Send arrays by input name; gives the outputs by name."""
    with triton.InferenceServerClient(server.grpc) as client:
        yield lambda model, **arrays: infer(client, model, **arrays)


def infer(client: Any, model: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    inputs = []
    for name, array in arrays.items():
        inputs.append(triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype)))
        inputs[-1].set_data_from_numpy(array)
    answer = client.infer(model, inputs)
    return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}


def statistics(server: EmbeddedServer, model: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{server.http}/v2/models/{model}/stats", timeout=10) as answer:
        return json.load(answer)["model_stats"][0]


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


def test_an_ensemble_answers_as_numpy_does(ask: Callable[..., dict[str, np.ndarray]]) -> None:
    rows = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    np.testing.assert_array_equal(ask("fourfold", X=rows)["Y"], 4 * rows)


@pytest.mark.parametrize("kind", ONNX_TYPES)
def test_every_data_type_comes_back_as_it_went(kind: str, ask: Callable[..., dict[str, np.ndarray]]) -> None:
    dtype = triton_to_np_dtype(kind)
    sent = np.random.default_rng(0).integers(0, 2, (3, 5, 2)).astype(dtype)
    received = ask(f"same_{kind.lower()}", X=sent)["Y"]
    assert received.dtype == dtype
    np.testing.assert_array_equal(received, sent)


def test_requests_share_runs_and_keep_their_own_rows(server: EmbeddedServer) -> None:
    before = statistics(server, "two")
    rng = np.random.default_rng(0)
    sent = [rng.normal(size=(2, 1 + i % 3, 3)).astype(np.float32) for i in range(24)]
    with triton.InferenceServerClient(server.grpc) as client, ThreadPoolExecutor(len(sent)) as pool:
        answers = list(pool.map(lambda pair: infer(client, "two", A=pair[0], B=pair[1]), sent))
    for (a, b), answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["SUM"], a + b)
        np.testing.assert_array_equal(answer["DIFFERENCE"], a - b)
    after = statistics(server, "two")
    executions = after["execution_count"] - before.get("execution_count", 0)
    assert after["inference_count"] - before.get("inference_count", 0) == 48
    assert executions < len(sent)


def test_a_bad_request_fails_alone(server: EmbeddedServer) -> None:
    indices = [0, 1, 99, 3, 4, 5, 6, 7]

    def look_up(index: int) -> float | str:
        with triton.InferenceServerClient(server.grpc) as client:
            try:
                return float(infer(client, "lookup", INDEX=np.array([[index]], np.int64))["Y"][0, 0])
            except InferenceServerException as error:
                return str(error)

    with ThreadPoolExecutor(len(indices)) as pool:
        answers = list(pool.map(look_up, indices))
    bad = answers.pop(2)
    assert isinstance(bad, str)
    assert "out of data bounds" in bad
    assert answers == [float(index) for index in indices if index != 99]
    assert statistics(server, "lookup")["execution_count"] < len(indices)


def test_each_instance_is_a_process_of_its_own(server: EmbeddedServer) -> None:
    command_lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in server.processes()]
    assert sum(b"triton_python_backend_stub\0" in line and b"/double/" in line for line in command_lines) == 2


def test_a_wrong_shape_is_refused_by_name(ask: Callable[..., dict[str, np.ndarray]]) -> None:
    with pytest.raises(InferenceServerException, match="unexpected shape for input 'X' for model 'double'"):
        ask("double", X=np.zeros((1, 5), np.float32))


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
        tmp_path / "models", "--id", "mine", "--allow-metrics=false", f"--log-file={log}"
    ) as running:
        with urllib.request.urlopen(f"http://{running.http}/v2", timeout=10) as answer:
            assert json.load(answer)["name"] == "mine"
        assert running.metrics is None
    assert "successfully loaded 'double'" in log.read_text()


def test_verbose_shows_the_servers_log(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path, "--verbose") as running:
        pass
    assert running.command.returncode == 0
    assert "successfully loaded 'double'" in running.said


NEEDLESS: dict[str, Callable[[Any, Any], object]] = {
    "repository index": lambda client, headers: client.get_model_repository_index(headers=headers),
    "load": lambda client, headers: client.load_model("double", headers=headers),
    "unload": lambda client, headers: client.unload_model("double", headers=headers),
    "register shared memory": lambda client, headers: client.register_system_shared_memory(
        "a", "/a", 4, headers=headers
    ),
    "look at shared memory": lambda client, headers: client.get_system_shared_memory_status(headers=headers),
    "register GPU memory": lambda client, headers: client.register_cuda_shared_memory(
        "a", b"YWFh", 0, 4, headers=headers
    ),
    "set trace": lambda client, headers: client.update_trace_settings(
        settings={"trace_rate": "1"}, headers=headers
    ),
    "set log": lambda client, headers: client.update_log_settings({"log_file": "/tmp/a"}, headers=headers),
}


@pytest.mark.parametrize("call", NEEDLESS)
def test_what_serving_does_not_need_is_refused(server: EmbeddedServer, call: str) -> None:
    with (
        triton.InferenceServerClient(server.grpc) as client,
        pytest.raises(InferenceServerException, match="This protocol is restricted"),
    ):
        NEEDLESS[call](client, {})


def test_what_clients_and_tools_read_is_open(server: EmbeddedServer) -> None:
    with triton.InferenceServerClient(server.grpc) as client:
        assert client.is_server_ready()
        assert client.is_model_ready("double")
        assert client.get_model_metadata("double").name == "double"
        assert client.get_model_config("double").config.name == "double"
        assert client.get_server_metadata().version
        assert client.get_inference_statistics("double").model_stats[0].name == "double"


def key_on_the_command_line(server: EmbeddedServer, option: bytes) -> tuple[bytes, bytes]:
    """Name and value of the header that opens what is closed, as any user of the machine can read them."""
    words = Path(f"/proc/{server.tritonserver_pid}/cmdline").read_bytes().split(b"\0")
    (word,) = (word for word in words if word.startswith(option))
    name, _, value = word.partition(b":")[2].partition(b"=")
    return name, value


@pytest.mark.parametrize("line_break", [b"\n", b"\n ", b"\r\n", b"\r\n "])
def test_the_command_line_opens_nothing_over_http(server: EmbeddedServer, line_break: bytes) -> None:
    name, value = key_on_the_command_line(server, b"--http-restricted-api")
    header = name.replace(b"\n", line_break) + b": " + value
    host, _, port = server.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /v2/repository/index HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n"
            + header
            + b"\r\n\r\n"
        )
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert not answer.startswith(b"HTTP/1.1 200")


def test_the_command_line_opens_nothing_over_grpc(server: EmbeddedServer) -> None:
    name, value = key_on_the_command_line(server, b"--grpc-restricted-protocol")
    # A client refuses such a header itself, so the bytes are written by hand (RFC 9113, RFC 7541).
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/inference.GRPCInferenceService/RepositoryIndex",
        b":authority": b"x",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
        b"triton-grpc-protocol-" + name: value,
    }
    literals = (b"\0" + b"".join(bytes([len(part)]) + part for part in field) for field in fields.items())
    frames = [(4, 0, 0, b""), (1, 4, 1, b"".join(literals)), (0, 1, 1, bytes(5))]
    host, _, port = server.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for kind, flags, stream, body in frames:
            connection.sendall(
                struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body
            )
        answer = b""
        while b"grpc-status" not in answer:
            received = connection.recv(4096)
            assert received
            answer += received
    assert b"double" not in answer
    assert answer.partition(b"grpc-status")[2][1:2] != b"0"


def test_a_key_of_the_users_opens_what_it_names(tmp_path: Path) -> None:
    write_double(tmp_path)
    own = "--grpc-restricted-protocol=model-repository,health:door=open"
    with (
        embedded_server(tmp_path, own) as running,
        triton.InferenceServerClient(running.grpc) as client,
    ):
        headers = {"triton-grpc-protocol-door": "open"}
        assert client.get_model_repository_index(headers=headers).models[0].name == "double"
        with pytest.raises(InferenceServerException, match="restricted"):
            client.is_server_ready()
        with pytest.raises(InferenceServerException, match="restricted"):
            NEEDLESS["set log"](client, headers)


def test_without_http_grpc_alone_listens(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path, "--allow-http=false", "--allow-metrics=false") as running:
        assert (running.http, running.metrics) == (None, None)
        assert running.models == {"double": "1"}
        assert listening_ports(running.tritonserver_pid) == {int(running.grpc.rpartition(":")[2])}


def test_models_without_a_kind_run_on_processors(tmp_path: Path) -> None:
    folder = write_double(tmp_path, "instance_group { count: 2 }")
    with embedded_server(tmp_path) as running, triton.InferenceServerClient(running.grpc) as client:
        (group,) = client.get_model_config("double").config.instance_group
        assert infer(client, "double", X=np.ones((1, 4), np.float32))["Y"].tolist() == [[2, 2, 2, 2]]
    assert group.kind == group.Kind.Value("KIND_CPU")
    assert group.count == min(4, len(os.sched_getaffinity(0)))
    assert "KIND" not in (folder / "config.pbtxt").read_text()


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


def test_a_killed_tritonserver_ends_the_command_with_a_reason(tmp_path: Path) -> None:
    write_double(tmp_path)
    with embedded_server(tmp_path) as running:
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
        r"Serving double at grpc 127.0.0.1:\d+, http 127.0.0.1:\d+, metrics 127.0.0.1:\d+. Stop with Ctrl-C.\n",
        line,
    )
