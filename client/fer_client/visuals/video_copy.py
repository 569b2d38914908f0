"""An input's frames with something drawn on each, and its sound, as one MP4."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter

from fer_client.media.frame import Frame
from fer_client.media.sound import Sound
from fer_client.media.sources import VideoSource
from fer_client.media.yuv import colours_of, upright_yuv
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.rereading import reread
from fer_client.visuals.video_file import SoundTrack, VideoTrack, new_mp4
from fer_client.visuals.visual import Request, Tick

Draw = Callable[[Canvas, Frame, tuple[float, float]], None]
"""Draws on the picture of a frame. The factors are those from square pixels of the frame to pixels of the picture."""


def write_video_copy(request: Request, path: Path, tick: Tick, draw: Draw) -> None:
    """Write the frames, at the size of the first, with their times and the sound. Raises InputError and OSError."""
    source = request.source
    assert isinstance(source, VideoSource)
    with (
        reread(request, tick) as frames,
        source.open_sound() as sound,
        new_mp4(path) as container,
    ):
        copy: _Copy | None = None
        for frame in frames:
            copy = copy or _Copy(container, frame, sound, request)
            copy.add(frame, draw)
        if copy is not None:
            copy.finish()


class _Copy:
    def __init__(self, container: Any, first: Frame, sound: Sound, request: Request) -> None:
        settings = request.settings
        self._size_wh = first.size_wh
        self._video = VideoTrack(container, first, self._size_wh, request.source.shown)
        self._sound = SoundTrack(container, sound, settings.partial)
        self._end_s = math.inf if settings.duration_s is None else first.time_s + settings.duration_s
        self._reformatter = VideoReformatter()

    def add(self, frame: Frame, draw: Draw) -> None:
        picture = upright_yuv(frame, self._size_wh, self._reformatter)
        factor_x, factor_y = np.array(self._size_wh) / np.array(frame.size_wh)
        draw(Canvas.of_yuv(picture, colours_of(frame)), frame, (factor_x, factor_y))
        self._video.add(picture, frame)
        self._sound.add_until(min(frame.time_s, self._end_s))

    def finish(self) -> None:
        self._video.finish()
        self._sound.add_until(self._end_s)
        self._sound.finish()
