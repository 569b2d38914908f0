"""The embedded tritonserver, started by `docker/server/serve.sh` as the production image starts NVIDIA's."""

import contextlib
import os
import shlex
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_server.environment import packages
from fer_server.ports import free_ports
from fer_server.runtime import prepare

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docker" / "server" / "serve.sh"
_STOP_S = 45


@dataclass(frozen=True)
class ProductionServer:
    """A server that is ready: HOST:PORT of its services, its command line and its process."""

    grpc: str
    http: str
    metrics: str
    arguments: tuple[str, ...]
    pid: int


@contextlib.contextmanager
def production_server(folder: Path, **variables: str) -> Iterator[ProductionServer]:
    """Run the script with the variables, in an empty folder for its log, until it is ready.

    Its `tritonserver` is the one of the wheel, with that one's places, and with ports that are free.
    """
    ports = free_ports(["127.0.0.1"] * 3)
    grpc, http, metrics = (f"127.0.0.1:{port}" for port in ports)
    region = f"fer-production-{os.getpid()}-{ports[0]}-"
    with prepare(packages(os.environ, print), os.environ) as runtime, (folder / "log").open("w+b") as log:
        places = [f"--backend-directory={runtime.backends}"]
        places += [
            f"--{name}-port={port}" for name, port in zip(("grpc", "http", "metrics"), ports, strict=True)
        ]
        places += [
            f"--backend-config={name},shm-region-prefix-name={region}" for name in ("onnxruntime", "python")
        ]
        shim = folder / "bin" / "tritonserver"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec {shlex.join([str(runtime.binary), *places])} "$@"\n')
        shim.chmod(0o755)
        environ = {**runtime.environ, **variables}
        environ["PATH"] = f"{shim.parent}{os.pathsep}{environ['PATH']}"
        command = subprocess.Popen(
            [SCRIPT, f"--model-repository={ROOT / 'model_repository'}"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not is_healthy(http):
                assert command.poll() is None, (folder / "log").read_text()[-3000:]
                with contextlib.suppress(subprocess.TimeoutExpired):
                    command.wait(0.1)
            said = Path(f"/proc/{command.pid}/cmdline").read_bytes().decode().split("\0")
            yield ProductionServer(grpc, http, metrics, tuple(said[len(places) + 1 : -1]), command.pid)
        finally:
            command.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(_STOP_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            for path in Path("/dev/shm").glob(f"{region}*"):
                path.unlink(missing_ok=True)


def is_healthy(address: str) -> bool:
    """Ask what the images' health checks ask."""
    return status(f"http://{address}/v2/health/ready") == 200


def status(url: str, data: bytes | None = None) -> int:
    """Give the HTTP status of an answer, 0 where there is none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def tritonserver_help() -> str:
    """What the embedded tritonserver says of its options."""
    with prepare(packages(os.environ, print), os.environ) as runtime:
        done = subprocess.run(
            [runtime.binary, "--help"], env=dict(runtime.environ), capture_output=True, text=True, check=False
        )
    return done.stdout + done.stderr
