"""A camera of this machine, through FFmpeg's video4linux2."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import av
from av.error import FFmpegError

from fer_client.errors import InputError
from fer_client.media.frame import Video
from fer_client.media.sources import VideoSource
from fer_client.media.video import VideoReader, main_stream, video_info

_DRIVER = "v4l2"

_WISHES: tuple[dict[str, str], ...] = (
    {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30"},
    {},
)
"""What is asked of a camera, the first that it grants. Uncompressed, 720p at 30 frames/s is more than USB 2 carries."""


@dataclass(frozen=True)
class Camera(VideoSource):
    """A camera by its device, `/dev/video0`."""

    @property
    def shown(self) -> str:
        """Return the device."""
        return str(self.paths[0])

    @property
    def label(self) -> str:
        """Return the last part of the device's path."""
        return self.paths[0].name

    @property
    def origin(self) -> str | None:
        """Return None: what a camera sends is never the same again."""
        return None

    def fingerprint(self) -> str | None:
        """Return None, for the same reason."""
        return None

    def open(self) -> AbstractContextManager[Video]:
        """Switch the camera on."""
        return open_camera(self.paths[0])


def camera(spec: str) -> Camera | None:
    """Make an input of a camera's number or device; None where the text names none."""
    device = f"/dev/video{spec}" if re.fullmatch(r"[0-9]{1,2}", spec) else spec
    if not re.fullmatch(r"/dev/(video[0-9]+|v4l/.+)", device):
        return None
    return Camera(PurePosixPath("."), (Path(device),))


@contextmanager
def open_camera(device: Path, driver: str = _DRIVER) -> Iterator[VideoReader]:
    """Open a camera. Raises InputError where there is none, or another program has it."""
    with _container(device, driver) as container:
        stream = main_stream(container, str(device))
        info = video_info(container, stream, device.name, is_remote=True)
        with closing(VideoReader(info, container, stream, str(device))) as video:
            yield video


def _container(device: Path, driver: str) -> Any:
    failure: Exception | None = None
    for wishes in _WISHES:
        try:
            return av.open(str(device), format=driver, container_options=wishes)
        except (FFmpegError, ValueError) as error:
            failure = error
    reason = getattr(failure, "strerror", None) or type(failure).__name__
    there = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
    raise InputError(
        f"{device}: expected a camera, but it cannot be opened ({reason}). Cameras of this machine: {there}. "
        "Check that it is plugged in, that no other program has it, and that you may read the device."
    ) from failure
