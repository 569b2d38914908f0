"""The pictures of a report, made in one more reading of the input: a small copy, and thumbnails of faces."""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from av.video.reformatter import VideoReformatter

from fer_client.errors import InputError
from fer_client.media.frame import Frame, Image
from fer_client.media.images import picture_frame, read_picture
from fer_client.media.sources import Photographs, VideoFile, VideoSource
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.finding import HiddenIn, hidden_faces
from fer_client.visuals.hiding import hide
from fer_client.visuals.reduced_copy import ReducedCopy, TooLarge, reduced_copy
from fer_client.visuals.rereading import check_is_same, reread
from fer_client.visuals.thumbnails import by_frame, choose_sightings, poster, thumbnail
from fer_client.visuals.visual import Request, Tick

MOST_SECONDS = 1800.0
"""Longer videos are not copied: half an hour takes about as many bytes as may be embedded."""

MOST_PHOTOGRAPHED = 600
"""Faces of photographs that get a picture, in the order of the table."""

_SHARE_OF_LOOKING = 0.5
"""Of the work, where faces are looked for before anything is shown."""

_BROWSERS_PLAY = frozenset({".mp4", ".m4v", ".webm", ".mov"})

LINKED_POLICY = "file: 'self'"
"""Of a page that plays files beside it, as a Content-Security-Policy says it."""


@dataclass
class Media:
    """What a page shows of an input.

    `facts` tells scripts of the video: its `kind` is embedded, linked or none; linked has `href`, none a `reason`, the
    others `start_s`, the presentation time at which it begins. `thumbnails` are data URLs by the row of the face,
    `poster` is one picture of the whole, empty where there is none. `video` is base64, empty unless embedded.
    """

    facts: dict[str, Any]
    thumbnails: dict[int, str] = field(default_factory=dict)
    poster: str = ""
    video: str = ""

    @property
    def policy(self) -> str:
        """Where a video may come from beside the page itself, as a Content-Security-Policy says it."""
        return LINKED_POLICY if self.facts["kind"] == "linked" else ""


def make_media(request: Request, tick: Tick) -> Media:
    """Read the input once more and make its pictures, with the faces hidden where the user asked for it.

    Raises InputError and Interrupted.
    """
    is_photographs = isinstance(request.source, Photographs)
    if not is_photographs and not isinstance(request.source, VideoSource):
        return Media(_none("The frames of a program are gone once analysed, so the page has no pictures."))
    if (request.result.summary.get("video") or {}).get("is_live"):
        return Media(_none("A live stream is gone once analysed, so the page has no pictures."))
    try:
        return _read_again(request, tick)
    except InputError:
        if request.source.kind != "stream":
            raise
        return Media(
            _none("What came from the address could not be read again, so the page has no pictures.")
        )


def _read_again(request: Request, tick: Tick) -> Media:
    is_photographs = isinstance(request.source, Photographs)
    start = _SHARE_OF_LOOKING if request.settings.anonymize else 0.0
    hidden = hidden_faces(request, lambda share: tick(start * share)) if start else None
    make = _of_photographs if is_photographs else _of_video
    return make(request, _Shown(hidden), lambda share: tick(start + (1 - start) * share))


@dataclass(frozen=True)
class _Shown:
    """Pictures as the page may show them: every one comes through here. `hidden`: the faces to hide in each frame."""

    hidden: HiddenIn | None

    def frame(self, frame: Frame, size_wh: tuple[int, int], reformatter: VideoReformatter) -> Image:
        """Give a frame at a size: BGR, uint8 [height, width, 3]."""
        picture = frame.bgr(size_wh, reformatter)
        if self.hidden is not None:
            (width, height), (of_width, of_height) = size_wh, frame.size_wh
            hide(Canvas.of_bgr(picture), self.hidden(frame), (width / of_width, height / of_height))
        return picture

    def photograph(self, index: int, source: Photographs) -> Image:
        """Give a photograph: BGR, uint8 [height, width, 3]."""
        picture = read_picture(source.paths[index], source.most_pixels)
        if self.hidden is not None:
            hide(Canvas.of_bgr(picture), self.hidden(picture_frame(index, 0.0, picture)))
        return picture


def _none(reason: str) -> dict[str, Any]:
    return {"kind": "none", "reason": reason}


def _of_photographs(request: Request, shown: _Shown, tick: Tick) -> Media:
    source, faces = request.source, request.result.faces
    assert isinstance(source, Photographs)
    media = Media(_none(""))
    wanted = dict(by_frame(faces, range(min(len(faces), MOST_PHOTOGRAPHED))))
    for frame in wanted or {0: []}:
        with suppress(InputError):
            picture = shown.photograph(frame, source)
            media.poster = media.poster or poster(picture)
            for row in wanted.get(frame, []):
                media.thumbnails[row] = thumbnail(picture, faces.boxes_xywh[row])
        tick((frame + 1) / len(source.paths))
    check_is_same(request)
    return media


def _of_video(request: Request, shown: _Shown, tick: Tick) -> Media:
    """Make thumbnails and the copy of a video."""
    source = request.source
    assert isinstance(source, VideoSource)
    nothing = Media(_none("There was no frame to show."))
    if not len(request.result.times_s):
        return nothing
    pictures = _Pictures(request, shown)
    with ExitStack() as stack:
        frames = stack.enter_context(reread(request, tick))
        first = next(frames, None)
        if first is None:
            return nothing
        copy = None
        if request.result.times_s[-1] - first.time_s <= MOST_SECONDS:
            sound = stack.enter_context(source.open_sound())
            copy = stack.enter_context(reduced_copy(first.time_s, first.size_wh, sound))
        video = pictures.take(first, frames, copy)
    facts = {"kind": "embedded", "start_s": first.time_s} if video else _linked(request, source, first)
    return Media(facts, pictures.thumbnails, pictures.poster, base64.b64encode(video).decode("ascii"))


class _Pictures:
    """Collects thumbnails and fills the copy as frames come."""

    def __init__(self, request: Request, shown: _Shown) -> None:
        self._shown = shown
        self._faces = request.result.faces
        self._wanted = dict(by_frame(self._faces, choose_sightings(self._faces, request.result.tracks)))
        self._poster_at = next(iter(self._wanted), int(request.result.frames[0]))
        self._step_s = (
            float(np.median(np.diff(request.result.times_s))) if len(request.result.times_s) > 1 else 0
        )
        self._reformatter = VideoReformatter()
        self.thumbnails: dict[int, str] = {}
        self.poster = ""

    def take(self, first: Frame, others: Iterator[Frame], copy: ReducedCopy | None) -> bytes:
        """Take all frames; return the copy's file, empty where there is none or it became too large."""
        frame: Frame | None = first
        last_s = first.time_s
        while frame is not None:
            self._collect(frame)
            last_s = frame.time_s
            copy = self._add(copy, frame)
            frame = next(others, None)
        return b"" if copy is None else copy.finish(last_s + self._step_s)

    def _add(self, copy: ReducedCopy | None, frame: Frame) -> ReducedCopy | None:
        if copy is None or not copy.wants(frame.time_s):
            return copy
        try:
            copy.add(frame.time_s, self._shown.frame(frame, copy.size_wh, self._reformatter))
        except TooLarge:
            return None
        return copy

    def _collect(self, frame: Frame) -> None:
        if frame.index not in self._wanted and frame.index != self._poster_at:
            return
        picture = self._shown.frame(frame, frame.size_wh, self._reformatter)
        if frame.index == self._poster_at:
            self.poster = poster(picture)
        for row in self._wanted.get(frame.index, []):
            self.thumbnails[row] = thumbnail(picture, self._faces.boxes_xywh[row])


def _linked(request: Request, source: VideoSource, first: Frame) -> dict[str, Any]:
    """Refer to the input itself where it is too long to be embedded and a browser is likely to play it."""
    path = source.paths[0]
    if request.settings.anonymize:
        return _none("The video is too long to be part of the page with its faces hidden.")
    if not isinstance(source, VideoFile) or not is_likely_played(path):
        return _none("The video is too long to be part of the page.")
    return {"kind": "linked", "start_s": first.time_s, "href": link_to(path, request.result.folder)}


def is_likely_played(path: Path) -> bool:
    """Whether browsers know files of this name; what is in them may still be unknown to one."""
    return path.suffix.lower() in _BROWSERS_PLAY


def link_to(path: Path, folder: Path) -> str:
    """Write the relative address of a file for a page in `folder`."""
    return quote(os.fsencode(os.path.relpath(path.resolve(), folder.resolve())))
