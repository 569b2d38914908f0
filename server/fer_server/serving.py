"""One run of the server, from its options to its end."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_server import ports, process, repositories
from fer_server.errors import ModelsError, UsageError
from fer_server.logs import explain
from fer_server.ports import Endpoint
from fer_server.process import Event, Watch
from fer_server.restriction import restrictions
from fer_server.runtime import Runtime, prepare

_PATIENCE_S = 40.0
"""How long requests in flight may take to end; Triton gives them 30 s by default."""


@dataclass(frozen=True)
class Settings:
    """What to serve and how.

    `passed_through` are tritonserver's own options, which win over this program's defaults.
    """

    repositories: tuple[str, ...]
    auto_ports: bool = False
    stop_on_eof: bool = False
    start_timeout_s: float = 300
    log_file: Path | None = None
    verbose: bool = False
    passed_through: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """A server that answers: the addresses of its services, its process, its models with their versions."""

    endpoints: Mapping[str, Endpoint]
    pid: int
    models: Mapping[str, str]


class Log:
    """The server's log file, whose growth is shown on stderr where that is wanted."""

    def __init__(self, path: Path, shown: bool) -> None:
        self._shown = shown
        try:
            self.file = path.open("w+b")
        except OSError as error:
            raise UsageError(
                f"Cannot write the log {path}: {error.strerror}; give another --log-file."
            ) from None
        self._reader = path.open("rb")

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.show()
        self.file.close()
        self._reader.close()

    def show(self) -> None:
        """Copy what is new to stderr."""
        if self._shown:
            shutil.copyfileobj(self._reader, sys.stderr.buffer)
            sys.stderr.flush()

    def text(self) -> str:
        """Give all of it."""
        return Path(self.file.name).read_text(errors="replace")


def serve(
    settings: Settings, packages: Path, environ: Mapping[str, str], announce: Callable[[Started], None]
) -> None:
    """Run the server until a stop signal or the end of stdin; call `announce` once it is ready.

    Raises ServerError or one of its kinds when it cannot start or ends by itself.
    """
    check_repositories(settings.repositories)
    endpoints = ports.endpoints(settings.passed_through, settings.auto_ports)
    ports.check_free(endpoints.values())
    name = ports.option(settings.passed_through, "--id") or f"fer-server-{os.getpid()}"
    memory = f"fer-server-{os.getpid()}-"
    with (
        prepare(packages, environ) as runtime,
        ports.control(endpoints) as control,
        Log(settings.log_file or runtime.scratch / "tritonserver.log", settings.verbose) as log,
        Watch(settings.stop_on_eof) as watch,
    ):
        served = fitted_repositories(settings, runtime.scratch / "models")
        command = tritonserver_command(settings, runtime, served, endpoints, control, name, memory)
        with _running(command, runtime, log, memory) as child:
            event = process.await_ready(child, watch, control, name, settings.start_timeout_s, log.show)
            if event is None:
                announce(Started(endpoints, child.pid, process.served_models(control)))
                event = process.await_event(child, watch, log.show)
            if event is Event.EXITED:
                raise explain(_with_paths_of_the_user(log.text(), served), child.wait())
            if event is Event.STOP:
                process.stop(child, watch, _PATIENCE_S)


@contextmanager
def _running(
    command: Sequence[str], runtime: Runtime, log: Log, memory: str
) -> Iterator[subprocess.Popen[bytes]]:
    folders = process.environment_folders()
    try:
        with process.start(command, runtime.environ, log.file) as child:
            yield child
    finally:
        process.remove_shared_memory(memory)
        process.remove_environment_folders(folders)


def check_repositories(repositories: Sequence[str]) -> None:
    """Raise UsageError for a local folder that is not there, ModelsError for one without any model's folder."""
    for repository in repositories:
        folder = Path(repository)
        if "://" in repository:
            continue
        if not folder.is_dir():
            raise UsageError(
                f"There is no folder {folder}; give the folder of models with --model-repository DIR."
            )
        if not any(entry.is_dir() for entry in folder.iterdir()):
            raise ModelsError(f"The folder {folder} holds no model; expected {folder}/<model>/config.pbtxt.")


def fitted_repositories(settings: Settings, scratch: Path) -> dict[str, str]:
    """Give the path to serve for each repository. Where models may come and go, that is the repository itself."""
    if ports.option(settings.passed_through, "--model-control-mode") in (None, "none"):
        return repositories.fit(settings.repositories, scratch, repositories.instances())
    return {text: text if "://" in text else str(Path(text).absolute()) for text in settings.repositories}


def _with_paths_of_the_user(log: str, served: Mapping[str, str]) -> str:
    for given, path in served.items():
        log = log.replace(path, given)
    return log


def tritonserver_command(
    settings: Settings,
    runtime: Runtime,
    served: Mapping[str, str],
    endpoints: Mapping[str, Endpoint],
    control: Endpoint,
    name: str,
    memory: str,
) -> list[str]:
    """Build the command line: this program's defaults first, then the user's options, which win.

    Configurations are complete in this project, so Triton need not start each backend once more to complete them.
    An HTTP service that the user switched off stays, for this program alone, at `control`.
    """
    command = [str(runtime.binary), f"--backend-directory={runtime.backends}", f"--id={name}"]
    command += [f"--model-repository={path}" for path in served.values()]
    command += ["--disable-auto-complete-config", *restrictions(settings.passed_through)]
    command += [
        f"--backend-config={backend},shm-region-prefix-name={memory}" for backend in ("onnxruntime", "python")
    ]
    for service, endpoint in endpoints.items():
        command += [f"--{service}-address={endpoint.address}", f"--{service}-port={endpoint.port}"]
    private = [] if "http" in endpoints else ["--allow-http=true", f"--http-address={control.address}"]
    return [*command, *settings.passed_through, *private]
