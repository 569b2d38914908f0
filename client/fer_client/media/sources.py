"""What can be analysed, each with the name of its result: a video, a stream, a sequence of images, photographs."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from fer_client.media.fingerprints import fingerprint
from fer_client.media.frame import Video
from fer_client.media.images import SequenceReader, first_picture, read_picture
from fer_client.media.network import connect, open_stream, shown_url, stream_name, stream_stem, without_user
from fer_client.media.pixels import MOST_PIXELS
from fer_client.media.sound import Sound, opened_sound
from fer_client.media.video import open_container, open_video


@dataclass(frozen=True)
class Source(ABC):
    """One input, which gives one result folder. `kind` is what summary.json calls it.

    `place` is where the result stands below --out where the input came from a folder, "." where it was
    named itself. `paths` are the files that are read. A frame of more than `most_pixels` is refused.
    """

    place: PurePosixPath
    paths: tuple[Path, ...]
    most_pixels: int = field(default=MOST_PIXELS, kw_only=True)

    kind = ""

    @property
    @abstractmethod
    def shown(self) -> str:
        """How the input is named in messages."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Last part of the input's name, with its suffix: `talk.mp4`."""

    @property
    def stem(self) -> str:
        """Name of the result folder where no other input has the same: `talk`; that of `..mp4` is the label."""
        stem = PurePath(self.label).stem
        return stem if stem.strip(".") else self.label

    @property
    def origin(self) -> str | None:
        """Where the input stands, links followed, which tells it from others of its name; None if that is secret."""
        return str(self.paths[0].resolve())

    @abstractmethod
    def check(self) -> None:
        """Raise InputError where the input cannot even be opened."""

    def fingerprint(self) -> str | None:
        """Return what is equal as long as the content is, see `fer_client.media.fingerprints`; None for an address."""
        return fingerprint(self.paths)

    def name_of_frame(self, _index: int) -> str:
        """Name the file that a frame comes from."""
        return self.label


@dataclass(frozen=True)
class VideoSource(Source):
    """An input that is read as a video: frames in the order of their times."""

    @abstractmethod
    def open(self) -> AbstractContextManager[Video]:
        """Open it to be read once. Raises InputError."""

    def open_sound(self) -> AbstractContextManager[Sound]:
        """Open what is to be heard with it, without any where there is none. Raises InputError."""
        return nullcontext(Sound())

    def check(self) -> None:
        """Open and close it."""
        with self.open():
            pass


@dataclass(frozen=True)
class VideoFile(VideoSource):
    """A video file."""

    kind = "video"

    @property
    def shown(self) -> str:
        """Return the path as it was given."""
        return str(self.paths[0])

    @property
    def label(self) -> str:
        """Return the file's name."""
        return self.paths[0].name

    def open(self) -> AbstractContextManager[Video]:
        """Open the file."""
        return open_video(self.paths[0], self.most_pixels)

    def open_sound(self) -> AbstractContextManager[Sound]:
        """Open the file once more."""
        return opened_sound(open_container(self.paths[0]), self.shown)


def video_file(path: Path) -> VideoFile:
    """Make an input of one video."""
    return VideoFile(PurePosixPath("."), (path,))


@dataclass(frozen=True)
class Stream(VideoSource):
    """An address from which FFmpeg reads."""

    url: str

    kind = "stream"

    @property
    def shown(self) -> str:
        """Return the address without its secrets."""
        return shown_url(self.url)

    @property
    def label(self) -> str:
        """Return the host and the last part of the address."""
        return stream_name(self.url)

    @property
    def origin(self) -> str | None:
        """Return the address, None where what is hidden of it, a query say, may tell one video from another."""
        return self.shown if self.shown == without_user(self.url) else None

    @property
    def stem(self) -> str:
        """Return the label without suffix."""
        return stream_stem(self.url)

    def open(self) -> AbstractContextManager[Video]:
        """Connect."""
        return open_stream(self.url, self.most_pixels)

    def open_sound(self) -> AbstractContextManager[Sound]:
        """Connect once more."""
        return opened_sound(connect(self.url), self.shown)

    def check(self) -> None:
        """Do nothing: a camera may take one caller only, and what it sends meanwhile would be lost."""

    def fingerprint(self) -> str | None:
        """Return None: what comes from an address may differ each time."""
        return None


@dataclass(frozen=True)
class ImageSequence(VideoSource):
    """Numbered images as a video: `times_s` has a time in seconds per image; `pattern` is empty for all of a folder."""

    folder: Path
    times_s: tuple[float, ...]
    duration_s: float
    pattern: str = ""

    kind = "sequence"

    @property
    def shown(self) -> str:
        """Return the folder, and the names of the first and the last image."""
        return f"{self.folder}/{self.paths[0].name} to {self.paths[-1].name}"

    @property
    def label(self) -> str:
        """Return the folder's name."""
        return folder_name(self.folder)

    @property
    def stem(self) -> str:
        """Return the folder's name, dots included."""
        return self.label

    @property
    def origin(self) -> str | None:
        """Return the folder's path, with the pattern where one was given."""
        return str(self.folder.resolve() / self.pattern)

    def name_of_frame(self, index: int) -> str:
        """Name the image."""
        return self.paths[index].name

    def open(self) -> AbstractContextManager[Video]:
        """Return the images as a video."""
        return nullcontext(
            SequenceReader(self.label, self.paths, self.times_s, self.duration_s, self.most_pixels)
        )

    def check(self) -> None:
        """Read the first image that can be read; damaged ones before it count when the sequence is read."""
        first_picture(self.paths, self.most_pixels)


@dataclass(frozen=True)
class Photographs(Source):
    """Images that have nothing to do with each other: one that was named, or all of a folder together."""

    folder: Path | None = None

    kind = "photographs"

    @property
    def shown(self) -> str:
        """Return the path of the photograph or the folder."""
        return str(self.paths[0] if self.folder is None else self.folder)

    @property
    def label(self) -> str:
        """Return the file's name, or `photographs` for those of a folder."""
        return self.paths[0].name if self.folder is None else "photographs"

    @property
    def origin(self) -> str | None:
        """Return the path of the photograph or the folder."""
        return str((self.paths[0] if self.folder is None else self.folder).resolve())

    def name_of_frame(self, index: int) -> str:
        """Name the photograph."""
        return self.paths[index].name

    def check(self) -> None:
        """Read a photograph that was named; of a folder's, those that cannot be read are named at the end."""
        if self.folder is None:
            read_picture(self.paths[0], self.most_pixels)


def folder_name(folder: Path) -> str:
    """Return the folder's own name, also of `.` and `..`."""
    return folder.resolve().name or "folder"
