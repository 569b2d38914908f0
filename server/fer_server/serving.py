"""One run of the server, from its options to its end."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_server import health, http_api, leftovers, ports, process, repositories
from fer_server.errors import ModelsError, ServerError, UsageError
from fer_server.health import Health
from fer_server.logs import SEE_LOG, check_addresses, explain
from fer_server.ports import DEFAULT_PORTS, Endpoint
from fer_server.process import Event, Watch
from fer_server.restarts import WINDOW_S, Restarts
from fer_server.restriction import restrictions
from fer_server.runtime import Runtime, prepare

_PATIENCE_S = 40.0
"""How long requests in flight may take to end; Triton gives them 30 s by default."""


@dataclass(frozen=True)
class Settings:
    """What to serve and how.

    A server that was ready and fails is started again, `most_restarts` times within ten minutes; every
    `probe_interval_s` seconds its models are asked for an answer, never for 0.
    `passed_through` are tritonserver's own options, which win over this program's defaults.
    """

    repositories: tuple[str, ...]
    auto_ports: bool = False
    stop_on_eof: bool = False
    start_timeout_s: float = 300
    log_file: Path | None = None
    verbose: bool = False
    most_restarts: int = 5
    probe_interval_s: float = 5.0
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
        self._start = 0
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

    def begin(self) -> None:
        """Note that what comes from now on is of a new start."""
        self._start = self.file.seek(0, os.SEEK_END)

    def text(self) -> str:
        """Give what has come since the last start."""
        with Path(self.file.name).open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")


def serve(
    settings: Settings,
    packages: Path,
    environ: Mapping[str, str],
    announce: Callable[[Started], None],
    tell: Callable[[str], None],
) -> None:
    """Run the server until a stop signal or the end of stdin; call `announce` once it is ready.

    One that was ready and fails is started again, at the same addresses; `tell` takes a sentence that says so.
    Raises ServerError or one of its kinds when it cannot start, or fails more often than the settings allow.
    """
    check_repositories(settings.repositories)
    check_addresses()
    leftovers.clear()
    endpoints = ports.endpoints(settings.passed_through, settings.auto_ports)
    ports.check_free(endpoints.values())
    with (
        Watch(settings.stop_on_eof) as watch,
        prepare(packages, environ) as runtime,
        ports.control(endpoints) as control,
        Log(settings.log_file or runtime.scratch / "tritonserver.log", settings.verbose) as log,
    ):
        served = fitted_repositories(settings, runtime.scratch / "models")
        server = _Server(settings, runtime, served, endpoints, control, log, watch)
        restarts = Restarts(settings.most_restarts)
        while True:
            try:
                return server.run(announce)
            except ServerError as failure:
                pause_s = restarts.pause_s(time.monotonic()) if server.was_ready else None
                if pause_s is None:
                    raise _verdict(failure, restarts) from None
                count = f"{len(restarts.times_s)} of {restarts.most}"
                tell(
                    f"{failure} Starting it again at the same addresses ({count} within {WINDOW_S / 60:g} minutes)."
                )
            if watch.pause(pause_s):
                return None


def _verdict(failure: ServerError, restarts: Restarts) -> ServerError:
    if not restarts.times_s:
        return failure
    return type(failure)(f"{restarts.verdict()} and is not started again. {failure}")


@dataclass
class _Server:
    """What does not change from one start of tritonserver to the next; `was_ready` once one start succeeded."""

    settings: Settings
    runtime: Runtime
    served: Mapping[str, str]
    endpoints: Mapping[str, Endpoint]
    control: Endpoint
    log: Log
    watch: Watch
    was_ready: bool = False

    def run(self, announce: Callable[[Started], None]) -> None:
        """Start tritonserver and attend to it until it is to stop; call `announce` the first time that it is ready.

        Raises ServerError when it cannot start or fails.
        """
        scratch = self.runtime.scratch
        name = ports.option(self.settings.passed_through, "--id") or f"fer-server-{os.getpid()}"
        command = tritonserver_command(
            self.settings,
            self.runtime,
            self.served,
            self.endpoints,
            self.control,
            name,
            leftovers.memory_prefix(scratch),
        )
        ports.make_free(self.control)
        ports.check_free(self.endpoints.values())
        self.log.begin()
        others = leftovers.environment_folders()
        with _running(command, self.runtime, self.log, others) as child:
            timeout_s = self.settings.start_timeout_s
            event = process.await_ready(child, self.watch, self.control, name, timeout_s, self.log.show)
            leftovers.note_environment_folders(scratch, leftovers.environment_folders() - others)
            leftovers.close_shared_memory(scratch)
            if event is None:
                event = self._attend(child, announce)
            if event is Event.EXITED:
                raise explain(_with_paths_of_the_user(self.log.text(), self.served), child.wait())
            if event is Event.STOP:
                process.stop(child, self.watch, _PATIENCE_S)

    def _attend(self, child: subprocess.Popen[bytes], announce: Callable[[Started], None]) -> Event:
        """Watch over a ready server; give what ends that. Raises ServerError where it no longer answers."""
        models = http_api.served_models(self.control)
        # Where models may come and go, so may their processes.
        stubs = health.stub_processes(child.pid) if _is_fixed(self.settings) else []
        patient = Health(self.control, self.settings.probe_interval_s, list(models), stubs)
        with patient.watched():
            if not self.was_ready:
                announce(Started(self.endpoints, child.pid, models))
            self.was_ready = True
            event = process.await_event(
                child, self.watch, lambda: patient.illness() is not None, self.log.show
            )
            if event is Event.ILL:
                raise ServerError(f"The server answers no longer: {patient.illness()}; {SEE_LOG}.")
        return event


@contextmanager
def _running(
    command: Sequence[str], runtime: Runtime, log: Log, others: set[Path]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server; at the end nothing of it is left. `others` are environments' folders that are not its own."""
    try:
        with process.start(command, runtime.environ, log.file) as child:
            yield child
    finally:
        leftovers.remove_shared_memory(runtime.scratch)
        leftovers.remove_environment_folders(leftovers.environment_folders() - others)


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
    if _is_fixed(settings):
        return repositories.fit(settings.repositories, scratch, repositories.instances())
    return {text: text if "://" in text else str(Path(text).absolute()) for text in settings.repositories}


def _is_fixed(settings: Settings) -> bool:
    """Whether the models that are loaded at the start stay to the end."""
    return ports.option(settings.passed_through, "--model-control-mode") in (None, "none")


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
    Where HTTP is not asked for, it listens at `control`, for this program alone.
    """
    command = [str(runtime.binary), f"--backend-directory={runtime.backends}", f"--id={name}"]
    command += [f"--model-repository={path}" for path in served.values()]
    command += ["--disable-auto-complete-config", *restrictions(settings.passed_through)]
    command += [
        f"--backend-config={backend},shm-region-prefix-name={memory}" for backend in ("onnxruntime", "python")
    ]
    for service, endpoint in endpoints.items():
        command += [f"--{service}-address={endpoint.address}", f"--{service}-port={endpoint.port}"]
    for service in DEFAULT_PORTS.keys() - endpoints.keys():
        command += [f"--allow-{service}=false"]
    private = [] if "http" in endpoints else ["--allow-http=true", f"--http-address={control.address}"]
    return [*command, *settings.passed_through, *private]
