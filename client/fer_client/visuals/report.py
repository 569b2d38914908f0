"""The visual `report.html`: everything that a result tells, on one page that needs nothing else."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fer_client.media.sources import Source
from fer_client.outputs.stored_result import StoredResult
from fer_client.printable import printable
from fer_client.settings import Settings
from fer_client.visuals.face_columns import pack_faces
from fer_client.visuals.labels import shown_label
from fer_client.visuals.pages.bokeh_figures import (
    as_document,
    bokeh_script,
    check_packages,
    packed_bokeh_script,
)
from fer_client.visuals.pages.packing import compressed
from fer_client.visuals.pages.template import Page, as_json, render
from fer_client.visuals.report_figures import ROW, report_figures
from fer_client.visuals.report_media import Media, make_media
from fer_client.visuals.report_text import context_of, palette_of, span_of
from fer_client.visuals.thumbnails import SIDE
from fer_client.visuals.visual import Request, Tick, Visual

_BASE_SCRIPTS = ("dom.js", "theme.js", "table.js", "save.js")
_SCRIPTS = (
    *(
        *_BASE_SCRIPTS,
        "unpack.js",
        "bokeh.js",
        "printing.js",
        "faces.js",
        "reduce.js",
        "bars.js",
        "player.js",
    ),
    *("timeline.js", "affect.js", "tables.js", "keys.js", "report.js"),
)

_KIND = "report"

MOST_ROWS = 12
"""Faces that get a row in the timeline, those first that were seen longest; all are in the tables."""


class Report(Visual):
    """Writes the page of one result."""

    def name(self, _source: Source, _settings: Settings) -> str:
        """Return the name of the file."""
        return "report.html"

    def is_wanted(self, settings: Settings) -> bool:
        """Whether `--report` was given."""
        return settings.report

    def options(self, settings: Settings) -> dict[str, Any]:
        """Return what changes the pictures on the page."""
        return {"anonymize": settings.anonymize}

    def check(self, _settings: Settings) -> None:
        """Raise UsageError where a package is missing."""
        check_packages()

    def make(self, request: Request, path: Path, tick: Tick) -> None:
        """Write the page. Raises InputError, UsageError and Interrupted."""
        self.check(request.settings)
        media = make_media(request, tick)
        path.write_text(render(_page(request, media)), encoding="utf-8")


def _page(request: Request, media: Media) -> Page:
    result = request.result
    if not len(result.faces):
        return Page(
            "faceless.html",
            (*_BASE_SCRIPTS, "faceless.js"),
            _KIND,
            context=context_of(result, media),
            blocks=_poster(media),
        )
    if request.source.kind == "photographs":
        return _gallery(request, media)
    return timed_page(result, media)


def _poster(media: Media) -> dict[str, Any]:
    """Give the index of a study the picture that stands for the input, see `index_page`."""
    return {"poster": media.poster}


def timed_page(result: StoredResult, media: Media) -> Page:
    """Return the page of a video, a film of pictures or a stream in which a face was found."""
    rows = result.tracks[:MOST_ROWS]
    span_s = span_of(result)
    names = [f"Face {track}" for track in rows]
    figures = report_figures(names, span_s, result.has_valence_arousal)
    faces = pack_faces(result, result.tracks)
    texts = {"packed-faces": faces.pop("text"), "packed-episodes": _packed_episodes(result)}
    return Page(
        template="report.html",
        scripts=_SCRIPTS,
        kind=_KIND,
        context=context_of(result, media) | {"step": faces["step"], "most_rows": MOST_ROWS, "side": SIDE},
        blocks={
            **_poster(media),
            "facts": _facts(result, span_s) | {"media": media.facts},
            "faces": faces,
            "figures": as_document(figures),
        },
        texts=texts | {"packed-bokeh": packed_bokeh_script(), "packed-video": media.video},
        later_scripts=[bokeh_script()],
        media=media.policy,
    )


def _packed_episodes(result: StoredResult) -> str:
    return compressed(as_json([asdict(episode) for episode in result.episodes]).encode("ascii"))


def _facts(result: StoredResult, span_s: tuple[float, float]) -> dict[str, Any]:
    return {
        "stem": result.folder.name,
        "labels": result.labels,
        "palette": palette_of(result),
        "tracks": result.tracks,
        "rows": min(len(result.tracks), MOST_ROWS),
        "rowHeight": ROW,
        "start_s": span_s[0],
        "end_s": span_s[1],
        "minConfidence": _min_confidence(result),
    }


def _min_confidence(result: StoredResult) -> float:
    return float(result.summary["settings"].get("min_confidence", 0.0))


def _gallery(request: Request, media: Media) -> Page:
    faces, labels = request.result.faces, request.result.labels
    shown = [
        {
            "shown": shown_label(probabilities, labels, _min_confidence(request.result))[0],
            "source": printable(request.source.name_of_frame(int(faces.frame[row]))),
            "expression": labels[int(probabilities.argmax())],
            "confidence": round(float(probabilities.max()), 6),
            "probabilities": [round(float(value), 6) for value in probabilities],
            "affect": None if np.isnan(affect).any() else [round(float(value), 6) for value in affect],
            "picture": media.thumbnails.get(row, ""),
        }
        for row, (probabilities, affect) in enumerate(
            zip(faces.probabilities, faces.valence_arousal, strict=True)
        )
    ]
    context = context_of(request.result, media)
    facts = {
        "stem": request.result.folder.name,
        "labels": labels,
        "palette": context["palette"],
        "side": SIDE,
    }
    blocks = {**_poster(media), "facts": facts, "photographed": shown}
    return Page("gallery.html", (*_BASE_SCRIPTS, "gallery.js"), _KIND, context=context, blocks=blocks)
