"""Feed damaged files to the input layer, and see that each is read or refused in a sentence.

    python -m benchmarks.fuzz_media --seconds 60
    python -m benchmarks.fuzz_media --seconds 60 --guided

Files are made on the spot in common forms, and damaged by a seeded generator. A process of its own reads them, so that
a crash, an error that nobody foresaw, or a file that takes longer than `--limit` seconds ends none of the rest: its
file is kept in `--keep`. With `--guided` Atheris (pip install atheris) follows which lines of `fer_client.media` a
damage reaches; FFmpeg and OpenCV are compiled, and it sees nothing in them.
"""

import argparse
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import cv2
import numpy as np

from fer_client.errors import InputError
from fer_client.media.images import read_picture
from fer_client.media.video import open_video

_VIDEOS = {
    "avi": ("mpeg4", "yuv420p"),
    "flv": ("flv", "yuv420p"),
    "gif": ("gif", "rgb8"),
    "mkv": ("libx264", "yuv422p"),
    "mov": ("mjpeg", "yuvj420p"),
    "mp4": ("libx264", "yuv420p"),
    "mpg": ("mpeg2video", "yuv420p"),
    "mxf": ("mpeg2video", "yuv420p"),
    "ts": ("libx264", "yuv420p"),
    "webm": ("libvpx-vp9", "yuv420p"),
    "wmv": ("wmv2", "yuv420p"),
}
_PICTURES = ("bmp", "jpg", "png", "tif", "webp")
_MOST_PIXELS = 4_000_000
_MOST_FRAMES = 200

SOUND = ("read", "refused")
"""The outcomes that are wanted; the others are `crashed`, `hung` and `failed`, an error without a sentence."""


def seeds(folder: Path) -> list[Path]:
    """Write a small whole file of each form."""
    rng = np.random.default_rng(0)
    pictures = [cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48)) for _ in range(6)]
    paths = [folder / f"whole.{suffix}" for suffix in (*_VIDEOS, *_PICTURES)]
    for path in paths:
        suffix = path.suffix[1:]
        if suffix in _VIDEOS:
            _write_video(path, pictures, *_VIDEOS[suffix])
        else:
            cv2.imwrite(str(path), pictures[0])
    return paths


def _write_video(path: Path, pictures: list[np.ndarray], codec: str, pixel_format: str) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """Damage a file in one to three ways, of which most strike its head, where its structure stands."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 3)):
        rng.choice(_DAMAGES)(data, rng)
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    return rng.randrange(max(1, min(len(data), rng.choice((64, 1024, len(data))))))


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _number(data: bytearray, rng: random.Random) -> None:
    """Put a length, a rate or a size that is absurd."""
    value = rng.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
    width = rng.choice((1, 2, 4))
    place = _place(data, rng)
    data[place : place + width] = (value & (1 << 8 * width) - 1).to_bytes(
        width, rng.choice(("big", "little"))
    )


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[max(1, _place(data, rng)) :]


def _leave_out(data: bytearray, rng: random.Random) -> None:
    place = max(1, _place(data, rng))
    del data[place : place + rng.choice((1, 4, 100))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place:place] = data[place : place + rng.choice((4, 100, 2000))]


def _zero(data: bytearray, rng: random.Random) -> None:
    place, count = _place(data, rng), rng.choice((4, 64, 512))
    data[place : place + count] = bytes(len(data[place : place + count]))


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _number,
    _number,
    _cut,
    _leave_out,
    _repeat,
    _zero,
)


def read(path: Path) -> bool:
    """Read a file as a picture and as a video; whether either went well. Any error but InputError leaves it."""
    is_picture = _succeeds(partial(read_picture, path, _MOST_PIXELS))
    is_video = [_succeeds(partial(_read_video, path, allow_corruption)) for allow_corruption in (False, True)]
    return is_picture or any(is_video)


def _succeeds(reading: Callable[[], object]) -> bool:
    try:
        reading()
    except InputError:
        return False
    return True


def _read_video(path: Path, allow_corruption: bool) -> None:
    with open_video(path) as video:
        if video.info.width * video.info.height > _MOST_PIXELS:
            raise InputError(f"{path}: too large to be tried")
        for frame in video.frames(allow_corruption):
            if frame.index == _MOST_FRAMES or frame.luma.size > _MOST_PIXELS:
                return
            frame.rgb()


def read_each() -> None:
    """Read the files whose names come on standard input, and say of each how it went."""
    for line in sys.stdin:
        try:
            said = "read" if read(Path(line.rstrip("\n"))) else "refused"
        except Exception as error:  # what the run looks for
            said = f"failed {type(error).__name__}: {' '.join(str(error).split())}"
        print(said, flush=True)  # noqa: T201


class Reader:
    """The process that reads, started anew where it ended or had to be ended."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz_media", "--reader"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def try_file(self, path: Path) -> str:
        """Return `read`, `refused`, `failed …`, `crashed` or `hung`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{path}\n")
        if select.select([self._process.stdout], [], [], self._limit_s)[0]:
            said = self._process.stdout.readline().strip()
            if said:
                return said
        self.close()
        outcome = "hung" if self._process.returncode == -9 else f"crashed {self._process.returncode}"
        self._start()
        return outcome

    def close(self) -> None:
        """End the process; one that does not end by itself had hung."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(self._limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def fuzz(seconds: float, seed: int, keep: Path, limit_s: float, most: int | None = None) -> Counter[str]:
    """Try damaged files for so long, or so many; count the outcomes, and keep the files whose outcome is unsound."""
    rng, outcomes = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        wholes = [(path, path.read_bytes()) for path in seeds(Path(name))]
        reader, end = Reader(limit_s), time.monotonic() + seconds
        while time.monotonic() < end and (most is None or outcomes.total() < most):
            path, whole = rng.choice(wholes)
            data = damaged(whole, rng)
            trial = path.with_stem("trial")
            trial.write_bytes(data)
            outcome = reader.try_file(trial)
            kind = outcome.split()[0]
            outcomes[kind] += 1
            if kind not in SOUND:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{kind}-{seed}-{outcomes.total()}{path.suffix}").write_bytes(data)
                print(f"{path.suffix[1:]}: {outcome}", file=sys.stderr)  # noqa: T201
        reader.close()
    return outcomes


def fuzz_guided(seconds: float, keep: Path) -> None:
    """Let Atheris damage the files, until the time is over or something is found."""
    try:
        import atheris
    except ImportError:
        sys.exit("--guided needs the package atheris: pip install atheris")
    import fer_client.media as package

    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "corpus"
        corpus.mkdir()
        seeds(corpus)
        keep.mkdir(parents=True, exist_ok=True)
        for module in sorted(sys.modules):
            if module.startswith(f"{package.__name__}."):
                _instrument(atheris, sys.modules[module])

        def one(data: bytes) -> None:
            trial = Path(name) / "trial"
            trial.write_bytes(data or b"\0")
            read(trial)

        limits = [
            f"-max_total_time={int(seconds)}",
            "-timeout=30",
            "-rss_limit_mb=4096",
            f"-artifact_prefix={keep}/",
        ]
        atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
        atheris.Fuzz()


def _instrument(atheris: Any, module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if callable(value) and hasattr(value, "__code__") and value.__module__ == module.__name__:
            setattr(module, name, atheris.instrument_func(value))


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Feed damaged files to the input layer.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=30, metavar="S", help="seconds for one file (30)")
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), metavar="FOLDER")
    parser.add_argument("--guided", action="store_true", help="let Atheris choose the damage")
    parser.add_argument("--reader", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        read_each()
        return
    if options.guided:
        fuzz_guided(options.seconds, options.keep)
        return
    outcomes = fuzz(options.seconds, options.seed, options.keep, options.limit)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(outcomes.items())))  # noqa: T201
    sys.exit(any(kind not in SOUND for kind in outcomes))


if __name__ == "__main__":
    main()
