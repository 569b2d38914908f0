"""`--annotate` and `--anonymize`: a copy of the input with its faces marked, or hidden."""

from pathlib import Path
from typing import Any

from fer_client.media.frame import Frame
from fer_client.media.sources import Photographs, Source
from fer_client.outputs.stored_result import StoredResult
from fer_client.settings import Settings
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.faces_in_frames import FacesInFrames
from fer_client.visuals.finding import HiddenIn, hidden_faces
from fer_client.visuals.hiding import hide
from fer_client.visuals.labels import Labels
from fer_client.visuals.marks import Marker
from fer_client.visuals.photograph_copies import write_photograph_copies
from fer_client.visuals.video_copy import Draw, write_video_copy
from fer_client.visuals.visual import Request, Tick, Visual

_SHARE_OF_LOOKING = 0.5
"""Of the time that a copy with hidden faces takes."""


class _Copy(Visual):
    """A file `stem`.mp4, or a folder `stem` for photographs; `is_marked` where it shows what the faces show."""

    stem = ""
    is_marked = False

    def name(self, source: Source, _settings: Settings) -> str:
        """Name the file, or the folder."""
        return self.stem if isinstance(source, Photographs) else f"{self.stem}.mp4"

    def options(self, settings: Settings) -> dict[str, Any]:
        """Whether faces are hidden in it."""
        return {"anonymize": settings.anonymize}

    def make(self, request: Request, path: Path, tick: Tick) -> None:
        """Write it."""
        draws: list[Draw] = []
        start = 0.0
        if request.settings.anonymize:
            start = _SHARE_OF_LOOKING
            draws.append(_hiding(hidden_faces(request, lambda share: tick(start * share))))
        if self.is_marked:
            draws.append(_Marking(request.result))
        write = write_photograph_copies if isinstance(request.source, Photographs) else write_video_copy
        write(request, path, lambda share: tick(start + (1 - start) * share), _each(draws))


class AnnotatedCopy(_Copy):
    """A box, an expression and its confidence on every face; on covers where faces are to be hidden."""

    stem = "annotated"
    is_marked = True

    def is_wanted(self, settings: Settings) -> bool:
        """Whether `--annotate` was given."""
        return settings.annotate


class AnonymizedCopy(_Copy):
    """A cover on every face, and nothing else."""

    stem = "anonymized"

    def is_wanted(self, settings: Settings) -> bool:
        """Whether `--anonymize` was given."""
        return settings.anonymize


class _Marking:
    """Draws the marks of a result's faces on its frames, one after the other."""

    def __init__(self, result: StoredResult) -> None:
        self._faces = FacesInFrames(result)
        self._labels = Labels(result)
        self._marker: Marker | None = None

    def __call__(self, canvas: Canvas, frame: Frame, factor_xy: tuple[float, float]) -> None:
        if self._marker is None or self._marker.size_wh != canvas.size_wh:
            self._marker = Marker(canvas.size_wh)
        rows, boxes = self._faces.of(frame)
        self._marker.draw(canvas, self._labels.marks(rows, boxes, factor_xy))


def _hiding(hidden: HiddenIn) -> Draw:
    def draw(canvas: Canvas, frame: Frame, factor_xy: tuple[float, float]) -> None:
        hide(canvas, hidden(frame), factor_xy)

    return draw


def _each(draws: list[Draw]) -> Draw:
    def draw(canvas: Canvas, frame: Frame, factor_xy: tuple[float, float]) -> None:
        for one in draws:
            one(canvas, frame, factor_xy)

    return draw
