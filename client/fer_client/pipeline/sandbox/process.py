"""The process that decodes, as seen from the client: started, listened to, and ended."""

import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from fer_client.errors import InputError, UsageError
from fer_client.faces.alignment import FaceCrops
from fer_client.faces.detection import YUNET_NAME
from fer_client.media.frame import Frame, VideoInfo
from fer_client.media.sampling import Counter
from fer_client.media.sources import Photographs, Source, Stream
from fer_client.media.video import check_file
from fer_client.pipeline.looking import Looking
from fer_client.pipeline.photos import Unreadable
from fer_client.pipeline.sandbox import messages
from fer_client.pipeline.sandbox.child import Order
from fer_client.pipeline.sandbox.confinement import obstacle
from fer_client.pipeline.timing import StageClock
from fer_client.settings import LUMAFACE, YUNET, Settings

# -P: a file of the user in the working folder must not shadow a module.
_COMMAND = [sys.executable, "-P", "-m", "fer_client.pipeline.sandbox.child"]

_VARIABLES = ("PYTHON", "LD_LIBRARY_PATH", "LC_", "LANG", "FER_TRACEBACK")
"""How those begin that the process gets of the environment: no key, no password, no token."""

# Threads that were there before would be held by the filter alone. The detector is spread over threads of Python's.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

_POLL_MS = 100
_SILENT_S = 120.0
"""Longest that the process may tell nothing: its start, the opening of a file, or one frame or photograph."""

_PIECE = 1 << 16


class SandboxEndedError(InputError):
    """The process ended where it should have gone on; `ending` says how."""

    def __init__(self, shown: str, ending: str) -> None:
        super().__init__(
            f"{shown}: expected an input that can be decoded, but the process that decodes it ended ({ending}). "
            "Save it in another format."
        )
        self.ending = ending


def check_sandbox(settings: Settings) -> None:
    """Raise UsageError where a sandbox is asked for that this system cannot give."""
    if settings.sandbox and (reason := obstacle()):
        raise UsageError(
            f"--sandbox cannot be had here: {reason}. Leave it out, and decode what you do not trust in a container."
        )


def check_input(source: Source, settings: Settings) -> None:
    """Raise InputError where an input cannot be opened, as far as can be told without decoding outside of a sandbox."""
    if not is_confined(source, settings):
        source.check()
    elif len(source.paths) == 1:
        check_file(source.paths[0], "picture" if isinstance(source, Photographs) else "video")


def is_confined(source: Source, settings: Settings) -> bool:
    """Whether an input is to be decoded in a sandbox; frames of a program are decoded already.

    Raises UsageError where there is none for it.
    """
    if not settings.sandbox or source.kind == "array":
        return False
    check_sandbox(settings)
    if isinstance(source, Stream):
        raise UsageError(
            f"{source.shown}: expected a file with --sandbox, which lets nothing reach the network, but it is an "
            "address. Save it as a file first, or leave the option out."
        )
    return True


class Sandbox:
    """One process that looks at one input; of a video a `fer_client.media.frame.Video` but for its frames."""

    info: VideoInfo
    corruption: str | None = None

    def __init__(
        self,
        source: Source,
        looking: Looking,
        clock: StageClock,
        counter: Counter | None = None,
        first: int = 0,
        workers: int | None = None,
    ) -> None:
        self._source, self._looking, self._clock = source, looking, clock
        self._counter = counter or Counter()
        kind = YUNET if looking.detector.name == YUNET_NAME else LUMAFACE
        model = Path(looking.detector.source) if kind == YUNET else None
        order = Order(source, looking.settings, kind, model, looking.crop_shape, first, workers)
        # The kernel ends the process with the thread that started it, so that thread stays until `close`.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        self._process = self._starter.submit(_start).result()
        self._data = bytearray()
        assert self._process.stdin
        with suppress(BrokenPipeError), self._process.stdin as order_file:  # of one that ended, `_read` tells
            order_file.write(pickle.dumps(order))

    def open(self) -> None:
        """Wait until a video is open. Raises InputError where it cannot be, UsageError without a sandbox."""
        opened = self._next()
        if opened.get("kind") != messages.OPENED:
            raise messages.WrongMessageError("its kind")
        self.info = messages.read_info(opened, self._source.label)

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:  # noqa: ARG002 - a Video has it
        """Raise TypeError: frames stay where they are decoded."""
        raise TypeError("expected nobody to ask a sandbox for frames")

    def faces(self) -> Iterator[FaceCrops]:
        """Yield the faces of a video's frames. Raises InputError."""
        for came in self.found():
            if isinstance(came, Unreadable):
                raise messages.WrongMessageError("its kind")
            yield came

    def found(self) -> Iterator[FaceCrops | Unreadable]:
        """Yield what was found, in order, and take what is known at the end. Raises InputError."""
        while True:
            said = self._next()
            match said.get("kind"):
                case messages.FACES:
                    yield messages.read_faces(said, self._read, self._looking.crop_shape)
                case messages.UNREADABLE:
                    index, sentence = messages.whole_number(said, "index"), messages.text(said, "sentence")
                    yield Unreadable(index, InputError(sentence))
                case messages.ENDED:
                    return self._take_end(said)
                case _:
                    raise messages.WrongMessageError("its kind")

    def close(self) -> None:
        """End the process and wait until it has gone."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._starter.shutdown()

    def _take_end(self, said: dict[str, Any]) -> None:
        for stage, (seconds, count) in messages.read_stages(said).items():
            self._clock.add(stage, seconds, count)
        if "info" in said:
            self.info = messages.read_info(said, self._source.label)
            self.corruption = None if said.get("damage") is None else messages.text(said, "damage")
            self._counter.decoded = messages.whole_number(said, "decoded")

    def _next(self) -> dict[str, Any]:
        said = messages.read_message(self._read)
        while said.get("kind") == messages.AT_WORK:
            said = messages.read_message(self._read)
        if said.get("kind") == messages.FAILED:
            raise InputError(messages.text(said, "sentence"))
        if said.get("kind") == messages.REFUSED:
            raise UsageError(f"--sandbox cannot be had here: {messages.text(said, 'sentence')}.")
        return said

    def _read(self, size: int) -> bytes:
        """Read exactly so many bytes, looking meanwhile whether it is to stop."""
        while len(self._data) < size:
            self._data += self._piece()
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def _piece(self) -> bytes:
        assert self._process.stdout
        file = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(file, select.POLLIN)
        silent_from_s = time.monotonic()
        while not waiting.poll(_POLL_MS):
            self._looking.check()
            if time.monotonic() - silent_from_s > _SILENT_S:
                raise SandboxEndedError(self._source.shown, f"stopped after {_SILENT_S:g} s without a frame")
        piece = os.read(file, _PIECE)
        if not piece:
            raise SandboxEndedError(self._source.shown, _ending(self._process.wait()))
        return piece


def photographs_in_sandboxes(
    source: Photographs, looking: Looking, clock: StageClock
) -> Generator[FaceCrops | Unreadable]:
    """Do as `faces_in_photographs`, in a process of its own; one that ends is followed by another.

    That one looks at a photograph at a time, until the one at which it ends is known.
    """
    done, is_careful = 0, False
    while done < len(source.paths):
        try:
            workers = 1 if is_careful else None
            with closing(Sandbox(source, looking, clock, first=done, workers=workers)) as sandbox:
                for came in sandbox.found():
                    if came.index != done:
                        raise messages.WrongMessageError("its index")
                    done += 1
                    yield came
            return
        except SandboxEndedError as error:
            if is_careful:
                yield Unreadable(done, SandboxEndedError(str(source.paths[done]), error.ending))
                done += 1
            is_careful = not is_careful


def _start() -> "subprocess.Popen[bytes]":
    """Start it in a group of its own, so that Ctrl-C reaches the client alone."""
    return subprocess.Popen(
        [*_COMMAND, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if "FER_TRACEBACK" in os.environ else subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)} | _ONE_THREAD,
        process_group=0,
        bufsize=0,
    )


def _ending(code: int) -> str:
    with suppress(ValueError):
        if code < 0:
            return signal.Signals(-code).name
    return f"exit code {code}"
