"""From input specs to sources. A spec is a file, a folder, a pattern, an address, or - for a list of all these."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from fer_client.errors import FerError, InputError, UsageError, fails_alone
from fer_client.media.animations import is_animated_avif, is_animated_png
from fer_client.media.network import check_url, is_url, shown_url
from fer_client.media.pixels import MOST_PIXELS
from fer_client.media.sources import (
    ImageSequence,
    Photographs,
    Source,
    Stream,
    VideoFile,
    folder_name,
    video_file,
)

LIST = "-"
"""Stands for a list of specs on standard input, one per line."""

IMAGE_SUFFIXES = (
    *(".avif", ".bmp", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"),
)
"""A file with one of these suffixes is an image; every other file that is named is taken for a video."""

VIDEO_SUFFIXES = (
    ".3gp",
    ".asf",
    ".avi",
    ".flv",
    ".gif",
    ".m2ts",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".ogv",
    ".ts",
    ".vob",
    ".webm",
    ".wmv",
    ".y4m",
)
"""In a folder the files with one of these suffixes are videos, and others but images are passed over."""

_OF_A_RESULT = ("summary.json", "faces.")
"""How the names of two files begin by which a folder is known as that of an earlier result."""

_OF_A_COMPARISON = frozenset({"comparison.html", "comparison.png", "comparison.csv"})

_HERE = PurePosixPath(".")
_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d")


@dataclass
class Inputs:
    """What is to be analysed; `failures` has the error of each spec or folder that cannot be read or holds nothing.

    `earlier` are the folders of earlier results that were passed over.
    """

    sources: list[Source] = field(default_factory=list)
    failures: dict[str, FerError] = field(default_factory=dict)
    earlier: list[Path] = field(default_factory=list)


def find_inputs(
    specs: Sequence[str], sequence_fps: float | None, out: Path | None = None, most_pixels: int = MOST_PIXELS
) -> Inputs:
    """Find the inputs that the specs name.

    A folder stands for the videos in it and below, and for the photographs of each folder together; with
    `sequence_fps`, in images per second, the images in it are one sequence. Hidden files, linked folders, `out` and
    the folders of results are passed over. Each source refuses frames of more than `most_pixels`. Raises UsageError
    for an empty spec or list, and for a pattern such as frames/%05d.png without `sequence_fps`.
    """
    inputs = Inputs()
    for spec in _expanded(specs):
        try:
            with fails_alone(_shown(spec)):
                found = _found(spec, sequence_fps, out)
        except InputError as error:
            inputs.failures[_shown(spec)] = error
        else:
            inputs.sources += [replace(source, most_pixels=most_pixels) for source in found.sources]
            inputs.failures |= found.failures
            inputs.earlier += found.earlier
    return inputs


def _expanded(specs: Iterable[str]) -> Iterator[str]:
    for spec in specs:
        if not spec:  # which would stand for the current folder
            raise UsageError("Expected the name of an input, but it is empty. Use . for the current folder.")
        if spec != LIST:
            yield spec
            continue
        listed = [os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer]
        if not any(listed):
            raise UsageError("Expected a list of inputs on standard input, one per line, but it is empty.")
        yield from filter(None, listed)


def _shown(spec: str) -> str:
    """Name a spec in messages: without an address's secrets, and only the first of a list with zero bytes."""
    return shown_url(spec).partition("\0")[0]


def _found(spec: str, sequence_fps: float | None, out: Path | None) -> Inputs:
    try:
        return _named(spec, sequence_fps, out)
    except OSError as error:  # a name longer than any that the disk takes, say
        raise _cannot_read(spec, error) from error


def _named(spec: str, sequence_fps: float | None, out: Path | None) -> Inputs:
    if "\0" in spec:
        raise InputError(
            f"{_shown(spec)}: expected an input's name, but zero bytes follow it. Give a list as one per line: "
            "find with -print, not -print0."
        )
    path = Path(spec)
    if is_url(spec):
        check_url(spec)
        return Inputs([Stream(_HERE, (), spec)])
    if _NUMBER.search(path.name) and not path.exists():
        return Inputs([_numbered(path, sequence_fps)])
    if path.is_dir():
        return Inputs([_folder_sequence(path, sequence_fps)]) if sequence_fps else _below(path, out)
    if path.suffix.lower() in IMAGE_SUFFIXES and not _is_animation(path):
        return Inputs([Photographs(_HERE, (path,))])
    return Inputs([video_file(path)])


def _numbered(pattern: Path, fps: float | None) -> Source:
    """Make a sequence of the images that fit the pattern, each at its number's time; numbers may be missing."""
    if fps is None:
        raise UsageError(
            f"{pattern} names a sequence of pictures, which carry no times. Say how many follow each other in a "
            "second: --sequence-fps 25"
        )
    before, width, after = _NUMBER.split(pattern.name, maxsplit=1)
    digits = rf"\d{{{width},}}" if width else r"0|[1-9]\d*"
    form = re.compile(f"{re.escape(before)}({digits}){re.escape(after)}")
    found = [(int(match[1]), path) for path in _files(pattern.parent) if (match := form.fullmatch(path.name))]
    if not found:
        raise InputError(f"{pattern}: expected pictures whose names fit this pattern, but there is none.")
    found.sort()
    numbers, paths = zip(*found, strict=True)
    return _sequence(pattern.parent, paths, [number - numbers[0] for number in numbers], fps, pattern.name)


def _folder_sequence(folder: Path, fps: float) -> Source:
    paths = _images(_files(folder))
    if not paths:
        raise InputError(
            f"{folder}: expected the pictures of a film in this folder ({', '.join(IMAGE_SUFFIXES)}), but there is "
            "none. Leave out --sequence-fps to analyse videos."
        )
    return _sequence(folder, paths, range(len(paths)), fps)


def _sequence(
    folder: Path, paths: Sequence[Path], steps: Sequence[int], fps: float, pattern: str = ""
) -> ImageSequence:
    times_s = tuple(step / fps for step in steps)
    return ImageSequence(_HERE, tuple(paths), folder, times_s, times_s[-1] + 1 / fps, pattern)


def _below(top: Path, out: Path | None) -> Inputs:
    """Find what a folder and the folders in it hold. Results get the same tree as `cp -r` would give copies."""
    inputs = Inputs()
    for folder in _walk(top, out, inputs):
        place = PurePosixPath(folder_name(top), *folder.relative_to(top).parts)
        files = _files(folder)
        animations = {path for path in files if _is_animation(path)}
        inputs.sources += [
            VideoFile(place, (path,))
            for path in files
            if path.suffix.lower() in VIDEO_SUFFIXES or path in animations
        ]
        if photographs := [path for path in _images(files) if path not in animations]:
            inputs.sources.append(Photographs(place, tuple(photographs), folder))
    if inputs.earlier and not (inputs.sources or inputs.failures):
        raise InputError(
            f"{top}: expected videos or photographs in this folder, but it holds results of earlier runs alone. Name "
            "the folder of what they were made of, or a file by itself."
        )
    if not (inputs.sources or inputs.failures):
        raise InputError(
            f"{top}: expected videos ({', '.join(VIDEO_SUFFIXES)}) or photographs ({', '.join(IMAGE_SUFFIXES)}) in "
            "this folder, but it holds none."
        )
    return inputs


def _walk(top: Path, out: Path | None, inputs: Inputs) -> Iterator[Path]:
    """Yield the folder and those below; `inputs` takes the errors of some, and the results that are passed over."""

    def note(error: OSError) -> None:
        inputs.failures[error.filename] = _cannot_read(error.filename, error)

    results = None if out is None else Path(os.path.realpath(out))
    for name, folders, files in os.walk(top, onerror=note):
        folder = Path(name)
        if all(any(file.startswith(start) for file in files) for start in _OF_A_RESULT):
            inputs.earlier.append(folder)
            folders.clear()
            continue
        yield folder
        folders[:] = [
            child
            for child in sorted(folders, key=natural)
            if not child.startswith(".") and Path(os.path.realpath(folder / child)) != results
        ]


def _files(folder: Path) -> list[Path]:
    """List the files of a folder, hidden ones left out, numbers in their names in the order of their values."""
    try:
        names = [
            entry.name for entry in os.scandir(folder) if os.path.isfile(entry)
        ]  # also of links in a circle
    except OSError as error:
        raise _cannot_read(folder, error) from error
    return [folder / name for name in sorted(names, key=natural) if not name.startswith(".")]


def _cannot_read(path: str | Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror}). Check the path and its permissions.")


def _is_animation(path: Path) -> bool:
    """Whether a file is an image by its name and a video by its content."""
    is_animated = {".avif": is_animated_avif, ".png": is_animated_png}.get(path.suffix.lower())
    return is_animated is not None and is_animated(path)


def _images(files: Sequence[Path]) -> list[Path]:
    """Choose the images, but not the picture of a comparison of results."""
    not_seen = _OF_A_COMPARISON if {path.name for path in files} >= _OF_A_COMPARISON else frozenset()
    return [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES and path.name not in not_seen]


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts `shot2` before `shot10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]
